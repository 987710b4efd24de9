#include "protocol/http/websocket.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <openssl/evp.h>

#include "protocol/signing.hpp"

namespace shoal::http {
namespace {

constexpr std::string_view key_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3
constexpr std::size_t max_control = 125;

bool is_control(ws_opcode x) { return x >= ws_opcode::close; }

bool is_known(ws_opcode x) {
  return x <= ws_opcode::binary || (x >= ws_opcode::close && x <= ws_opcode::pong);
}

/// Codes that may stand in a frame (RFC 6455, 7.4, and those registered since).
bool may_be_said(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

/// `see` gets the parts of all headers of that name; true if it says so for one.
template <class See>
bool any_part(const request& x, std::string_view name, See see) {
  for (auto& [key, value] : x.headers) {
    if (!same_name(key, name))
      continue;
    for (auto rest = std::string_view{value}; !rest.empty();) {
      auto part = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), part.size() + 1));
      while (part.starts_with(' ') || part.starts_with('\t'))
        part.remove_prefix(1);
      while (part.ends_with(' ') || part.ends_with('\t'))
        part.remove_suffix(1);
      if (see(part))
        return true;
    }
  }
  return false;
}

bool has_part(const request& x, std::string_view name, std::string_view part) {
  return any_part(x, name, [&](std::string_view y) { return same_name(y, part); });
}

std::string accept_of(std::string_view key) {
  auto text = std::string{key}.append(key_suffix);
  auto out = std::string(20, '\0');
  if (EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr,
          EVP_sha1(), nullptr) != 1)
    throw std::runtime_error{"OpenSSL has no SHA-1"};
  return base64(out);
}

refusal no(int status, std::string detail) {
  return {status, ec::invalid_argument, std::move(detail)};
}

/// A client that names protocols gets one of them or nothing.
std::optional<refusal> choose_protocol(
    const request& x, std::span<const std::string_view> we_speak, std::string& out) {
  out.clear();
  auto named = false;
  any_part(x, "Sec-WebSocket-Protocol", [&](std::string_view theirs) {
    named = true;
    auto found = std::ranges::find(we_speak, theirs);
    if (found == we_speak.end())
      return false;
    out = *found;
    return true;
  });
  if (named && out.empty())
    return no(400, "none of these protocols is spoken here");
  return {};
}

} // namespace

bool wants_websocket(const request& x) { return has_part(x, "Upgrade", "websocket"); }

