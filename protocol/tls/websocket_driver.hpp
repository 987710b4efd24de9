// The device protocol in WebSocket messages, for pages, mini-programs and networks that let nothing
// else pass: the payloads of the client's binary messages, one after the other, are the bytes of
// `shoal/1`; every frame of the server is one binary message. Rules and codes: protocol/README.md,
// "WebSocket".
//
// A device_driver with another envelope, so sinks, heartbeat, limits and the treatment of slow
// consumers are the same. Takes over from the http_driver whose request asked for it, or speaks on
// a stream of an HTTP/2 connection (stream_carrier).
//
// Memory: beside the device_driver's, one message as it arrives, up to the largest frame.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http/websocket.hpp"
#include "protocol/tls/device_driver.hpp"

namespace shoal::tls {

constexpr std::string_view websocket_path = "/v1/device";
constexpr std::string_view websocket_protocol = "shoal.1";

/// Whether a request for `websocket_path` becomes a WebSocket. Status 0: yes, with the answer in
/// `out`; else why not.
http::refusal device_upgrade(
    const http::request& x, const endpoint_options& options, http::websocket_upgrade& out);

/// The same for a stream of an HTTP/2 connection; the protocol to accept it with is in `protocol`.
http::refusal device_connect(
    const http::request& x, const endpoint_options& options, std::string& protocol);

/// The answers to who asked wrongly; they tell which version would be right.
http::response upgrade_problem(const http::refusal& why);
http::response connect_problem(const http::refusal& why);

class websocket_driver : public device_driver {
public:
  explicit websocket_driver(carrier& x);
  ~websocket_driver() override;

  void on_start() override;
  void on_bytes(std::string_view bytes) override;

protected:
  shared_bytes wrapped(const shared_bytes& frame) override;
  shared_bytes farewell(shared_bytes last, ec why) override;
  bool in_websocket() const override { return true; }

private:
  void violated(std::uint16_t code);

  http::ws_reader reader_;
  std::uint16_t violation_ = 0; // the close code that WebSocket's own rules demand
};

} // namespace shoal::tls
