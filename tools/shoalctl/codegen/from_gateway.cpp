#include "tools/shoalctl/codegen/from_gateway.hpp"

#include <algorithm>
#include <cctype>

namespace shoal::codegen {

using json = nlohmann::ordered_json;

namespace {

constexpr unsigned max_depth = 16;

/// "com.shop.order.create" -> "ComShopOrderCreate"; letters and digits only.
std::string camel(std::string_view text) {
  auto out = std::string{};
  auto up = true;
  for (auto c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c))) {
      up = true;
      continue;
    }
    out += up ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    up = false;
  }
  return out;
}

/// The last two words: "com.shop.order.create" -> "OrderCreate".
std::string name_of(std::string_view operation) {
  auto dot = operation.rfind('.');
  if (dot != operation.npos && dot > 0)
    if (auto before = operation.rfind('.', dot - 1); before != operation.npos)
      operation.remove_prefix(before + 1);
  return camel(operation);
}

std::string text_in(const json& x, const char* name) {
  auto i = x.find(name);
  return i != x.end() && i->is_string() ? i->get<std::string>() : "";
}

struct models {
  json found = json::object();

  /// A name that is free, or has the same model already.
  std::string add(std::string name, const json& model) {
    auto wanted = name;
    for (auto i = 2; found.contains(name) && found[name] != model; ++i)
      name = wanted + std::to_string(i);
    found[name] = model;
    return name;
  }

  std::string type(const json& schema, const std::string& name, unsigned depth = 0) {
    if (!schema.is_object() || depth > max_depth)
      return "any";
    auto word = text_in(schema, "type");
    if (auto i = schema.find("enum"); i != schema.end() && i->is_array() && word != "integer")
      return add(title_or(schema, name), json{{"values", *i}});
    if (word == "string")
      return text_in(schema, "format") == "byte" ? "bytes" : "string";
    if (word == "integer")
      return text_in(schema, "format") == "int32" ? "int" : "long";
    if (word == "number")
      return "double";
    if (word == "boolean")
      return "bool";
    if (word == "array")
      return (schema.contains("items") ? type(schema["items"], name + "Item", depth + 1) : "any") +
             "[]";
    if (schema.contains("properties") && schema["properties"].is_object() &&
        !schema["properties"].empty())
      return object(schema, title_or(schema, name), depth);
    if (auto i = schema.find("additionalProperties"); i != schema.end() && i->is_object())
      return type(*i, name + "Value", depth + 1) + "{}";
    return "any";
  }

  std::string object(const json& schema, const std::string& name, unsigned depth) {
    auto required = schema.value("required", json::array());
    auto fields = json::object();
    for (auto& [field, x] : schema["properties"].items()) {
      auto what = type(x, name + camel(field), depth + 1);
      if (std::find(required.begin(), required.end(), field) == required.end())
        what += "?";
      auto words = text_in(x, "description");
      fields[field] = words.empty() ? json(what) : json{{"type", what}, {"description", words}};
    }
    auto model = json{{"fields", fields}};
    if (auto words = text_in(schema, "description"); !words.empty())
      model["description"] = words;
    return add(name, model);
  }

  static std::string title_or(const json& schema, const std::string& name) {
    auto title = camel(text_in(schema, "title"));
    return title.empty() ? name : title;
  }
};

json body_of(const json& api, const char* which, const std::string& name, models& to) {
  auto i = api.find(which);
  if (i == api.end())
    return nullptr;
  if (i->contains("schema"))
    return to.type((*i)["schema"], name);
  return i->contains("message") ? json("any") : json(nullptr);
}

json api_of(const json& x, models& to) {
  auto operation = text_in(x, "operation");
  auto name = name_of(operation);
  auto out = json{{"operationType", operation}};
  if (auto words = text_in(x, "description"); !words.empty())
    out["description"] = words;
  if (auto body = body_of(x, "request", name + "Request", to); !body.is_null())
    out["body"] = body;
  if (auto body = body_of(x, "response", name + "Response", to); !body.is_null())
    out["response"] = body;
  if (auto params = x.find("params"); params != x.end())
    for (auto& p : *params)
      if (auto place = text_in(p, "location"); place != "header" && place != "cookie") {
        auto type = text_in(p, "type");
        out["parameters"][text_in(p, "name")] =
            (type.empty() ? "string" : type) + (p.value("required", false) ? "" : "?");
      }
  if (auto method = text_in(x, "method"); !method.empty())
    out["rest"] = method + " " + text_in(x, "path");
  return out;
}

} // namespace

json document_of(std::string app, const json& bundle) {
  auto found = models{};
  auto apis = json::array();
  if (auto i = bundle.find("apis"); i != bundle.end())
    for (auto& x : *i)
      apis.push_back(api_of(x, found));
  auto at = app.find('@');
  return {{"name", camel(app.substr(0, at))}, {"models", std::move(found.found)},
      {"apis", std::move(apis)}};
}

} // namespace shoal::codegen
