#include "protocol/http/writer.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "protocol/http/problem.hpp"

namespace shoal::http {
namespace {

bool is_framing(std::string_view name) {
  return same_name(name, "content-length") || same_name(name, "transfer-encoding") ||
         same_name(name, "connection") || same_name(name, "date");
}

bool fits_one_line(std::string_view text) {
  for (auto c : text)
    if (c == '\r' || c == '\n' || c == '\0')
      return false;
  return true;
}

void add(std::string& out, std::string_view name, std::string_view value) {
  if (fits_one_line(name) && fits_one_line(value))
    out.append(name).append(": ").append(value).append("\r\n");
}

} // namespace

// Made once per second and thread.
std::string_view date() {
  thread_local auto made_at = std::time_t{-1};
  thread_local auto text = std::array<char, 32>{};
  thread_local auto size = std::size_t{0};
  auto now = std::time(nullptr);
  if (now != made_at) {
    auto parts = std::tm{};
    gmtime_r(&now, &parts);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made_at = now;
  }
  return {text.data(), size};
}

std::string to_bytes(const response& x, const write_options& options) {
  auto out = std::string{};
  out.reserve(256 + x.body.size());
  out.append("HTTP/1.1 ").append(std::to_string(x.status)).append(" ");
  out.append(reason_phrase(x.status)).append("\r\n");
  add(out, "Date", date());
  auto has_body = x.status >= 200 && x.status != 204 && x.status != 304;
  if (has_body) {
    if (!x.content_type.empty())
      add(out, "Content-Type", x.content_type);
    add(out, "Content-Length", std::to_string(x.body.size()));
  }
  if (options.then == after::close)
    add(out, "Connection", "close");
  else if (options.http_1_0)
    add(out, "Connection", "keep-alive");
  for (auto& [name, value] : x.headers)
    if (!is_framing(name))
      add(out, name, value);
  out.append("\r\n");
  if (has_body && !options.head)
    out.append(x.body);
  return out;
}

bool asks_to_close(const response& x) {
  return std::ranges::any_of(x.headers, [](auto& header) {
    return same_name(header.first, "connection") && same_name(header.second, "close");
  });
}

} // namespace shoal::http
