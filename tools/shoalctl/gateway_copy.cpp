// shoalctl gateway copy: definitions of one app or workspace into another, in one call.
#include "protocol/signing.hpp"
#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {
namespace {

using kind = argument::kind;

/// What the key of the source would send to export it: proof that its owner agrees.
std::string proof_for(const std::string& source, session& s) {
  auto key = s.variable ? s.variable("SHOAL_FROM_KEY") : std::string{};
  auto secret = s.variable ? s.variable("SHOAL_FROM_SECRET") : std::string{};
  if (key.empty() || secret.empty())
    throw bad_usage{
        "set SHOAL_FROM_KEY and SHOAL_FROM_SECRET: a key of " + source + " that may read"};
  auto now_ms = s.ask("GET", "/v1/time")["server_time_ms"].get<std::int64_t>();
  return make_authorization(key, secret, "GET",
      "/v1/apps/" + url_encoded(source) + "/gateway/export", "", "", now_ms, hex(random_bytes(16)));
}

int copy(const given& values, session& s) {
  auto source = values.text("from");
  auto target = s.of_app(
      values.has("--dry-run") ? "/gateway/copy?dry_run=true" : "/gateway/copy"); // or bad usage
  auto body = json{{"from", source}, {"from_authorization", proof_for(source, s)}};
  if (values.has("--api"))
    body["operations"] = values.list("--api");
  if (values.has("--groups"))
    body["groups"] = true;
  s.emit(s.ask("POST", target, body));
  return 0;
}

} // namespace

std::vector<command> gateway_copy_commands() {
  return {{"gateway copy",
      "Take APIs of another app or workspace over, with what they refer to; its key: "
      "SHOAL_FROM_KEY, "
      "SHOAL_FROM_SECRET",
      {{"from", "app to copy from, such as shop@test", kind::positional, true},
          {"--api", "operations to copy, instead of all", kind::list},
          {"--groups", "replace groups that are here, too", kind::flag},
          {"--dry-run", "only say what would change", kind::flag}},
      {"kind", "name", "what"}, "definitions", copy}};
}

} // namespace shoal::ctl
