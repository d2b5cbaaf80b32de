import java.net.URI;
import java.net.http.*;
import java.util.*;

/** Publishes the event on standard input: java Publish.java < event.json */
class Publish {
    static HttpResponse<String> post(String url, String authorization, String type, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).header("Authorization", authorization)
            .header("Content-Type", type).POST(HttpRequest.BodyPublishers.ofString(body)).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }
    public static void main(String[] arguments) throws Exception {
        var env = System.getenv();
        var me = (env.get("MASA_CLIENT_ID") + ":" + env.get("MASA_CLIENT_SECRET")).getBytes();
        var token = post(env.get("MASA_TOKEN_ENDPOINT"), "Basic " + Base64.getEncoder().encodeToString(me),
            "application/x-www-form-urlencoded", "grant_type=client_credentials").body()
            .replaceAll("(?s).*\"access_token\" *: *\"([^\"]+)\".*", "$1");
        var event = new String(System.in.readAllBytes(), "UTF-8");
        var answer = post(env.get("MASA_GATEWAY_URL") + "/v1/events", "Bearer " + token, "application/json", event);
        System.out.println(answer.body()); // 429 and 503: send the same again after Retry-After seconds
        System.exit(answer.statusCode() < 300 ? 0 : 1);
    }
}
