#include <algorithm>
#include <array>

#include "tools/shoalctl/codegen/generators.hpp"

namespace shoal::codegen {
namespace {

constexpr auto reserved = std::array<std::string_view, 49>{"as", "associatedtype", "break", "case",
    "catch", "class", "continue", "default", "defer", "deinit", "do", "else", "enum", "extension",
    "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in", "init",
    "inout", "internal", "is", "let", "nil", "operator", "private", "protocol", "public", "repeat",
    "rethrows", "return", "self", "static", "struct", "subscript", "super", "switch", "throw",
    "throws", "true", "try", "var", "where", "while"};

std::string safe(const std::string& name) {
  return std::ranges::find(reserved, name) == reserved.end() ? name : "`" + name + "`";
}

std::string base_of(const type& x) {
  switch (x.what) {
  case type::base::text:
    return "String";
  case type::base::integer:
    return "Int32";
  case type::base::long_integer:
    return "Int64";
  case type::base::real:
    return "Double";
  case type::base::boolean:
    return "Bool";
  case type::base::bytes:
    return "Data";
  case type::base::any:
    return "JSONValue";
  case type::base::model:
    return x.model;
  }
  return {};
}

std::string said(const type& x) {
  auto out = contained(base_of(x), x, {"[", "]", "[String: ", "]"});
  return x.optional ? out + "?" : out;
}

void write_model(source& to, const model& x) {
  to.line().comment("//", x.description);
  if (!x.values.empty()) {
    to.line("public enum " + x.name + ": String, Codable {").in();
    for (auto& value : x.values)
      to.line("case " + safe(value));
    to.out().line("}");
    return;
  }
  to.line("public struct " + x.name + ": Codable {").in();
  for (auto& f : x.fields)
    to.comment("//", f.description).line("public var " + safe(f.name) + ": " + said(f.what));
  if (!x.fields.empty())
    to.line();
  auto parameters = std::vector<std::string>{};
  for (auto& f : x.fields)
    parameters.push_back(safe(f.name) + ": " + said(f.what) + (f.what.optional ? " = nil" : ""));
  to.line("public init(" + listed(parameters) + ") {").in();
  for (auto& f : x.fields)
    to.line("self." + safe(f.name) + " = " + safe(f.name));
  to.out().line("}").out().line("}");
}

void write_call(source& to, const api& x) {
  auto parameters = std::vector<std::string>{}, given = parameters;
  if (x.body) {
    parameters.push_back("_ body: " + said(*x.body));
    given.push_back("_requestBody: body");
  }
  for (auto& f : x.parameters) {
    parameters.push_back(safe(f.name) + ": " + said(f.what) + (f.what.optional ? " = nil" : ""));
    given.push_back(safe(f.name) + ": " + safe(f.name));
  }
  auto result = x.response ? said(*x.response) : std::string{};
  to.line().comment("//", x.description);
  to.line("public func " + safe(x.function) + "(" + listed(parameters) + ") async throws" +
          (x.response ? " -> " + result : "") + " {")
      .in();
  to.line("struct MgwData: Encodable {").in();
  if (x.body)
    to.line("let _requestBody: " + said(*x.body));
  for (auto& f : x.parameters)
    to.line("let " + safe(f.name) + ": " + said(f.what));
  to.out().line("}");
  auto call = "try await mgwCall(\"" + x.operation + "\", MgwData(" + listed(given) + "))";
  if (x.response)
    to.line("let mgwResult = " + call)
        .line("return try JSONDecoder().decode(" + result + ".self, from: mgwResult)");
  else
    to.line("_ = " + call);
  to.out().line("}");
}

constexpr std::string_view any_json = R"(
// JSON of any shape.
public enum JSONValue: Codable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    public init(from decoder: Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let x = try? value.decode(Bool.self) {
            self = .bool(x)
        } else if let x = try? value.decode(Double.self) {
            self = .number(x)
        } else if let x = try? value.decode(String.self) {
            self = .string(x)
        } else if let x = try? value.decode([JSONValue].self) {
            self = .array(x)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let x): try value.encode(x)
        case .number(let x): try value.encode(x)
        case .string(let x): try value.encode(x)
        case .array(let x): try value.encode(x)
        case .object(let x): try value.encode(x)
        }
    }
}

// result is the text of one JSON value, "null" if there is none.
public struct MgwAnswer {
    public var resultStatus: Int
    public var tips: String
    public var result: Data

    public init(resultStatus: Int, tips: String, result: Data) {
        self.resultStatus = resultStatus
        self.tips = tips
        self.result = result
    }
}

// Carries one call. requestData is what goes out, and what is signed, as it is.
public protocol MgwTransport {
    func send(operationType: String, requestData: Data) async throws -> MgwAnswer
}

// Every answer but success. tips are for people.
public struct MgwError: Error {
    public let resultStatus: Int
    public let tips: String
}
)";

} // namespace

std::string swift(const definitions& x) {
  auto to = source{4};
  to.line("// Generated by shoalctl gateway codegen.").line().line("import Foundation");
  for (auto& m : x.models)
    write_model(to, m);
  auto out = to.take().append(any_json);
  to = source{4};
  to.line().line("public final class " + x.name + "Client {").in();
  to.line("private let mgwTransport: MgwTransport")
      .line()
      .line("public init(transport: MgwTransport) {")
      .in()
      .line("self.mgwTransport = transport")
      .out()
      .line("}");
  for (auto& a : x.apis)
    write_call(to, a);
  to.line()
      .line(
          "private func mgwCall<T: Encodable>(_ operationType: String, _ data: T) async throws -> "
          "Data {")
      .in()
      .line("let answer = try await mgwTransport.send(")
      .in()
      .line("operationType: operationType, requestData: try JSONEncoder().encode([data]))")
      .out()
      .line("guard answer.resultStatus == 1000 else {")
      .in()
      .line("throw MgwError(resultStatus: answer.resultStatus, tips: answer.tips)")
      .out()
      .line("}")
      .line("return answer.result")
      .out()
      .line("}")
      .out()
      .line("}");
  return out.append(to.take());
}

} // namespace shoal::codegen
