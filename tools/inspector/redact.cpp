#include "tools/inspector/redact.hpp"

#include <algorithm>
#include <array>
#include <regex>

namespace shoal::inspector {

namespace {

constexpr auto removed = "(removed)";

bool names_a_secret(std::string name) {
  std::ranges::transform(name, name.begin(),
      [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  constexpr std::array words{"secret", "password", "passwd", "token", "authorization", "signature",
      "credential", "private_key", "private-key", "api_key", "api-key"};
  return std::ranges::any_of(words, [&](auto word) { return name.find(word) != name.npos; });
}

} // namespace

std::string redacted(std::string text) {
  static const auto patterns = std::array{
      // PEM: everything between the lines, or to the end if it was cut off
      std::regex{R"(-----BEGIN [A-Z ]+-----[^-]*(-----END [A-Z ]+-----)?)"},
      // three dotted parts of base64url: a signed token
      std::regex{R"(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)"},
  };
  for (auto& x : patterns)
    text = std::regex_replace(text, x, removed);
  // name = value, name: value, "name":"value"
  static const auto pair = std::regex{
      R"rx(((?:secret|password|passwd|token|authorization|signature|credential|private[_-]key|api[_-]key)[A-Za-z0-9_-]*"?\s*[:=]\s*)((?:Bearer |Basic |SHOAL[A-Z0-9-]* )?"[^"]*"|(?:Bearer |Basic |SHOAL[A-Z0-9-]* )?[^\s,;"]+))rx",
      std::regex::icase};
  return std::regex_replace(text, pair, std::string{"$1"} + removed);
}

json redacted(const json& x) {
  if (x.is_object()) {
    auto out = json::object();
    for (const auto& [name, value] : x.items())
      out[name] = names_a_secret(name) && !value.is_structured() ? json(removed) : redacted(value);
    return out;
  }
  if (x.is_array()) {
    auto out = json::array();
    for (const auto& value : x)
      out.push_back(redacted(value));
    return out;
  }
  return x.is_string() ? json(redacted(x.get<std::string>())) : x;
}

} // namespace shoal::inspector
