#include "cluster/links/wire.hpp"

#include <algorithm>

namespace shoal::cluster::links {
namespace {

constexpr std::size_t max_words = 200;

void put(std::string& to, std::uint64_t x, int bytes) {
  for (auto i = bytes - 1; i >= 0; --i)
    to.push_back(static_cast<char>(x >> (8 * i)));
}

std::uint64_t number(std::string_view bytes) {
  auto out = std::uint64_t{0};
  for (auto c : bytes)
    out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

void put_header(std::string& to, std::uint8_t what, std::size_t size) {
  put(to, what, 1);
  put(to, size, 3);
}

/// Reads fields in turn; after the first that is missing, `ok` stays false.
struct field_reader {
  std::string_view rest;
  bool ok = true;

  std::string_view bytes(std::size_t n) {
    ok = ok && rest.size() >= n;
    if (!ok)
      return {};
    auto out = rest.substr(0, n);
    rest.remove_prefix(n);
    return out;
  }
  std::uint64_t integer(std::size_t n) { return number(bytes(n)); }
  std::string text() { return std::string{bytes(integer(1))}; }
};

} // namespace

void append_record(std::string& to, tag what, std::string_view body) {
  put_header(to, static_cast<std::uint8_t>(what), body.size());
  to.append(body);
}

void append_number(std::string& to, tag what, std::uint64_t x) {
  put_header(to, static_cast<std::uint8_t>(what), 8);
  put(to, x, 8);
}

void append_taken(std::string& to, traffic kind, std::uint64_t total) {
  put_header(to, static_cast<std::uint8_t>(tag::taken), 9);
  put(to, static_cast<std::uint8_t>(kind), 1);
  put(to, total, 8);
}

std::string encode(const hello& x) {
  auto out = std::string{};
  put(out, wire_version, 1);
  for (auto* name : {&x.cluster, &x.node}) {
    put(out, name->size(), 1);
    out += *name;
  }
  put(out, x.incarnation, 8);
  put(out, x.version_min, 4);
  put(out, x.version_max, 4);
  put(out, x.window, 8);
  put(out, x.last_link, 8);
  put(out, x.linked ? 1 : 0, 1);
  return out;
}

std::optional<hello> decode_hello(std::string_view body) {
  auto in = field_reader{body};
  auto version = in.integer(1);
  auto out = hello{};
  out.cluster = in.text();
  out.node = in.text();
  out.incarnation = in.integer(8);
  out.version_min = static_cast<std::uint32_t>(in.integer(4));
  out.version_max = static_cast<std::uint32_t>(in.integer(4));
  out.window = in.integer(8);
  out.last_link = in.integer(8);
  out.linked = in.integer(1) != 0;
  if (!in.ok || version != wire_version)
    return std::nullopt;
  return out;
}

std::optional<std::uint64_t> decode_number(std::string_view body) {
  if (body.size() != 8)
    return std::nullopt;
  return number(body);
}

std::optional<taken_note> decode_taken(std::string_view body) {
  if (body.size() != 9 || static_cast<unsigned char>(body[0]) >= traffic_kinds)
    return std::nullopt;
  return taken_note{static_cast<traffic>(body[0]), number(body.substr(1))};
}

std::string readable(std::string_view words) {
  auto out = std::string{words.substr(0, max_words)};
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

void record_reader::feed(std::string_view bytes) {
  kept_.erase(0, at_);
  at_ = 0;
  kept_.append(bytes);
}

record_reader::result record_reader::next(record& out) {
  auto rest = std::string_view{kept_}.substr(at_);
  if (rest.size() < record_header)
    return result::more;
  auto size = static_cast<std::size_t>(number(rest.substr(1, 3)));
  if (size > max_record)
    return result::too_long;
  if (rest.size() < record_header + size)
    return result::more;
  out.tag = static_cast<std::uint8_t>(rest[0]);
  out.body = rest.substr(record_header, size);
  at_ += record_header + size;
  return result::record;
}

} // namespace shoal::cluster::links
