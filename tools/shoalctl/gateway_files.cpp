// Definitions of the gateway as files: export, import, and so copying to another workspace.
#include <fstream>
#include <iostream>
#include <set>

#include "protocol/percent.hpp"
#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {
namespace {

using kind = argument::kind;

constexpr std::size_t import_apis = 200; ///< per call
constexpr std::size_t import_bytes = 512 * 1024;

} // namespace

json export_gateway(session& s) {
  auto out = s.ask("GET", s.of_app("/gateway/export"));
  while (out.contains("next")) {
    auto page = s.ask("GET",
        s.of_app("/gateway/export?after=") + percent_encoded(out["next"].get<std::string>()));
    out.erase("next");
    for (auto& x : page["apis"])
      out["apis"].push_back(std::move(x));
    if (page.contains("next"))
      out["next"] = page["next"];
  }
  return out;
}

namespace {

int write_export(const given& values, session& s) {
  auto bundle = export_gateway(s);
  auto name = values.text("file");
  if (name == "-") {
    std::cout << bundle.dump(2) << std::endl;
    return 0;
  }
  auto out = std::ofstream{name, std::ios::binary | std::ios::trunc};
  out << bundle.dump(2) << "\n" << std::flush;
  if (!out)
    throw bad_usage{"cannot write " + name};
  s.emit(json{{"file", name}, {"apis", bundle["apis"].size()}});
  return 0;
}

/// Parts that fit one call each: everything but the APIs first, then APIs in the order of the file,
/// those that call others last.
std::vector<json> parts_of(json bundle) {
  auto apis = json::array(), aggregates = json::array();
  if (auto i = bundle.find("apis"); i != bundle.end() && i->is_array())
    for (auto& x : *i)
      (x.is_object() && x.contains("steps") ? aggregates : apis).push_back(std::move(x));
  for (auto& x : aggregates)
    apis.push_back(std::move(x));
  auto rules = bundle.contains("auth_rules") ? bundle["auth_rules"] : json{};
  bundle.erase("apis"), bundle.erase("auth_rules");
  auto out = std::vector<json>{};
  if (!bundle.empty())
    out.push_back(std::move(bundle));
  // Rules name APIs and APIs name rules: if there are some, the first call has both.
  auto bytes = std::size_t{0};
  auto part = json::object();
  if (!rules.is_null() && !rules.empty()) {
    part["auth_rules"] = rules;
    auto named = [&](const json& api) {
      for (auto& rule : rules)
        if (rule.is_object() && api.is_object() &&
            rule.value("operation", "") == api.value("operation", "?"))
          return true;
      return false;
    };
    std::stable_partition(apis.begin(), apis.end(), named);
  }
  for (auto& x : apis) {
    auto size = x.dump().size();
    if (part.contains("apis") &&
        (part["apis"].size() >= import_apis || bytes + size > import_bytes)) {
      out.push_back(std::move(part));
      part = json::object();
      bytes = 0;
    }
    part["apis"].push_back(std::move(x));
    bytes += size;
  }
  if (!part.empty())
    out.push_back(std::move(part));
  return out;
}

int import_bundle(const given& values, session& s) {
  auto name = values.text("file");
  auto bundle = json::parse(read_file(name), nullptr, false);
  if (!bundle.is_object())
    throw bad_usage{name + " holds no JSON object"};
  auto dry = values.has("--dry-run");
  auto parts = parts_of(std::move(bundle));
  // A dry run changes nothing: a later part has to bring what it refers to.
  if (dry && !parts.empty() && !parts.front().contains("apis"))
    for (auto i = std::size_t{1}; i < parts.size(); ++i)
      for (auto& [field, value] : parts.front().items())
        parts[i][field] = value;
  auto seen = std::set<std::string>{};
  auto out =
      json{{"dry_run", dry}, {"revision", 0}, {"unchanged", 0}, {"definitions", json::array()}};
  for (auto& part : parts) {
    auto done =
        s.ask("POST", s.of_app(dry ? "/gateway/import?dry_run=true" : "/gateway/import"), part);
    out["revision"] = done["revision"];
    out["unchanged"] = out["unchanged"].get<std::size_t>() + done["unchanged"].get<std::size_t>();
    for (auto& x : done["definitions"])
      if (seen.insert(x.dump()).second)
        out["definitions"].push_back(std::move(x));
  }
  s.emit(std::move(out));
  return 0;
}

} // namespace

std::vector<command> gateway_file_commands() {
  return {{"gateway export", "All definitions as one JSON file, without secrets",
              {{"file", "file to write; - is standard output", kind::positional, true}}, {}, "",
              write_export},
      {"gateway import", "Put the definitions of a file; what is the same stays as it is",
          {{"file", "what export wrote; - is standard input", kind::positional, true},
              {"--dry-run", "only say what would change", kind::flag}},
          {"kind", "name", "what"}, "definitions", import_bundle}};
}

} // namespace shoal::ctl
