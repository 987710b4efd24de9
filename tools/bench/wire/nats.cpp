#include "tools/bench/wire/nats.hpp"

#include <charconv>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

constexpr auto connect_line =
    std::string_view{"CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":true,"
                     "\"lang\":\"bench\",\"version\":\"1\",\"protocol\":1}\r\n"};

struct message {
  std::string_view reply, payload;
};

/// Calls `take_line(line)` for each control line but MSG, and `take_message` for each MSG; returns
/// the bytes used.
template <class Line, class Message>
std::size_t each_message(std::string_view bytes, Line&& take_line, Message&& take_message) {
  auto used = std::size_t{0};
  while (true) {
    auto end = bytes.find('\n', used);
    if (end == std::string_view::npos)
      return used;
    auto line = bytes.substr(used, end - used - 1);
    if (!line.starts_with("MSG ")) {
      take_line(line);
      used = end + 1;
      continue;
    }
    auto last = line.rfind(' ');
    auto size = std::size_t{0};
    std::from_chars(line.data() + last + 1, line.data() + line.size(), size);
    if (bytes.size() < end + 1 + size + 2)
      return used;
    // MSG subject sid [reply] size
    auto sid = line.find(' ', line.find(' ', 4) + 1);
    auto reply = sid < last ? line.substr(sid + 1, last - sid - 1) : std::string_view{};
    take_message(message{reply, bytes.substr(end + 1, size)});
    used = end + 1 + size + 2;
  }
}

void put_publish(
    std::string& out, std::string_view subject, std::string_view reply, std::string_view payload) {
  out += "PUB ";
  out += subject;
  out += ' ';
  if (!reply.empty()) {
    out += reply;
    out += ' ';
  }
  out += std::to_string(payload.size());
  out += "\r\n";
  out += payload;
  out += "\r\n";
}

} // namespace

std::string nats_subject(std::size_t user) { return user == to_all ? "all" : numbered("u.", user); }

void nats_device::login(connection& c) {
  c.out += connect_line;
  if (!subject_.empty())
    c.out += "SUB " + subject_ + " 1\r\n";
  c.out += "PING\r\n";
}

std::size_t nats_device::received(connection& c, std::string_view bytes) {
  auto now = now_ns();
  auto fresh = std::size_t{0};
  auto used = each_message(
      bytes,
      [&](std::string_view line) {
        if (line == "PONG")
          granted();
        else if (line == "PING")
          c.out += "PONG\r\n";
        else if (line.starts_with("-ERR"))
          tally_.fail("NATS: " + std::string{line});
      },
      [&](const message& x) {
        ++fresh;
        if (how_ == nats_delivery::acknowledged)
          put_publish(c.out, x.reply, {}, {});
        if (tally_.latencies)
          note_latency(tally_, x.payload, now);
      });
  if (fresh > 0)
    tally_.deliver(fresh, now);
  return used;
}

void nats_publisher::opened(connection& c) {
  c.out += connect_line;
  c.out += "SUB " + inbox_ + " 1\r\nPING\r\n";
}

std::size_t nats_publisher::received(connection& c, std::string_view bytes) {
  return each_message(
      bytes,
      [&](std::string_view line) {
        if (line == "PONG")
          connected_ = true;
        else if (line == "PING")
          c.out += "PONG\r\n";
        else if (line.starts_with("-ERR"))
          tally_.fail("NATS: " + std::string{line});
      },
      [&](const message& x) {
        --in_flight_;
        if (x.payload.find("\"error\"") != std::string_view::npos)
          tally_.fail("JetStream: " + std::string{x.payload});
        ++tally_.accepted;
      });
}

void nats_publisher::publish(connection& c, std::span<const outgoing> ops) {
  auto confirmed = how_ == nats_delivery::acknowledged;
  for (auto& x : ops)
    put_publish(c.out, nats_subject(x.user), confirmed ? inbox_ : std::string{}, x.payload);
  if (confirmed)
    in_flight_ += ops.size();
  else
    tally_.accepted += ops.size();
  c.flush();
}

void nats_publisher::request(connection& c, const std::string& subject, const std::string& json) {
  put_publish(c.out, subject, inbox_, json);
  ++in_flight_;
  c.flush();
}

} // namespace shoal::bench
