#include <algorithm>

#include "tools/shoalctl/codegen/generators.hpp"

namespace shoal::codegen {
namespace {

using json = nlohmann::ordered_json;

json schema_of(const type& x) {
  auto out = json::object();
  switch (x.what) {
  case type::base::text:
    out = {{"type", "string"}};
    break;
  case type::base::integer:
    out = {{"type", "integer"}, {"format", "int32"}};
    break;
  case type::base::long_integer:
    out = {{"type", "integer"}, {"format", "int64"}};
    break;
  case type::base::real:
    out = {{"type", "number"}};
    break;
  case type::base::boolean:
    out = {{"type", "boolean"}};
    break;
  case type::base::bytes:
    out = {{"type", "string"}, {"contentEncoding", "base64"}};
    break;
  case type::base::any:
    break; // {} takes everything
  case type::base::model:
    out = {{"$ref", "#/components/schemas/" + x.model}};
    break;
  }
  for (auto in : x.in) {
    if (in == type::container::list)
      out = json{{"type", "array"}, {"items", std::move(out)}};
    else
      out = json{{"type", "object"}, {"additionalProperties", std::move(out)}};
  }
  return out;
}

json schema_of(const model& x) {
  auto out = json::object();
  if (!x.description.empty())
    out["description"] = x.description;
  if (!x.values.empty()) {
    out["type"] = "string";
    out["enum"] = x.values;
    return out;
  }
  out["type"] = "object";
  out["properties"] = json::object();
  auto required = json::array();
  for (auto& f : x.fields) {
    auto& property = out["properties"][f.name] = schema_of(f.what);
    if (!f.description.empty())
      property["description"] = f.description; // OpenAPI 3.1 lets it stand beside a $ref
    if (!f.what.optional)
      required.push_back(f.name);
  }
  if (!required.empty())
    out["required"] = std::move(required);
  return out;
}

json content(json schema) { return {{"application/json", {{"schema", std::move(schema)}}}}; }

json response_of(const api& x) {
  auto out = json{{"description", "success"}};
  if (x.response)
    out["content"] = content(schema_of(*x.response));
  return out;
}

/// requestData of one API: one object, with body and parameters in it.
json arguments_of(const api& x) {
  auto properties = json::object();
  auto required = json::array();
  if (x.body) {
    properties["_requestBody"] = schema_of(*x.body);
    required.push_back("_requestBody");
  }
  for (auto& f : x.parameters) {
    properties[f.name] = schema_of(f.what);
    if (!f.what.optional)
      required.push_back(f.name);
  }
  auto item = json{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty())
    item["required"] = std::move(required);
  return {{"title", x.operation}, {"type", "array"},
      {"prefixItems", json::array({std::move(item)})}, {"minItems", 1}, {"maxItems", 1}};
}

json described(const api& x) {
  auto out = json{{"operationId", x.function}};
  if (!x.description.empty())
    out["description"] = x.description;
  return out;
}

json rest_operation(const api& x) {
  auto out = described(x);
  auto parameters = json::array();
  for (auto& f : x.parameters) {
    auto in_path = x.rest_path.find("{" + f.name + "}") != std::string::npos;
    parameters.push_back({{"name", f.name}, {"in", in_path ? "path" : "query"},
        {"required", in_path || !f.what.optional}, {"schema", schema_of(f.what)}});
    if (!f.description.empty())
      parameters.back()["description"] = f.description;
  }
  if (!parameters.empty())
    out["parameters"] = std::move(parameters);
  if (x.body)
    out["requestBody"] = {{"required", true}, {"content", content(schema_of(*x.body))}};
  out["responses"] = {{"200", response_of(x)}};
  return out;
}

json header(const char* name, const char* description, bool required) {
  return {{"name", name}, {"in", "header"}, {"required", required}, {"description", description},
      {"schema", {{"type", "string"}}}};
}

/// All calls share one path; the header tells them apart.
json rpc_operation(const definitions& x) {
  auto operations = json::array(), bodies = json::array(), answers = json::array();
  for (auto& a : x.apis) {
    operations.push_back(a.operation);
    bodies.push_back(arguments_of(a));
    if (a.response) {
      auto answer = schema_of(*a.response);
      if (std::ranges::find(answers, answer) == answers.end())
        answers.push_back(std::move(answer));
    }
  }
  auto which = header("Operation-Type", "Which call it is.", true);
  which["schema"]["enum"] = std::move(operations);
  auto parameters = json::array({std::move(which), header("AppId", "The app.", true),
      header("WorkspaceId", "The app's workspace.", true),
      header("Ts", "Unix time in milliseconds, if calls are signed.", false),
      header("SignType", "MD5, HMACSHA256, RSASHA256 or SM3.", false),
      header("Sign", "The signature.", false)});
  auto failure = json{{"title", "Every answer but success"}, {"type", "object"},
      {"properties", {{"resultStatus", {{"type", "integer"}}}, {"tips", {{"type", "string"}}},
                         {"result", json::object()}}},
      {"required", {"resultStatus"}}};
  answers.push_back(std::move(failure));
  auto headers = json{
      {"Result-Status", {{"description", "1000 is success."}, {"schema", {{"type", "integer"}}}}}};
  return {{"operationId", "mgwCall"}, {"parameters", std::move(parameters)},
      {"requestBody", {{"required", true}, {"content", content({{"anyOf", std::move(bodies)}})}}},
      {"responses",
          {{"200", {{"description", "What Result-Status says."}, {"headers", std::move(headers)},
                       {"content", content({{"anyOf", std::move(answers)}})}}}}}};
}

} // namespace

std::string openapi(const definitions& x) {
  auto out = json{{"openapi", "3.1.0"}, {"info", {{"title", x.name}, {"version", "1"}}}};
  auto& paths = out["paths"] = json::object();
  paths["/mgw.htm"]["post"] = rpc_operation(x);
  for (auto& a : x.apis) {
    if (a.rest_path.empty())
      continue;
    auto method = a.rest_method;
    for (auto& c : method)
      c = static_cast<char>(c + 32);
    paths[a.rest_path][method] = rest_operation(a);
  }
  auto& schemas = out["components"]["schemas"] = json::object();
  for (auto& m : x.models)
    schemas[m.name] = schema_of(m);
  return out.dump(2) + "\n";
}

} // namespace shoal::codegen
