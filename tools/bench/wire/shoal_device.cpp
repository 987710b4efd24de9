#include "tools/bench/wire/shoal_device.hpp"

#include <chrono>

#include "protocol/device.pb.h"
#include "protocol/frame.hpp"
#include "protocol/signing.hpp"
#include "tools/bench/load/clock.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

/// Walks over the fields of a protobuf message without copying. Malformed input ends the walk.
class fields {
public:
  explicit fields(std::string_view bytes) : rest_{bytes} {}

  bool next() {
    auto tag = std::uint64_t{0};
    if (rest_.empty() || !varint(tag))
      return false;
    number = static_cast<std::uint32_t>(tag >> 3);
    if ((tag & 7) == 0)
      return varint(value);
    if ((tag & 7) != 2 || !varint(value) || value > rest_.size())
      return false;
    text = rest_.substr(0, value);
    rest_.remove_prefix(value);
    return true;
  }

  std::uint32_t number = 0;
  std::uint64_t value = 0;
  std::string_view text;

private:
  bool varint(std::uint64_t& out) {
    out = 0;
    for (auto shift = 0u; shift < 64 && !rest_.empty(); shift += 7) {
      auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      out |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80)
        return true;
    }
    return false;
  }

  std::string_view rest_;
};

void put_varint(std::string& out, std::uint64_t x) {
  for (; x >= 0x80; x >>= 7)
    out.push_back(static_cast<char>(x | 0x80));
  out.push_back(static_cast<char>(x));
}

std::uint32_t big_endian(std::string_view x) {
  auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<std::uint8_t>(x[i])}; };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

std::int64_t wall_ms() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

template <class Message>
void put(std::string& out, frame_type type, const Message& m) {
  out += encode_frame(type, m.SerializeAsString());
}

} // namespace

void shoal_device::login(connection& c) {
  auto hello = wire::Hello{};
  hello.set_key(who_.key);
  hello.set_device(who_.device);
  hello.set_timestamp_ms(wall_ms());
  hello.set_nonce(random_bytes(16));
  hello.set_signature(hmac_sha256(
      who_.secret, hello_string(who_.key, who_.device, hello.timestamp_ms(), hello.nonce())));
  hello.set_version(1);
  hello.set_heartbeat_s(600); // longer than any run: the generator never pings
  put(c.out, frame_type::hello, hello);
  if (!who_.user.empty()) {
    auto bind = wire::Bind{};
    bind.set_user(who_.user);
    bind.set_token(who_.token);
    put(c.out, frame_type::bind, bind);
  }
  if (!who_.biz.empty()) {
    auto subscribe = wire::Subscribe{};
    subscribe.add_entries()->set_biz(who_.biz);
    put(c.out, frame_type::subscribe, subscribe);
  }
}

std::size_t shoal_device::received(connection& c, std::string_view bytes) {
  now_ = now_ns();
  fresh_ = answered_ = 0;
  auto used = std::size_t{0};
  while (bytes.size() - used >= frame_header_size) {
    auto length = big_endian(bytes.substr(used));
    if (bytes.size() - used < length + 4)
      break;
    auto type = static_cast<std::uint8_t>(bytes[used + 4]);
    handle(type, bytes.substr(used + frame_header_size, length - 2));
    used += length + 4;
  }
  if (fresh_ > 0)
    tally_.deliver(fresh_, now_);
  if (owes_ack_)
    append_ack(c.out);
  if (answered_ > 0)
    tally_.deliver(answered_, now_);
  for (; answered_ > 0; --answered_)
    c.out += call_;
  return used;
}

void shoal_device::repeat(connection& c, std::string call) {
  call_ = std::move(call);
  c.out += call_;
}

void shoal_device::handle(std::uint8_t type, std::string_view body) {
  auto code = std::uint64_t{0};
  switch (static_cast<frame_type>(type)) {
  case frame_type::ops:
    return take_ops(body);
  case frame_type::welcome:
    if (who_.biz.empty())
      granted();
    return;
  case frame_type::bound:
    for (auto f = fields{body}; f.next();) {
      if (f.number == 2)
        binding_ = static_cast<std::uint32_t>(f.value);
      if (f.number == 3)
        code = f.value;
    }
    break;
  case frame_type::subscribed:
    for (auto f = fields{body}; f.next();) {
      if (f.number == 2)
        code = f.value;
      if (f.number != 4)
        continue;
      for (auto at = fields{f.text}; at.next();)
        (at.number == 1 ? epoch_ : handled_) = at.value;
    }
    granted();
    break;
  case frame_type::call_result:
    for (auto f = fields{body}; f.next();) {
      if (f.number == 2 && f.value == 1000)
        ++answered_;
      else if (f.number == 2)
        code = f.value;
    }
    break;
  case frame_type::close:
    for (auto f = fields{body}; f.next();) {
      if (f.number == 1)
        code = f.value;
    }
    break;
  default:
    return;
  }
  if (code != 0)
    tally_.fail(numbered("the server refused a device with code ", code));
}

void shoal_device::take_ops(std::string_view body) {
  auto upto = std::uint64_t{0};
  for (auto f = fields{body}; f.next();) {
    switch (f.number) {
    case 2:
      epoch_ = f.value;
      break;
    case 4:
      upto = f.value;
      break;
    case 5: {
      auto op = fields{f.text};
      if (!op.next() || op.number != 1 || op.value <= handled_)
        break;
      ++fresh_;
      handled_ = op.value;
      if (tally_.latencies && op.next())
        note_latency(tally_, op.text, now_);
      break;
    }
    default:
      break;
    }
  }
  handled_ = std::max(handled_, upto);
  owes_ack_ = true;
}

void shoal_device::append_ack(std::string& out) {
  owes_ack_ = false;
  auto entry = std::string{"\x0a"};
  put_varint(entry, who_.biz.size());
  entry += who_.biz;
  entry += '\x10';
  put_varint(entry, epoch_);
  entry += '\x18';
  put_varint(entry, handled_);
  auto body = std::string{"\x0a"};
  put_varint(body, entry.size());
  body += entry;
  if (binding_ != 0) {
    body += '\x10';
    put_varint(body, binding_);
  }
  auto length = static_cast<std::uint32_t>(body.size() + 2);
  for (auto shift : {24, 16, 8, 0})
    out.push_back(static_cast<char>(length >> shift));
  out.push_back(static_cast<char>(frame_type::ack));
  out.push_back(0);
  out += body;
}

} // namespace shoal::bench
