#include "protocol/http/target.hpp"

#include <algorithm>

#include "protocol/http/message.hpp"

namespace shoal::http {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// RFC 3986: unreserved and sub-delims.
bool is_name(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view{"-._~!$&'()*+,;="}.find(c) != std::string_view::npos;
}

bool valid_name(std::string_view text) {
  for (auto i = std::size_t{0}; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))
        return false;
      i += 2;
    } else if (!is_name(text[i])) {
      return false;
    }
  }
  return true;
}

/// Takes "http://" or "https://" off.
bool take_scheme(std::string_view& text) {
  for (auto scheme : {std::string_view{"http://"}, std::string_view{"https://"}})
    if (same_name(text.substr(0, scheme.size()), scheme)) {
      text.remove_prefix(scheme.size());
      return true;
    }
  return false;
}

} // namespace

bool valid_target(std::string_view text) {
  return text.starts_with('/') &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

bool valid_host(std::string_view text) {
  auto name = text.substr(0, text.find(':'));
  if (text.starts_with('[')) {
    auto end = text.find(']');
    auto address = text.substr(1, std::min(end, text.size()) - 1);
    if (end == text.npos || address.empty() ||
        !std::ranges::all_of(address, [](char c) { return is_hex(c) || c == ':' || c == '.'; }))
      return false;
    name = text.substr(0, end + 1);
  } else if (!valid_name(name) || (name.empty() && !text.empty())) {
    return false;
  }
  auto port = text.substr(name.size());
  return port.empty() ||
         (port.front() == ':' && port.size() <= 6 && std::ranges::all_of(port.substr(1), is_digit));
}

std::optional<target> read_target(std::string_view text) {
  auto out = target{};
  if (take_scheme(text)) {
    out.host = text.substr(0, text.find_first_of("/?#"));
    if (out.host.empty() || !valid_host(out.host))
      return {};
    text.remove_prefix(out.host.size());
  }
  auto question = std::min(text.find('?'), text.size());
  out.path = text.substr(0, question);
  if (question != text.size())
    out.query = text.substr(question + 1);
  if (!out.host.empty() && out.path.empty())
    out.path = "/";
  auto plain = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (!valid_target(out.path) || !std::ranges::all_of(out.query, plain))
    return {};
  return out;
}

} // namespace shoal::http
