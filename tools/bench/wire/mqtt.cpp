#include "tools/bench/wire/mqtt.hpp"

#include "tools/bench/load/clock.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

enum packet : std::uint8_t {
  connack = 2,
  publish_packet = 3,
  puback = 4,
  suback = 9,
};

void put_16(std::string& out, std::size_t x) {
  out.push_back(static_cast<char>(x >> 8));
  out.push_back(static_cast<char>(x));
}

void put_text(std::string& out, std::string_view x) {
  put_16(out, x.size());
  out += x;
}

void put_header(std::string& out, int first, std::size_t length) {
  out.push_back(static_cast<char>(first));
  for (; length >= 0x80; length >>= 7)
    out.push_back(static_cast<char>(length | 0x80));
  out.push_back(static_cast<char>(length));
}

void put_connect(std::string& out, std::string_view id, mqtt_session kind) {
  put_header(out, 0x10, 10 + 2 + id.size());
  put_text(out, "MQTT");
  out += '\x04';
  out += kind == mqtt_session::clean ? '\x02' : '\x00';
  put_16(out, 0); // no keep-alive: the generator never pings
  put_text(out, id);
}

std::size_t number_16(std::string_view x) {
  return std::size_t{static_cast<std::uint8_t>(x[0])} << 8 | static_cast<std::uint8_t>(x[1]);
}

/// Calls `take(first byte, body)` for each complete packet; returns the bytes used.
template <class F>
std::size_t each_packet(std::string_view bytes, F&& take) {
  auto used = std::size_t{0};
  while (true) {
    auto rest = bytes.substr(used);
    auto length = std::size_t{0};
    auto header = std::size_t{1};
    auto complete = false;
    while (!complete && header < rest.size()) {
      auto byte = static_cast<std::uint8_t>(rest[header]);
      length |= std::size_t{byte & 0x7fu} << (7 * (header - 1));
      complete = byte < 0x80;
      ++header;
    }
    if (!complete || rest.size() < header + length)
      return used;
    take(static_cast<std::uint8_t>(rest[0]), rest.substr(header, length));
    used += header + length;
  }
}

} // namespace

std::string mqtt_topic(std::size_t user) { return user == to_all ? "all" : numbered("u/", user); }

void mqtt_device::login(connection& c) {
  put_connect(c.out, id_, kind_);
  if (topic_.empty())
    return;
  put_header(c.out, 0x82, 2 + 2 + topic_.size() + 1);
  put_16(c.out, 1);
  put_text(c.out, topic_);
  c.out.push_back(static_cast<char>(qos_));
}

std::size_t mqtt_device::received(connection& c, std::string_view bytes) {
  auto now = now_ns();
  auto fresh = std::size_t{0};
  auto used = each_packet(bytes, [&](std::uint8_t first, std::string_view body) {
    switch (first >> 4) {
    case connack:
      if (body.size() < 2 || body[1] != 0)
        tally_.fail("MQTT: connection refused");
      if (topic_.empty())
        granted();
      return;
    case suback:
      granted();
      return;
    case publish_packet: {
      ++fresh;
      auto at = 2 + number_16(body);
      if ((first & 0x06) != 0) {
        c.out += "\x40\x02";
        c.out += body.substr(at, 2);
        at += 2;
      }
      if (tally_.latencies)
        note_latency(tally_, body.substr(at), now);
      return;
    }
    default:
      return;
    }
  });
  if (fresh > 0)
    tally_.deliver(fresh, now);
  return used;
}

void mqtt_publisher::opened(connection& c) { put_connect(c.out, id_, mqtt_session::clean); }

std::size_t mqtt_publisher::received(connection&, std::string_view bytes) {
  return each_packet(bytes, [&](std::uint8_t first, std::string_view) {
    if (first >> 4 == connack)
      connected_ = true;
    if (first >> 4 != puback)
      return;
    --in_flight_;
    ++tally_.accepted;
  });
}

void mqtt_publisher::publish(connection& c, std::span<const outgoing> ops) {
  auto confirmed = qos_ == quality::at_least_once;
  for (auto& x : ops) {
    auto topic = mqtt_topic(x.user);
    put_header(
        c.out, confirmed ? 0x32 : 0x30, 2 + topic.size() + (confirmed ? 2 : 0) + x.payload.size());
    put_text(c.out, topic);
    if (confirmed) {
      if (++next_packet_ == 0)
        ++next_packet_;
      put_16(c.out, next_packet_);
    }
    c.out += x.payload;
  }
  if (confirmed)
    in_flight_ += ops.size();
  else
    tally_.accepted += ops.size();
  c.flush();
}

} // namespace shoal::bench
