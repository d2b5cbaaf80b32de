import java.net.URI;
import java.net.http.*;
import java.util.*;

/** Receives one delivery and acknowledges it: java Receive.java; status 1 when there is none */
class Receive {
    static String post(String url, String authorization, String type, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).header("Authorization", authorization)
            .header("Content-Type", type).POST(HttpRequest.BodyPublishers.ofString(body)).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    }
    static String member(String name, String json) {
        return json.replaceAll("(?s).*\"" + name + "\" *: *\"([^\"]+)\".*", "$1");
    }
    public static void main(String[] arguments) throws Exception {
        var env = System.getenv();
        var me = (env.get("MASA_CLIENT_ID") + ":" + env.get("MASA_CLIENT_SECRET")).getBytes();
        var bearer = "Bearer " + member("access_token", post(env.get("MASA_TOKEN_ENDPOINT"),
            "Basic " + Base64.getEncoder().encodeToString(me), "application/x-www-form-urlencoded",
            "grant_type=client_credentials"));
        var found = post(env.get("MASA_GATEWAY_URL") + "/v1/inbox/poll", bearer, "application/json", "{\"limit\": 1}");
        if (found.isEmpty()) System.exit(1);
        System.out.println(found); // here: your case system
        System.out.println(post(env.get("MASA_GATEWAY_URL") + "/v1/deliveries/" + member("deliveryId", found)
            + "/acknowledge", bearer, "application/json",
            "{\"outcome\": \"NOTED\", \"lease\": \"" + member("lease", found) + "\"}"));
    }
}
