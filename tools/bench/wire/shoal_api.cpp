#include "tools/bench/wire/shoal_api.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "protocol/signing.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

std::int64_t wall_ms() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

// Payloads are plain ASCII without quotes (scenarios make them), so nothing needs escaping.
void put_item(std::string& out, const outgoing& x) {
  out += R"({"biz":")";
  out += x.user == to_all ? shoal_biz_all : shoal_biz_own;
  if (x.user != to_all) {
    out += R"(","user":"u)";
    out += std::to_string(x.user);
  }
  out += R"(","payload":")";
  out += x.payload;
  out += R"("})";
}

std::size_t content_length(std::string_view head) {
  for (auto name : {"\r\ncontent-length: ", "\r\nContent-Length: "}) {
    auto at = head.find(name);
    if (at == std::string_view::npos)
      continue;
    auto size = std::size_t{0};
    auto* begin = head.data() + at + std::string_view{name}.size();
    std::from_chars(begin, head.data() + head.size(), size);
    return size;
  }
  return 0;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  auto n = std::size_t{0};
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++n;
  return n;
}

} // namespace

std::size_t shoal_api::received(connection&, std::string_view bytes) {
  auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos)
    return 0;
  auto head = bytes.substr(0, end + 2);
  auto total = end + 4 + content_length(head);
  if (bytes.size() < total)
    return 0;
  auto status = 0;
  std::from_chars(bytes.data() + 9, bytes.data() + 12, status);
  if (auto answer = std::exchange(answer_, nullptr))
    answer(status, bytes.substr(end + 4, total - end - 4));
  return total;
}

void shoal_api::publish(connection& c, std::span<const outgoing> ops) {
  auto path = std::string{"/v1/apps/"} + shoal_app + "/sync";
  auto body = std::string{};
  if (limit_ == 1) {
    put_item(body, ops.front());
  } else {
    path += "/batch";
    body = R"({"items":[)";
    for (auto& x : ops) {
      put_item(body, x);
      body += ',';
    }
    body.back() = ']';
    body += '}';
  }
  call(c, "POST", path, body, [this, n = ops.size()](int status, std::string_view answer) {
    if (status / 100 != 2 || count_of(answer, "\"id\":") < n)
      return tally_.fail(
          numbered("the API answered ", status) + " " + std::string{answer.substr(0, 300)});
    tally_.accepted += n;
  });
}

void shoal_api::call(connection& c, std::string_view method, std::string_view path,
    std::string_view body, answer_handler f) {
  answer_ = std::move(f);
  auto nonce = hex(random_bytes(12));
  c.out += method;
  c.out += ' ';
  c.out += path;
  c.out += " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ";
  c.out += std::to_string(body.size());
  c.out += "\r\nAuthorization: ";
  auto mark = std::min(path.find('?'), path.size());
  auto query = path.substr(std::min(mark + 1, path.size()));
  c.out += make_authorization(
      key_.id, key_.secret, method, path.substr(0, mark), query, body, wall_ms(), nonce);
  c.out += "\r\n\r\n";
  c.out += body;
  c.flush();
}

} // namespace shoal::bench
