// What a device speaks on that came by a WebSocket on a stream of an HTTP/2 connection (RFC 8441):
// to its driver it is like a connection of its own.
//
//   open --> closing --> dead
//     close()    the stream is over, or the peer takes too long
//     the stream is given up, or its connection ends ------> dead
//
// Owned by its loop's `stream_table`, so that links find it. The connection's h2_driver tells it
// what happens on the stream; what waits in either direction is with the session (http/h2_tunnels).
//
// What the device says is taken only while its driver wants it, and only then may it say more: a
// device whose sink does not keep up is held back by its stream's window, and delays nobody else on
// the connection. The end of the stream is the end of this device and of no other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/tls/carrier.hpp"
#include "protocol/tls/websocket_driver.hpp"

namespace shoal::tls {

class h2_driver;

class stream_carrier : public carrier {
public:
  stream_carrier(io_loop& loop, target self, h2_driver& on, std::uint32_t stream);

  // Called by the h2_driver.
  void start();

  /// There may be something to take. True if something was.
  bool hear();

  /// The stream or its connection is over.
  void lost(ec why);

  bool is_dead() const { return phase_ == phase::dead; }
  std::uint32_t stream() const { return stream_; }
  device_driver& device() { return *driver_; }

  std::string peer() const override;
  bool is_open() const override { return phase_ == phase::open; }
  std::size_t unsent() const override;
  void send(shared_bytes bytes) override;
  void flush() override;
  void close(shared_bytes last, ec why, queued how = queued::send) override;
  void resume() override;

private:
  enum class phase : std::uint8_t { open, closing, dead };

  void on_deadline() override;
  void end_driver(ec why);

  h2_driver* on_; // null: gone
  std::uint32_t stream_;
  std::unique_ptr<websocket_driver> driver_;
  phase phase_ = phase::open;
  bool ended_ = false; // the driver was told
};

} // namespace shoal::tls
