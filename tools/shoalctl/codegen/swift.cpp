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

/// How a call is asked for: what a function takes, and what it passes on as it is.
struct signature {
  std::vector<std::string> parameters, arguments;
};

signature signature_of(const api& x) {
  auto out = signature{};
  if (x.body) {
    out.parameters.push_back("_ body: " + said(*x.body));
    out.arguments.emplace_back("body");
  }
  for (auto& f : x.parameters) {
    out.parameters.push_back(
        safe(f.name) + ": " + said(f.what) + (f.what.optional ? " = nil" : ""));
    out.arguments.push_back(safe(f.name) + ": " + safe(f.name));
  }
  return out;
}

std::string response_of(const api& x) { return x.response ? said(*x.response) : "Void"; }

/// Makes the call and does not send it.
void write_making(source& to, const api& x) {
  auto [parameters, given] = signature_of(x);
  if (x.body)
    given.front() = "_requestBody: body";
  to.line().comment("//", x.description);
  to.line("public static func " + safe(x.function) + "(" + listed(parameters) +
          ") throws -> MgwCall<" + response_of(x) + "> {")
      .in();
  to.line("struct MgwData: Encodable {").in();
  if (x.body)
    to.line("let _requestBody: " + said(*x.body));
  for (auto& f : x.parameters)
    to.line("let " + safe(f.name) + ": " + said(f.what));
  to.out().line("}");
  to.line(
      "return try MgwCall(\"" + x.operation + "\", MgwData(" + listed(given) + ")) { " +
      (x.response ? "try JSONDecoder().decode(" + response_of(x) + ".self, from: $0)" : "_ in") +
      " }");
  to.out().line("}");
}

void write_call(source& to, const definitions& all, const api& x) {
  auto [parameters, arguments] = signature_of(x);
  to.line().comment("//", x.description);
  to.line("public func " + safe(x.function) + "(" + listed(parameters) + ") async throws" +
          (x.response ? " -> " + response_of(x) : "") + " {")
      .in();
  to.line("return try await mgwSend(" + all.name + "Api." + safe(x.function) + "(" +
          listed(arguments) + "))");
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

// A call that is not sent yet.
public class MgwRequest {
    public let operationType: String
    public let requestData: Data

    fileprivate init(operationType: String, requestData: Data) {
        self.operationType = operationType
        self.requestData = requestData
    }
}

// One of which is known what it results in.
public final class MgwCall<Value>: MgwRequest {
    private let read: (Data) throws -> Value

    fileprivate init<T: Encodable>(_ operationType: String, _ data: T, _ read: @escaping (Data) throws -> Value) throws {
        self.read = read
        super.init(operationType: operationType, requestData: try JSONEncoder().encode([data]))
    }

    fileprivate func value(of answer: MgwAnswer) throws -> Value {
        guard answer.resultStatus == 1000 else {
            throw MgwError(resultStatus: answer.resultStatus, tips: answer.tips)
        }
        return try read(answer.result)
    }
}

// Carries calls. requestData is what goes out, and what is signed, as it is.
public protocol MgwTransport {
    func send(operationType: String, requestData: Data) async throws -> MgwAnswer
    // Several in one request (POST /mgw/batch), answers in their order.
    func sendBatch(_ calls: [MgwRequest]) async throws -> [MgwAnswer]
}

// For transports that know no batch: one after another.
extension MgwTransport {
    public func sendBatch(_ calls: [MgwRequest]) async throws -> [MgwAnswer] {
        var answers: [MgwAnswer] = []
        for call in calls {
            answers.append(try await send(operationType: call.operationType, requestData: call.requestData))
        }
        return answers
    }
}

// How the calls of a batch ended: try results[call].get()
public struct MgwResults {
    fileprivate let calls: [MgwRequest]
    fileprivate let answers: [MgwAnswer]

    public subscript<Value>(_ call: MgwCall<Value>) -> Swift.Result<Value, Error> {
        guard let at = calls.firstIndex(where: { $0 === call }), at < answers.count else {
            return .failure(MgwError(resultStatus: 0, tips: "no answer"))
        }
        return Swift.Result { try call.value(of: answers[at]) }
    }
}

// Every answer but success. tips are for people.
public struct MgwError: Error {
    public let resultStatus: Int
    public let tips: String
}
)";

/// The members of the client that are no API.
constexpr std::string_view sending = R"(
    // Up to 32 calls at once, side by side. Throws only if the transport does.
    public func batch(_ calls: [MgwRequest]) async throws -> MgwResults {
        return MgwResults(calls: calls, answers: try await mgwTransport.sendBatch(calls))
    }

    private func mgwSend<Value>(_ call: MgwCall<Value>) async throws -> Value {
        let answer = try await mgwTransport.send(
            operationType: call.operationType, requestData: call.requestData)
        return try call.value(of: answer)
    }
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
  to.line().line("// Calls to be sent by batch.").line("public enum " + x.name + "Api {").in();
  for (auto& a : x.apis)
    write_making(to, a);
  to.out().line("}");
  to.line().line("public final class " + x.name + "Client {").in();
  to.line("private let mgwTransport: MgwTransport")
      .line()
      .line("public init(transport: MgwTransport) {")
      .in()
      .line("self.mgwTransport = transport")
      .out()
      .line("}");
  for (auto& a : x.apis)
    write_call(to, x, a);
  return out.append(to.take()).append(sending);
}

} // namespace shoal::codegen