std::optional<refusal> upgrade(
    const request& x, std::span<const std::string_view> we_speak, websocket_upgrade& out) {
  if (x.method != "GET")
    return no(405, "a WebSocket begins with GET");
  if (!wants_websocket(x) || !has_part(x, "Connection", "upgrade"))
    return no(400, "this is not an upgrade to WebSocket");
  if (x.header("Sec-WebSocket-Version") != "13")
    return no(426, "WebSocket version 13 is spoken here");
  auto key = x.header("Sec-WebSocket-Key");
  auto bytes = std::string{};
  if (!unbase64(key, bytes) || bytes.size() != 16)
    return no(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  if (auto none = choose_protocol(x, we_speak, out.protocol))
    return none;
  out.bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  out.bytes.append("Sec-WebSocket-Accept: ").append(accept_of(key)).append("\r\n");
  if (!out.protocol.empty())
    out.bytes.append("Sec-WebSocket-Protocol: ").append(out.protocol).append("\r\n");
  out.bytes.append("\r\n");
  return {};
}

std::optional<refusal> connect(
    const request& x, std::span<const std::string_view> we_speak, std::string& protocol) {
  if (x.header("Sec-WebSocket-Version") != "13")
    return no(400, "WebSocket version 13 is spoken here");
  return choose_protocol(x, we_speak, protocol);
}

void ws_reader::feed(std::string_view bytes) {
  if (over_)
    return;
  if (at_ == input_.size()) {
    input_.clear();
    at_ = 0;
  }
  input_.append(bytes);
}

ws_reader::outcome ws_reader::next() {
  while (!over_) {
    if (!in_frame_ && !read_head())
      break;
    read_payload();
    if (over_ || head_.left > 0)
      break;
    in_frame_ = false;
    if (auto got = frame_over(); got != outcome::need_more)
      return got;
  }
  if (at_ == input_.size()) {
    input_ = std::string{};
    at_ = 0;
  }
  return flaw_.empty() ? outcome::need_more : outcome::failed;
}

std::string ws_reader::take() { return std::exchange(done_, {}); }

bool ws_reader::read_head() {
  auto bytes = std::string_view{input_}.substr(at_);
  if (bytes.size() < 2)
    return false;
  auto first = static_cast<std::uint8_t>(bytes[0]), second = static_cast<std::uint8_t>(bytes[1]);
  auto opcode = static_cast<ws_opcode>(first & 0x0f);
  auto last = (first & 0x80) != 0;
  auto size = std::uint64_t{second & 0x7fu};
  // Everything that two bytes can tell is refused before more is waited for.
  if ((first & 0x70) != 0)
    return fail(ws_code::protocol_error, "a reserved bit is set");
  if (!is_known(opcode))
    return fail(ws_code::protocol_error, "unknown opcode");
  if ((second & 0x80) == 0)
    return fail(ws_code::protocol_error, "the frame is not masked");
  if (is_control(opcode) && (!last || size > max_control))
    return fail(ws_code::protocol_error, "a control frame is in pieces or too large");
  if (!is_control(opcode) &&
      (opcode == ws_opcode::continuation) == (kind_ == ws_opcode::continuation))
    return fail(ws_code::protocol_error, "fragments are out of order");
  auto more = size == 126 ? 2u : size == 127 ? 8u : 0u;
  if (bytes.size() < 2 + more + 4)
    return false;
  if (more != 0) {
    auto shortest = size == 126 ? 126u : 65'536u;
    size = 0;
    for (auto c : bytes.substr(2, more))
      size = size << 8 | static_cast<std::uint8_t>(c);
    if (size < shortest || size >> 63 != 0)
      return fail(ws_code::protocol_error, "the length is not written in its shortest form");
  }
  if (!is_control(opcode) && size > max_message_ - message_.size())
    return fail(ws_code::too_large, "the message is too large");
  head_ = {opcode, last, size, {}, 0};
  std::copy_n(bytes.data() + 2 + more, 4, head_.mask.data());
  at_ += 2 + more + 4;
  in_frame_ = true;
  if (opcode == ws_opcode::text || opcode == ws_opcode::binary) {
    kind_ = opcode;
    utf8_ = {};
  }
  return true;
}

void ws_reader::read_payload() {
  auto n = static_cast<std::size_t>(std::min<std::uint64_t>(head_.left, input_.size() - at_));
  auto& into = is_control(head_.opcode) ? control_ : message_;
  auto begin = into.size();
  into.append(input_, at_, n);
  for (auto i = begin; i < into.size(); ++i)
    into[i] = static_cast<char>(into[i] ^ head_.mask[head_.turn++ & 3]);
  at_ += n;
  head_.left -= n;
  if (!is_control(head_.opcode) && kind_ == ws_opcode::text &&
      !utf8_.feed(std::string_view{into}.substr(begin)))
    fail(ws_code::invalid_data, "text is not UTF-8");
}

ws_reader::outcome ws_reader::frame_over() {
  if (is_control(head_.opcode)) {
    done_ = std::exchange(control_, {});
    if (head_.opcode == ws_opcode::close)
      return closing();
    return head_.opcode == ws_opcode::ping ? outcome::ping : outcome::pong;
  }
  if (!head_.last)
    return outcome::need_more;
  auto kind = std::exchange(kind_, ws_opcode::continuation);
  if (kind == ws_opcode::text && !utf8_.complete()) {
    fail(ws_code::invalid_data, "text is not UTF-8");
    return outcome::failed;
  }
  done_ = std::exchange(message_, {});
  return kind == ws_opcode::text ? outcome::text : outcome::binary;
}

ws_reader::outcome ws_reader::closing() {
  over_ = true;
  input_ = std::string{};
  at_ = 0;
  message_ = std::string{};
  if (done_.empty()) {
    code_ = ws_code::no_code;
    return outcome::close;
  }
  code_ = static_cast<std::uint16_t>(static_cast<std::uint8_t>(done_[0]) << 8 |
                                     (done_.size() > 1 ? static_cast<std::uint8_t>(done_[1]) : 0));
  if (done_.size() < 2 || !may_be_said(code_)) {
    fail(ws_code::protocol_error, "the close code is none");
    return outcome::failed;
  }
  done_.erase(0, 2);
  if (!valid_utf8(done_)) {
    fail(ws_code::invalid_data, "the close reason is not UTF-8");
    return outcome::failed;
  }
  return outcome::close;
}

/// Always false, for callers that return it.
bool ws_reader::fail(std::uint16_t code, std::string_view flaw) {
  over_ = true;
  code_ = code;
  flaw_ = flaw;
  input_ = std::string{};
  at_ = 0;
  message_ = control_ = done_ = std::string{};
  return false;
}

std::string ws_frame(ws_opcode opcode, std::string_view payload) {
  auto out = std::string{};
  out.reserve(payload.size() + 10);
  out += static_cast<char>(0x80 | static_cast<unsigned>(opcode));
  auto number = [&](std::uint64_t x, int bytes) {
    for (auto shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
      out += static_cast<char>(x >> shift & 0xff);
  };
  if (payload.size() <= max_control) {
    number(payload.size(), 1);
  } else if (payload.size() < 65'536) {
    number(126, 1);
    number(payload.size(), 2);
  } else {
    number(127, 1);
    number(payload.size(), 8);
  }
  return out.append(payload);
}

std::string ws_close(std::uint16_t code, std::string_view reason) {
  if (code == ws_code::no_code)
    return ws_frame(ws_opcode::close, {});
  reason = reason.substr(0, max_control - 2);
  while (!valid_utf8(reason))
    reason.remove_suffix(1);
  auto payload = std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return ws_frame(ws_opcode::close, payload.append(reason));
}

} // namespace shoal::http
