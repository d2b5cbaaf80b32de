import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.File;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.Map;

/**
 * Reads Strimzi resources with Strimzi's own model: `java -cp … Check.java FILE…`. Prints a line for each field that the
 * model does not know, and for each value that it cannot read; then how many resources it has read. Exit status 1 if any.
 */
public class Check {
    private static final Map<String, String> CLASSES = Map.of(
            "Kafka", "io.strimzi.api.kafka.model.kafka.Kafka",
            "KafkaNodePool", "io.strimzi.api.kafka.model.nodepool.KafkaNodePool",
            "KafkaTopic", "io.strimzi.api.kafka.model.topic.KafkaTopic",
            "KafkaUser", "io.strimzi.api.kafka.model.user.KafkaUser");
    private static int wrong = 0;

    public static void main(String[] files) throws Exception {
        int read = 0;
        ObjectMapper json = new ObjectMapper();
        for (String file : files) {
            YAMLFactory yaml = new YAMLFactory();
            var documents = new ObjectMapper(yaml).readValues(yaml.createParser(new File(file)), JsonNode.class);
            while (documents.hasNext()) {
                JsonNode document = documents.next();
                String name = document.at("/kind").asText() + " " + document.at("/metadata/name").asText();
                String type = CLASSES.get(document.at("/kind").asText());
                if (type == null) {
                    say(name, "no resource of Strimzi's");
                    continue;
                }
                try {
                    unknown(name, json.treeToValue(document, Class.forName(type)));
                    read++;
                } catch (com.fasterxml.jackson.core.JsonProcessingException error) {
                    say(name, error.getOriginalMessage());
                }
            }
        }
        System.out.println(read + " resources");
        System.exit(wrong == 0 ? 0 : 1);
    }

    /** The model keeps what it does not know aside, at every level. */
    private static void unknown(String path, Object value) throws ReflectiveOperationException {
        if (value instanceof Collection<?> items) {
            for (Object item : items) {
                unknown(path, item);
            }
        }
        if (value == null || !value.getClass().getName().startsWith("io.strimzi") || value instanceof Enum) {
            return;
        }
        for (Method method : value.getClass().getMethods()) {
            if (method.getParameterCount() != 0 || !method.getName().startsWith("get")) {
                continue;
            }
            Object found = method.invoke(value);
            if (method.getName().equals("getAdditionalProperties")) {
                for (Object key : ((Map<?, ?>) found).keySet()) {
                    say(path, "unknown field `" + key + "`");
                }
            } else {
                unknown(path + "." + method.getName().substring(3), found);
            }
        }
    }

    private static void say(String path, String what) {
        wrong++;
        System.out.println(path + ": " + what);
    }
}
