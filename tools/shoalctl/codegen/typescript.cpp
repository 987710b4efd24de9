#include <algorithm>
#include <array>

#include "tools/shoalctl/codegen/generators.hpp"

namespace shoal::codegen {
namespace {

/// Words that cannot name a parameter.
constexpr auto reserved = std::array<std::string_view, 50>{"arguments", "await", "break", "case",
    "catch", "class", "const", "continue", "debugger", "default", "delete", "do", "else", "enum",
    "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements",
    "import", "in", "instanceof", "interface", "let", "new", "null", "package", "private",
    "protected", "public", "return", "static", "super", "switch", "this", "throw", "true", "try",
    "typeof", "undefined", "var", "void", "while", "with", "yield", "async"};

std::string safe(const std::string& name) {
  return std::ranges::find(reserved, name) == reserved.end() ? name : name + "_";
}

std::string base_of(const type& x) {
  switch (x.what) {
  case type::base::text:
  case type::base::bytes:
    return "string";
  case type::base::integer:
  case type::base::long_integer:
  case type::base::real:
    return "number";
  case type::base::boolean:
    return "boolean";
  case type::base::any:
    return "unknown";
  case type::base::model:
    return x.model;
  }
  return {};
}

std::string said(const type& x) {
  return contained(base_of(x), x, {"", "[]", "Record<string, ", ">"});
}

void write_model(source& to, const model& x) {
  to.line().comment("//", x.description);
  if (!x.values.empty()) {
    auto values = std::string{};
    for (auto& value : x.values)
      values.append(values.empty() ? "" : " | ").append("\"" + value + "\"");
    to.line("export type " + x.name + " = " + values + ";");
    return;
  }
  to.line("export interface " + x.name + " {").in();
  for (auto& f : x.fields)
    to.comment("//", f.description)
        .line(f.name + (f.what.optional ? "?: " : ": ") + said(f.what) + ";");
  to.out().line("}");
}

std::string response_of(const api& x) {
  if (!x.response)
    return "void";
  return said(*x.response) + (x.response->optional ? " | null" : "");
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
    out.parameters.push_back(safe(f.name) + (f.what.optional ? "?: " : ": ") + said(f.what));
    out.names.push_back(safe(f.name));
  }
  return out;
}

/// Makes the call and does not send it.
void write_making(source& to, const api& x) {
  auto members = std::vector<std::string>{};
  if (x.body)
    members.emplace_back("_requestBody: body");
  for (auto& f : x.parameters)
    members.push_back(f.name == safe(f.name) ? f.name : f.name + ": " + safe(f.name));
  auto data = members.empty() ? std::string{"{}"} : "{ " + listed(members) + " }";
  to.line().comment("//", x.description);
  to.line(x.function + "(" + listed(signature_of(x).parameters) + "): MgwCall<" + response_of(x) +
          "> {")
      .in();
  to.line("return mgwCall(\"" + x.operation + "\", " + data + ");");
  to.out().line("},");
}

void write_call(source& to, const definitions& all, const api& x) {
  auto [parameters, names] = signature_of(x);
  to.line().comment("//", x.description);
  to.line("async " + x.function + "(" + listed(parameters) + "): Promise<" + response_of(x) + "> {")
      .in();
  to.line("return this.mgwSend(" + all.name + "Api." + x.function + "(" + listed(names) + "));");
  to.out().line("}");
}

constexpr std::string_view common = R"(
export interface MgwAnswer {
  resultStatus: number;
  tips?: string;
  result?: unknown;
}

// A call that is not sent yet.
export interface MgwCall<T> {
  readonly operationType: string;
  readonly requestData: string;
  // Never there: it says what the call results in.
  readonly mgwResult?: T;
}

// How one call of a batch ended, as of Promise.allSettled.
export type MgwEnded<T> = { status: "fulfilled"; value: T } | { status: "rejected"; reason: MgwError };

// Carries calls. requestData is what goes out, and what is signed, as it is.
export interface MgwTransport {
  send(operationType: string, requestData: string): Promise<MgwAnswer>;
  // Several in one request (POST /mgw/batch), answers in their order. Without it, each is sent for itself.
  sendBatch?(calls: readonly { operationType: string; requestData: string }[]): Promise<MgwAnswer[]>;
}

// Every answer but success. tips are for people.
export class MgwError extends Error {
  constructor(readonly resultStatus: number, readonly tips: string) {
    super(`${resultStatus}: ${tips}`);
    this.name = "MgwError";
  }
}

function mgwCall<T>(operationType: string, data: object): MgwCall<T> {
  return { operationType, requestData: JSON.stringify([data]) };
}

function mgwEnded(answer: MgwAnswer = { resultStatus: 0, tips: "no answer" }): MgwEnded<unknown> {
  return answer.resultStatus === 1000
    ? { status: "fulfilled", value: answer.result ?? null }
    : { status: "rejected", reason: new MgwError(answer.resultStatus, answer.tips ?? "") };
}
)";

/// The members of the client that are no API.
constexpr std::string_view sending = R"(
  // Up to 32 calls at once, side by side: client.batch([Api.one(…), Api.other(…)]). How each ended,
  // in their order; rejected only if the transport fails.
  async batch<T extends readonly MgwCall<unknown>[] | []>(
    calls: T,
  ): Promise<{ -readonly [I in keyof T]: MgwEnded<T[I] extends MgwCall<infer R> ? R : never> }> {
    const all: readonly MgwCall<unknown>[] = calls;
    const transport = this.mgwTransport;
    const answers = transport.sendBatch
      ? await transport.sendBatch(all)
      : await Promise.all(all.map((x) => transport.send(x.operationType, x.requestData)));
    return all.map((_, i) => mgwEnded(answers[i])) as any;
  }

  private async mgwSend<T>(call: MgwCall<T>): Promise<T> {
    const ended = mgwEnded(await this.mgwTransport.send(call.operationType, call.requestData));
    if (ended.status === "rejected") throw ended.reason;
    return ended.value as T;
  }
}
)";

} // namespace

std::string typescript(const definitions& x) {
  auto to = source{2};
  to.line("// Generated by shoalctl gateway codegen. Numbers of type long are exact up to 2^53.");
  for (auto& m : x.models)
    write_model(to, m);
  auto out = to.take().append(common);
  to = source{2};
  to.line().line("// Calls to be sent by batch.").line("export const " + x.name + "Api = {").in();
  for (auto& a : x.apis)
    write_making(to, a);
  to.out().line("};").line();
  to.line("export class " + x.name + "Client {").in();
  to.line("constructor(private readonly mgwTransport: MgwTransport) {}");
  for (auto& a : x.apis)
    write_call(to, x, a);
  return out.append(to.take()).append(sending);
}

} // namespace shoal::codegen
