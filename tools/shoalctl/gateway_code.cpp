// shoalctl gateway codegen: client code out of a document, or out of what the server has.
#include <fstream>
#include <map>

#include "tools/shoalctl/codegen/from_gateway.hpp"
#include "tools/shoalctl/codegen/generators.hpp"
#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {
namespace {

using kind = argument::kind;

/// In the place of a file: what the server has for the app.
constexpr std::string_view server = "server";

int generate(const given& values, session& to) {
  static const auto languages = std::map<std::string, std::string (*)(const codegen::definitions&)>{
      {"typescript", codegen::typescript}, {"kotlin", codegen::kotlin}, {"swift", codegen::swift},
      {"openapi", codegen::openapi}};
  auto found = languages.find(values.text("--lang"));
  if (found == languages.end())
    throw bad_usage{"--lang is typescript, kotlin, swift or openapi"};
  auto from = values.text("definitions");
  auto document =
      from == server ? codegen::document_of(to.app, export_gateway(to)).dump() : read_file(from);
  auto text = std::string{};
  try {
    text = found->second(codegen::read_definitions(document));
  } catch (const codegen::bad_definitions& x) {
    throw bad_usage{from + ": " + x.why};
  }
  auto name = values.text("--out");
  auto out = std::ofstream{name, std::ios::binary | std::ios::trunc};
  out << text << std::flush;
  if (!out)
    throw bad_usage{"cannot write " + name};
  to.emit(json{{"lang", found->first}, {"file", name}, {"bytes", text.size()}});
  return 0;
}

} // namespace

std::vector<command> gateway_code_commands() {
  return {{"gateway codegen",
      "Write client code for calls of the gateway, out of a document of definitions",
      {{"definitions", "JSON file with models and APIs; the word server: what the app has there",
           kind::positional, true, false},
          {"--lang", "typescript, kotlin, swift or openapi", kind::text, true, false},
          {"--out", "file to write", kind::text, true, false}},
      {}, "", generate, false}};
}

} // namespace shoal::ctl
