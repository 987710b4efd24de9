#include "tools/shoalctl/codegen/definitions.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "protocol/http/message.hpp"

namespace shoal::codegen {
namespace {

using json = nlohmann::ordered_json;

constexpr auto bases = std::array{
    std::pair{std::string_view{"string"}, type::base::text},
    std::pair{std::string_view{"int"}, type::base::integer},
    std::pair{std::string_view{"long"}, type::base::long_integer},
    std::pair{std::string_view{"double"}, type::base::real},
    std::pair{std::string_view{"bool"}, type::base::boolean},
    std::pair{std::string_view{"bytes"}, type::base::bytes},
    std::pair{std::string_view{"any"}, type::base::any},
};

/// What one of the languages, or the code around the models, already means by a model's name.
constexpr std::string_view taken_models[] = {"Any", "Array", "Bool", "Boolean", "Byte", "Codable",
    "Data", "Date", "Decodable", "Decoder", "Double", "Encodable", "Encoder", "Enum", "Error",
    "Exception", "Float", "Int", "Int32", "Int64", "Json", "JsonArray", "JsonElement", "JsonNull",
    "JSON", "JSONDecoder", "JSONEncoder", "JSONValue", "List", "Long", "Map", "Nothing", "Number",
    "Object", "Promise", "Protocol", "Record", "Self", "SerialName", "Serializable", "String",
    "Symbol", "Type", "Unit", "Void"};

/// The same for functions, for the names of an enumeration, and for fields.
constexpr std::string_view taken_functions[] = {"batch", "clone", "constructor", "copy", "deinit",
    "equals", "finalize", "getClass", "hashCode", "init", "notify", "notifyAll", "self", "toString",
    "wait"};
constexpr std::string_view taken_values[] = {"Companion", "Protocol", "Self", "Type",
    "declaringClass", "entries", "init", "name", "ordinal", "self", "valueOf", "values"};
constexpr std::string_view taken_fields[] = {"Protocol", "Self", "Type", "constructor", "equals",
    "hashCode", "init", "prototype", "self", "toString"};

[[noreturn]] void fail(std::string_view where, std::string_view what) {
  throw bad_definitions{std::string{where}.append(": ").append(what)};
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A name in every language. What begins with "mgw" belongs to the generated code itself.
bool is_name(std::string_view x) {
  return !x.empty() && x.size() <= 64 && is_letter(x.front()) &&
         !http::same_name(x.substr(0, 3), "mgw") &&
         std::ranges::all_of(x, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

bool is_taken(std::span<const std::string_view> names, std::string_view x) {
  return std::ranges::find(names, x) != names.end();
}

bool is_model_name(std::string_view x) {
  return is_name(x) && x.front() >= 'A' && x.front() <= 'Z' && !is_taken(taken_models, x);
}

/// Kotlin gives the fields of a data class these names, too.
bool is_component(std::string_view x) {
  return x.starts_with("component") && x.size() > 9 && is_digit(x[9]);
}

bool is_operation(std::string_view x) {
  return !x.empty() && x.size() <= 256 && std::ranges::all_of(x, [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-' || c == '/' || c == ':';
  });
}

std::string text_of(const json& in, const char* name, std::string_view where) {
  if (!in.contains(name))
    return {};
  if (!in[name].is_string())
    fail(where, std::string{name} + " must be text");
  return in[name].get<std::string>();
}

void only(const json& in, std::string_view where, std::initializer_list<std::string_view> names) {
  if (!in.is_object())
    fail(where, "must be an object");
  for (auto& [name, value] : in.items())
    if (std::ranges::find(names, std::string_view{name}) == names.end())
      fail(where, "unknown member " + name);
}

class reader {
public:
  explicit reader(const json& in) : in_{in} {
    only(in, "definitions", {"name", "apis", "models"});
    out_.name = text_of(in, "name", "definitions");
    if (!is_model_name(out_.name))
      fail("name", "must be a word with a capital, such as Shop");
  }

  definitions read() {
    // Names first: models may mention each other in any order.
    if (in_.contains("models")) {
      only_object(in_["models"], "models");
      for (auto& [name, value] : in_["models"].items()) {
        if (!is_model_name(name) || name == out_.name + "Client" || name == out_.name + "Api")
          fail("models." + name, "this name cannot be used");
        if (!models_.insert(name).second)
          fail("models." + name, "is there twice");
      }
      for (auto& [name, value] : in_["models"].items())
        out_.models.push_back(read_model(name, value));
      for (auto& x : out_.models)
        check_size(x.name, x);
    }
    if (!in_.contains("apis") || !in_["apis"].is_array() || in_["apis"].empty())
      fail("apis", "must be a list of at least one API");
    for (auto& x : in_["apis"])
      out_.apis.push_back(read_api(x));
    return std::move(out_);
  }

private:
  static void only_object(const json& in, std::string_view where) {
    if (!in.is_object())
      fail(where, "must be an object");
  }

  type read_type(std::string_view text, const std::string& where) const {
    auto out = type{};
    if (text.ends_with('?')) {
      out.optional = true;
      text.remove_suffix(1);
    }
    while (text.ends_with("[]") || text.ends_with("{}")) {
      out.in.push_back(text.ends_with(']') ? type::container::list : type::container::map);
      text.remove_suffix(2);
    }
    std::ranges::reverse(out.in);
    for (auto& [name, what] : bases)
      if (text == name) {
        out.what = what;
        return out;
      }
    if (!models_.contains(text))
      fail(where, "unknown type " + std::string{text});
    out.what = type::base::model;
    out.model = text;
    return out;
  }

  field read_field(const std::string& name, const json& in, const std::string& where) const {
    if (!is_name(name) || is_taken(taken_fields, name) || is_component(name))
      fail(where,
          "this name cannot be used: names are letters, digits and _, and begin with a letter");
    if (in.is_string())
      return {name, read_type(in.get<std::string>(), where), {}};
    only(in, where, {"type", "description"});
    return {name, read_type(text_of(in, "type", where), where), text_of(in, "description", where)};
  }

  model read_model(const std::string& name, const json& in) const {
    auto where = "models." + name;
    only(in, where, {"description", "fields", "values"});
    auto out = model{name, text_of(in, "description", where), {}, {}};
    if (in.contains("fields") == in.contains("values"))
      fail(where, "must have either fields or values");
    if (in.contains("values")) {
      for (auto& x : in["values"].is_array() ? in["values"] : json::array()) {
        auto value = x.is_string() ? x.get<std::string>() : std::string{};
        if (!is_name(value) || is_taken(taken_values, value) ||
            std::ranges::find(out.values, value) != out.values.end())
          fail(where + ".values", "must be different names that can be used");
        out.values.push_back(value);
      }
      if (out.values.empty())
        fail(where + ".values", "must be a list of names");
      return out;
    }
    only_object(in["fields"], where + ".fields");
    for (auto& [field_name, what] : in["fields"].items()) {
      auto at = where + "." + field_name;
      out.fields.push_back(read_field(field_name, what, at));
    }
    return out;
  }

  api read_api(const json& in) {
    only(in, "apis",
        {"operationType", "function", "description", "body", "parameters", "response", "rest"});
    auto out = api{};
    out.operation = text_of(in, "operationType", "apis");
    auto where = "apis." + out.operation;
    if (!is_operation(out.operation))
      fail(where, "operationType is missing or no name of an operation");
    if (!operations_.insert(out.operation).second)
      fail(where, "is there twice");
    out.function = in.contains("function") ? text_of(in, "function", where) : named(out.operation);
    if (!is_name(out.function) || is_taken(taken_functions, out.function) ||
        !(out.function.front() >= 'a' && out.function.front() <= 'z'))
      fail(where, "give it a function, such as createOrder");
    if (!functions_.insert(out.function).second)
      fail(where, "another API has the function " + out.function + " already; give it another");
    out.description = text_of(in, "description", where);
    if (in.contains("body"))
      out.body = read_type(text_of(in, "body", where), where + ".body");
    if (out.body && out.body->optional)
      fail(where + ".body", "cannot be optional");
    if (in.contains("parameters"))
      out.parameters =
          read_parameters(in["parameters"], where + ".parameters", out.body.has_value());
    if (in.contains("response"))
      out.response = read_type(text_of(in, "response", where), where + ".response");
    read_rest(text_of(in, "rest", where), where + ".rest", out);
    return out;
  }

  /// A value that holds itself, directly or through others, has no end; a list of itself has.
  void check_size(const std::string& first, const model& x) {
    auto& looked_at = sizes_[first];
    for (auto& f : x.fields) {
      if (f.what.what != type::base::model || !f.what.in.empty())
        continue;
      if (f.what.model == first)
        fail("models." + x.name + "." + f.name, "makes " + first + " hold itself; a list may");
      if (looked_at.insert(f.what.model).second)
        check_size(first, *std::ranges::find(out_.models, f.what.model, &model::name));
    }
  }

  std::vector<field> read_parameters(
      const json& in, const std::string& where, bool has_body) const {
    auto out = std::vector<field>{};
    only_object(in, where);
    for (auto& [name, what] : in.items()) {
      out.push_back(read_field(name, what, where + "." + name));
      if (has_body && name == "body")
        fail(where + ".body", "there is a body already");
    }
    std::stable_partition(out.begin(), out.end(), [](auto& x) { return !x.what.optional; });
    return out;
  }

  void read_rest(const std::string& text, const std::string& where, api& out) {
    if (text.empty())
      return;
    auto split = text.find(' ');
    out.rest_method = text.substr(0, split);
    out.rest_path = split == std::string::npos ? "" : text.substr(split + 1);
    constexpr auto methods =
        std::array<std::string_view, 5>{"GET", "POST", "PUT", "DELETE", "PATCH"};
    auto good = std::ranges::find(methods, out.rest_method) != methods.end() &&
                out.rest_path.starts_with('/') && std::ranges::all_of(out.rest_path, [](char c) {
                  return is_letter(c) || is_digit(c) ||
                         std::string_view{"/._-{}"}.find(c) != std::string_view::npos;
                });
    if (!good)
      fail(where, "must be like POST /orders/{id}");
    if (!rests_.insert(text).second)
      fail(where, "another API has the same");
    for (auto at = out.rest_path.find('{'); at != std::string::npos;
         at = out.rest_path.find('{', at + 1)) {
      auto name = out.rest_path.substr(at + 1, out.rest_path.find('}', at) - at - 1);
      auto found = std::ranges::find(out.parameters, name, &field::name);
      if (found == out.parameters.end() || found->what.optional)
        fail(where, name + " is no parameter that is always there");
    }
  }

  /// "com.shop.order.create" is orderCreate: the last two words.
  static std::string named(std::string_view operation) {
    auto words = std::vector<std::string>{{}};
    for (auto c : operation) {
      if (is_letter(c) || is_digit(c))
        words.back() += c;
      else
        words.emplace_back();
    }
    std::erase(words, "");
    auto out = std::string{};
    for (auto i = words.size() < 2 ? 0 : words.size() - 2; i < words.size(); ++i) {
      auto word = words[i];
      auto& first = word.front();
      if (out.empty() && first >= 'A' && first <= 'Z')
        first = static_cast<char>(first + 32);
      else if (!out.empty() && first >= 'a' && first <= 'z')
        first = static_cast<char>(first - 32);
      out += word;
    }
    return out;
  }

  const json& in_;
  definitions out_;
  std::set<std::string, std::less<>> models_;
  std::map<std::string, std::set<std::string>> sizes_; // models that a model holds
  std::set<std::string> operations_, functions_, rests_;
};

} // namespace

definitions read_definitions(std::string_view text) {
  auto in = json::parse(text, nullptr, false);
  if (in.is_discarded())
    throw bad_definitions{"this is not JSON"};
  return reader{in}.read();
}

} // namespace shoal::codegen
