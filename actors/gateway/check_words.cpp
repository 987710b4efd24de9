#include "actors/gateway/check_words.hpp"

#include <algorithm>
#include <set>

#include "protocol/mgw/json_text.hpp"

namespace shoal::gateway::check {

namespace {

constexpr std::size_t max_json = 64 * 1024;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

} // namespace

void must(bool good, std::string sentence) {
  if (!good)
    throw wrong{std::move(sentence)};
}

bool all_of(std::string_view text, std::string_view besides) {
  return std::all_of(text.begin(), text.end(),
      [&](char c) { return is_alnum(c) || besides.find(c) != besides.npos; });
}

bool valid_name(std::string_view x) {
  return !x.empty() && x.size() <= 64 && is_alnum(x.front()) && all_of(x, "-_.");
}

bool valid_operation(std::string_view x) {
  return !x.empty() && x.size() <= 255 && all_of(x, "._-/:");
}

bool valid_header(std::string_view x) { return !x.empty() && x.size() <= 128 && all_of(x, "-_"); }

bool valid_header_value(std::string_view x) {
  return x.size() <= max_text && std::all_of(x.begin(), x.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

bool valid_method(std::string_view x) {
  static const auto known =
      std::set<std::string_view>{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"};
  return known.count(x) != 0;
}

bool valid_host(std::string_view x) {
  return !x.empty() && x.size() <= 253 && all_of(x, "-.") && x.front() != '.' && x.back() != '.';
}

/// "host:port", "10.0.0.7:80", "[::1]:80".
bool valid_address(std::string_view x) {
  auto colon = x.rfind(':');
  if (colon == x.npos || colon + 1 == x.size() || x.size() - colon > 6)
    return false;
  auto port = std::uint32_t{0};
  for (auto c : x.substr(colon + 1)) {
    if (c < '0' || c > '9')
      return false;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  auto host = x.substr(0, colon);
  auto v6 =
      host.size() > 2 && host.front() == '[' && host.back() == ']' &&
      host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdefABCDEF:.") == host.npos;
  return port >= 1 && port <= 65'535 && (v6 || valid_host(host));
}

void text(std::string_view field, std::string_view x, std::size_t max) {
  must(x.size() <= max,
      std::string{field}.append(" is longer than ").append(std::to_string(max)).append(" bytes"));
}

void json(std::string_view field, const json_text& x) {
  text(field, x.text, max_json);
  must(x.empty() || mgw::is_json(x.text), std::string{field} + " is not JSON");
}

// An answer of the gateway: an object that says resultStatus, and perhaps tips and result.
void answer(std::string_view field, const json_text& x) {
  json(field, x);
  if (x.empty())
    return;
  auto members = mgw::json_members(x.text);
  must(members.has_value(), std::string{field} + " must be an object");
  must(std::any_of(
           members->begin(), members->end(), [](auto& m) { return m.name == "resultStatus"; }),
      std::string{field} + " must have resultStatus");
}

void limit(const std::string& field, const limit_rule& x) {
  if (x.mode == limit_mode::off)
    return;
  range<std::uint64_t>(field + ".limit", x.limit, 1, 1'000'000'000);
  range<std::uint32_t>(field + ".interval_ms", x.interval_ms, 100, 86'400'000);
  range<std::uint64_t>(field + ".burst", x.burst, 0, 1'000'000'000);
  answer(field + ".default_response", x.default_response);
  must(x.i18n_responses.size() <= 32, field + ".i18n_responses has more than 32 languages");
  for (auto& [language, response] : x.i18n_responses)
    answer(field + ".i18n_responses." + language, response);
}

} // namespace shoal::gateway::check
