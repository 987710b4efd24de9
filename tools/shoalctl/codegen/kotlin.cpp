#include <algorithm>
#include <array>

#include "tools/shoalctl/codegen/generators.hpp"

namespace shoal::codegen {
namespace {

constexpr auto reserved = std::array<std::string_view, 30>{"as", "break", "class", "continue", "do",
    "else", "false", "for", "fun", "if", "in", "interface", "is", "null", "object", "package",
    "return", "super", "this", "throw", "true", "try", "typealias", "typeof", "val", "var", "when",
    "while", "it", "field"};

std::string safe(const std::string& name) {
  return std::ranges::find(reserved, name) == reserved.end() ? name : "`" + name + "`";
}

std::string base_of(const type& x) {
  switch (x.what) {
  case type::base::text:
  case type::base::bytes:
    return "String";
  case type::base::integer:
    return "Int";
  case type::base::long_integer:
    return "Long";
  case type::base::real:
    return "Double";
  case type::base::boolean:
    return "Boolean";
  case type::base::any:
    return "JsonElement";
  case type::base::model:
    return x.model;
  }
  return {};
}

std::string said(const type& x) {
  auto out = contained(base_of(x), x, {"List<", ">", "Map<String, ", ">"});
  return x.optional ? out + "?" : out;
}

void write_model(source& to, const model& x) {
  to.line().comment("//", x.description).line("@Serializable");
  if (!x.values.empty()) {
    to.line("enum class " + x.name + " {").in();
    for (auto& value : x.values)
      to.line("@SerialName(\"" + value + "\") " + safe(value) + ",");
    to.out().line("}");
    return;
  }
  if (x.fields.empty()) {
    to.line("class " + x.name);
    return;
  }
  to.line("data class " + x.name + "(").in();
  for (auto& f : x.fields)
    to.comment("//", f.description)
        .line("val " + safe(f.name) + ": " + said(f.what) + (f.what.optional ? " = null," : ","));
  to.out().line(")");
}

/// How a call is asked for: what a function takes, and what it passes on as it is.
struct signature {
  std::vector<std::string> parameters, names;
};

signature signature_of(const api& x) {
  auto out = signature{};
  if (x.body) {
    out.parameters.push_back("body: " + said(*x.body));
    out.names.emplace_back("body");
  }
  for (auto& f : x.parameters) {
    out.parameters.push_back(
        safe(f.name) + ": " + said(f.what) + (f.what.optional ? " = null" : ""));
    out.names.push_back(safe(f.name));
  }
  return out;
}

std::string response_of(const api& x) { return x.response ? said(*x.response) : "Unit"; }

/// Makes the call and does not send it.
void write_making(source& to, const api& x) {
  to.line().comment("//", x.description);
  to.line("fun " + safe(x.function) + "(" + listed(signature_of(x).parameters) + "): MgwCall<" +
          response_of(x) + "> {")
      .in();
  to.line("val mgwData = buildJsonObject {").in();
  auto put = [](std::string_view name, const std::string& from) {
    return "put(\"" + std::string{name} + "\", mgwJson.encodeToJsonElement(" + from + "))";
  };
  if (x.body)
    to.line(put("_requestBody", "body"));
  for (auto& f : x.parameters)
    to.line(
        (f.what.optional ? "if (" + safe(f.name) + " != null) " : "") + put(f.name, safe(f.name)));
  to.out().line("}");
  auto read = x.response ? "mgwJson.decodeFromJsonElement<" + response_of(x) + ">(it) " : "";
  to.line("return MgwCall(\"" + x.operation + "\", JsonArray(listOf(mgwData)).toString()) { " +
          read + "}");
  to.out().line("}");
}

void write_call(source& to, const definitions& all, const api& x) {
  auto [parameters, names] = signature_of(x);
  to.line().comment("//", x.description);
  to.line("suspend fun " + safe(x.function) + "(" + listed(parameters) + "): " + response_of(x) +
          " =")
      .in();
  to.line("mgwSend(" + all.name + "Api." + safe(x.function) + "(" + listed(names) + "))").out();
}

constexpr std::string_view common = R"(
@Serializable
data class MgwAnswer(
    val resultStatus: Int,
    val tips: String = "",
    val result: JsonElement = JsonNull,
)

// A call that is not sent yet.
class MgwCall<T> internal constructor(
    val operationType: String,
    val requestData: String,
    private val read: (JsonElement) -> T,
) {
    internal fun resultOf(answer: MgwAnswer): T {
        if (answer.resultStatus != 1000) throw MgwError(answer.resultStatus, answer.tips)
        return read(answer.result)
    }
}

// Carries calls. requestData is what goes out, and what is signed, as it is.
interface MgwTransport {
    suspend fun send(operationType: String, requestData: String): MgwAnswer

    // Several in one request (POST /mgw/batch), answers in their order. As it is here, one after another.
    suspend fun sendBatch(calls: List<MgwCall<*>>): List<MgwAnswer> =
        calls.map { send(it.operationType, it.requestData) }
}

// How the calls of a batch ended: results[call].getOrThrow()
class MgwResults internal constructor(
    private val calls: List<MgwCall<*>>,
    private val answers: List<MgwAnswer>,
) {
    operator fun <T> get(call: MgwCall<T>): kotlin.Result<T> {
        val at = calls.indexOfFirst { it === call }
        val answer = answers.getOrNull(at) ?: MgwAnswer(0, "no answer")
        return runCatching { call.resultOf(answer) }
    }
}

// Every answer but success. tips are for people.
class MgwError(val resultStatus: Int, val tips: String) :
    Exception("$resultStatus: $tips")
)";

/// The members of the client that are no API.
constexpr std::string_view sending = R"(
    // Up to 32 calls at once, side by side. Throws only if the transport does.
    suspend fun batch(calls: List<MgwCall<*>>): MgwResults =
        MgwResults(calls, mgwTransport.sendBatch(calls))

    private suspend fun <T> mgwSend(call: MgwCall<T>): T =
        call.resultOf(mgwTransport.send(call.operationType, call.requestData))
}
)";

} // namespace

std::string kotlin(const definitions& x) {
  auto to = source{4};
  to.line(
        "// Generated by shoalctl gateway codegen. Needs kotlinx.serialization; bytes are base64.")
      .line()
      .line("import kotlinx.serialization.SerialName")
      .line("import kotlinx.serialization.Serializable")
      .line("import kotlinx.serialization.json.*");
  for (auto& m : x.models)
    write_model(to, m);
  auto out = to.take().append(common);
  to = source{4};
  to.line().line("// Calls to be sent by batch.").line("object " + x.name + "Api {").in();
  to.line("private val mgwJson = Json { ignoreUnknownKeys = true }");
  for (auto& a : x.apis)
    write_making(to, a);
  to.out().line("}").line();
  to.line("class " + x.name + "Client(private val mgwTransport: MgwTransport) {").in();
  for (auto& a : x.apis)
    write_call(to, x, a);
  return out.append(to.take()).append(sending);
}

} // namespace shoal::codegen
