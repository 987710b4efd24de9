// What generated code uses of kotlinx.serialization, for the type checker: it does nothing.
@file:Suppress("UNUSED_PARAMETER")

package kotlinx.serialization.json

open class JsonElement
object JsonNull : JsonElement()
class JsonObject : JsonElement()
class JsonArray(content: List<JsonElement>) : JsonElement(), List<JsonElement> by content

class JsonBuilder {
    var ignoreUnknownKeys = false
}

class Json {
    inline fun <reified T> encodeToJsonElement(value: T): JsonElement = throw NotImplementedError(value.toString())
    inline fun <reified T> decodeFromJsonElement(element: JsonElement): T = throw NotImplementedError(element.toString())
}

fun Json(builder: JsonBuilder.() -> Unit): Json = Json()

class JsonObjectBuilder {
    fun put(key: String, element: JsonElement): JsonElement? = null
}

fun buildJsonObject(builder: JsonObjectBuilder.() -> Unit): JsonObject = JsonObject()
