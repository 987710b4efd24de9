#include "protocol/tls/websocket_driver.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "protocol/http/problem.hpp"
#include "protocol/tls/carrier.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

using http::ws_code::going_away, http::ws_code::normal, http::ws_code::protocol_error,
    http::ws_code::too_large, http::ws_code::unsupported;

constexpr std::size_t frame_length_size = 4;

shared_bytes share(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

/// The close code that says what a device code says: what to do next.
std::uint16_t ws_code_of(ec why) {
  switch (why) {
  case ec::none:
    return normal;
  case ec::going_away:
    return going_away;
  case ec::frame_too_large:
    return too_large;
  default:
    return static_cast<std::uint16_t>(4000 + static_cast<std::uint16_t>(why) / 1000);
  }
}

ec code_of(std::uint16_t violation) {
  return violation == too_large ? ec::frame_too_large : ec::bad_frame;
}

constexpr auto spoken = std::array{websocket_protocol};

bool is_unwelcome_page(const http::request& x, const endpoint_options& options) {
  auto origin = x.header("Origin");
  auto& may = options.web_origins;
  return !origin.empty() && !may.empty() && std::ranges::find(may, origin) == may.end();
}

http::refusal unwelcome_page() {
  return {403, ec::forbidden, "pages of this origin may not connect"};
}

http::refusal no_protocol() {
  return {400, ec::invalid_argument, "Sec-WebSocket-Protocol must name shoal.1"};
}

/// A broadcast's frame is wrapped once per thread, not once per connection.
struct newest_message {
  std::weak_ptr<const std::string> frame;
  std::weak_ptr<const std::string> message;
};

} // namespace

http::refusal device_upgrade(
    const http::request& x, const endpoint_options& options, http::websocket_upgrade& out) {
  if (!http::wants_websocket(x))
    return {426, ec::invalid_argument, "only WebSockets are served here"};
  if (is_unwelcome_page(x, options))
    return unwelcome_page();
  if (!x.body.empty())
    return {400, ec::invalid_argument, "an upgrade has no body"};
  if (auto no = http::upgrade(x, spoken, out))
    return *no;
  if (out.protocol.empty())
    return no_protocol();
  return {0, ec::none, {}};
}

http::refusal device_connect(
    const http::request& x, const endpoint_options& options, std::string& protocol) {
  if (x.path != websocket_path)
    return {404, ec::not_found, "WebSockets are served at /v1/device"};
  if (is_unwelcome_page(x, options))
    return unwelcome_page();
  if (auto no = http::connect(x, spoken, protocol))
    return *no;
  if (protocol.empty())
    return no_protocol();
  return {0, ec::none, {}};
}

http::response upgrade_problem(const http::refusal& why) {
  auto out = http::problem(why.status, why.code, why.detail);
  if (why.status == 426) {
    out.headers.emplace_back("Upgrade", "websocket");
    out.headers.emplace_back("Sec-WebSocket-Version", "13");
  }
  return out;
}

http::response connect_problem(const http::refusal& why) {
  auto out = http::problem(why.status, why.code, why.detail);
  if (why.status == 400)
    out.headers.emplace_back("Sec-WebSocket-Version", "13");
  return out;
}

websocket_driver::websocket_driver(carrier& x)
    : device_driver{x}, reader_{x.loop().options().max_frame + frame_length_size} {
  line().loop().counters().websocket_connections.add();
}

websocket_driver::~websocket_driver() { line().loop().counters().websocket_connections.subtract(); }

void websocket_driver::on_start() {
  line().deadline_in(io_loop::ticks(line().loop().options().handshake_timeout)); // for a heartbeat
  device_driver::on_start();
}

void websocket_driver::on_bytes(std::string_view bytes) {
  using outcome = http::ws_reader::outcome;
  heard();
  reader_.feed(bytes);
  while (line().is_open()) {
    switch (reader_.next()) {
    case outcome::need_more:
      return;
    case outcome::binary:
      device_driver::on_bytes(reader_.take());
      break;
    case outcome::text:
      return violated(unsupported);
    case outcome::ping:
      queue(share(http::ws_frame(http::ws_opcode::pong, reader_.take())));
      break;
    case outcome::pong:
      reader_.take();
      break;
    case outcome::close:
      return line().close(share(http::ws_close(reader_.code())), ec::none);
    case outcome::failed:
      return violated(reader_.code());
    }
  }
}

shared_bytes websocket_driver::wrapped(const shared_bytes& frame) {
  thread_local auto newest = newest_message{};
  if (newest.frame.lock() == frame)
    if (auto message = newest.message.lock())
      return message;
  auto message = share(http::ws_frame(http::ws_opcode::binary, *frame));
  newest = {frame, message};
  return message;
}

shared_bytes websocket_driver::farewell(shared_bytes last, ec why) {
  auto out = last ? http::ws_frame(http::ws_opcode::binary, *last) : std::string{};
  auto number = why == ec::none ? "" : std::to_string(static_cast<unsigned>(why)) + " ";
  auto name = why == ec::none ? std::string_view{} : to_string(why);
  out += http::ws_close(violation_ != 0 ? violation_ : ws_code_of(why), number.append(name));
  return share(std::move(out));
}

void websocket_driver::violated(std::uint16_t code) {
  violation_ = code;
  refuse(code_of(code));
}

} // namespace shoal::tls
