// What cannot work in what belongs to a whole app.
#include <algorithm>

#include "actors/gateway/check_words.hpp"
#include "protocol/mgw/envelope_cipher.hpp"
#include "protocol/mgw/transcoder.hpp"
#include "protocol/signing.hpp"

namespace shoal::gateway {

using namespace check;

namespace {

constexpr std::size_t max_proto = 512 * 1024;

void check_authorizer(const authorizer_rule& x) {
  must(valid_name(x.name), name_rule);
  text("description", x.description);
  must(valid_operation(x.operation), "operation must name an API");
  must(!x.sources.empty() && x.sources.size() <= 16, "sources must be 1 to 16");
  for (auto& s : x.sources) {
    must(s.location == param_place::header || s.location == param_place::cookie,
        "sources: location must be \"header\" or \"cookie\"");
    must(valid_header(s.name), "sources: \"" + s.name.substr(0, 64) + "\" is no name");
  }
  range<std::uint32_t>("cache_ttl_s", x.cache_ttl_s, 1, 86'400);
}

void check_proto(const proto_definition& x) {
  must(valid_name(x.name), name_rule);
  must(x.files.empty() != x.descriptors.empty(), "files or descriptors must be given, not both");
  auto size = x.descriptors.size();
  for (auto& [path, text] : x.files)
    size += path.size() + text.size();
  must(size <= max_proto, "files and descriptors are at most 524288 bytes");
  auto made = mgw::message_schema::made{};
  if (x.descriptors.empty()) {
    made = mgw::message_schema::from_files(x.files);
  } else {
    auto bytes = std::string{};
    must(unbase64(x.descriptors, bytes), "descriptors is no base64");
    made = mgw::message_schema::from_descriptors(bytes);
  }
  if (auto problems = std::get_if<mgw::message_schema::problems>(&made))
    throw wrong{
        "files: " + (problems->empty() ? std::string{"cannot be read"} : problems->front())};
}

void check_settings(const app_settings& x) {
  range<std::uint64_t>("timestamp_window_ms", x.timestamp_window_ms, 1'000, 315'360'000'000);
  range<std::uint32_t>("slow_ms", x.slow_ms, 0, max_timeout_ms);
  must(x.secret.empty() || (x.secret.size() >= 8 && x.secret.size() <= max_text),
      "secret must be 8 to 1024 bytes");
  text("rsa_public_pem", x.rsa_public_pem, max_pem);
  if (auto problem = mgw::app_keys{}.set(x.secret, x.rsa_public_pem); !problem.empty())
    throw wrong{"rsa_public_pem: " + problem};
  must(x.decryption_keys.size() <= 16, "decryption_keys are at most 16");
  auto pairs = mgw::envelope_keys{};
  for (auto& key : x.decryption_keys) {
    range<std::uint32_t>("decryption_keys: number", key.number, 0, 255);
    if (auto problem = pairs.add(static_cast<std::uint8_t>(key.number), key.private_pem);
        !problem.empty())
      throw wrong{"decryption_keys: " + std::to_string(key.number) + ": " + problem};
  }
  if (x.default_limit)
    limit("default_limit", *x.default_limit);
  if (x.total_limit)
    limit("total_limit", *x.total_limit);
  must(x.cors.origins.size() <= 64 && x.cors.methods.size() <= 16 && x.cors.headers.size() <= 64,
      "cors: at most 64 origins, 16 methods and 64 headers");
  for (auto& origin : x.cors.origins)
    must(origin == "*" || ((origin.starts_with("https://") || origin.starts_with("http://")) &&
                              valid_header_value(origin) && origin.size() <= 256),
        "cors.origins: \"" + origin.substr(0, 64) + "\" must be * or start with https://");
  must(!x.cors.credentials ||
           std::find(x.cors.origins.begin(), x.cors.origins.end(), "*") == x.cors.origins.end(),
      "cors.credentials cannot be with the origin *");
  for (auto& method : x.cors.methods)
    must(valid_method(method), "cors.methods: GET, POST, PUT, DELETE, PATCH or HEAD");
  for (auto& name : x.cors.headers)
    must(valid_header(name), "cors.headers: \"" + name.substr(0, 64) + "\" is no name");
  range<std::uint32_t>("cors.max_age_s", x.cors.max_age_s, 0, 86'400);
  must(x.hosts.size() <= 64, "hosts are at most 64");
  for (auto& host : x.hosts)
    must(valid_host(host), "hosts: \"" + host.substr(0, 64) + "\" is no host name");
  must(x.tips.size() <= 64, "tips are for at most 64 codes");
  for (auto& [code, texts] : x.tips) {
    must(code.size() == 4 && code.find_first_not_of("0123456789") == code.npos,
        "tips: \"" + code.substr(0, 16) + "\" is no result code");
    must(texts.size() <= 32, "tips." + code + " has more than 32 languages");
    for (auto& [language, text] : texts)
      must(!language.empty() && language.size() <= 16 && all_of(language, "-") &&
               text.size() <= max_text,
          "tips." + code + ": a language tag, and a text of at most 1024 bytes");
  }
}

} // namespace

std::string problem_of(const authorizer_rule& x) { return first_problem(check_authorizer, x); }
std::string problem_of(const proto_definition& x) { return first_problem(check_proto, x); }
std::string problem_of(const app_settings& x) { return first_problem(check_settings, x); }

std::string world_of(std::string_view app, std::string_view workspace) {
  auto out = std::string{app};
  if (!workspace.empty() && workspace != "default")
    out.append("@").append(workspace);
  return out;
}

} // namespace shoal::gateway
