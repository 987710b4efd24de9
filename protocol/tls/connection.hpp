// One accepted socket from TLS handshake to the last byte. Owned by its loop's slot table, used on
// the loop's thread only.
//
//   arrived --> handshake --> open --> flushing --> lingering --> dead
//     the loop has a place    close()    |  all sent, end told     the peer closed too, or the
//     linger for its handshake                                            time is over
//        any failure, any missed deadline ------------> dead
//
// Until its handshake begins a connection has no TLS state: thousands that arrive at once cost a
// socket and this object each, while they wait for their turn.
//
// Written to be small: while a connection is idle it holds its SSL state, this object and its
// driver, and no buffer. Bytes are read into a buffer of the loop and handed on at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/codes.hpp"
#include "protocol/frame.hpp"
#include "protocol/outbox.hpp"
#include "protocol/tls/carrier.hpp"
#include "protocol/tls/driver.hpp"
#include "protocol/tls/transport.hpp"

namespace shoal::tls {

class connection : public carrier {
public:
  /// Owns the socket `fd`, which does not block.
  connection(io_loop& loop, target self, int fd);
  ~connection() override;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  // Called by the loop.
  void start(bool plain);
  void begin_handshake(ssl_ptr ssl);
  void on_ready(std::uint8_t what);
  void on_readable();

  // Called by drivers.
  driver* speaker() { return driver_.get(); }
  const outbox& out() const { return out_; }
  std::string peer() const override;
  std::size_t unsent() const override { return out_.cost(); }
  void send(shared_bytes bytes) override;
  void flush() override;
  void close(shared_bytes last, ec why, queued how = queued::send) override;
  void resume() override;

  /// Closes without another byte.
  void abandon(ec why);

  /// From now on `next` speaks here, beginning with the bytes that came too early for it. For a
  /// driver that hands over to another; it is called no more, and destroyed when the turn ends.
  void become(std::unique_ptr<driver> next, std::string_view first);

  bool is_open() const override { return phase_ == phase::open; }
  bool is_dead() const { return phase_ == phase::dead; }

  /// Waits for the handshake, and the peer has not given up.
  bool wants_handshake() const { return phase_ == phase::arrived && transport_.peer_is_there(); }

  bool dirty = false; // the loop will flush it

private:
  enum class phase : std::uint8_t { arrived, handshake, open, flushing, lingering, dead };

  void on_deadline() override;
  void on_writable();
  void shake_hands();
  void leave_place();
  void established();
  void read_some();
  void linger();
  void end_driver(ec why);
  void wait(io_status status);
  void wait_readable();
  void wait_writable();
  std::uint8_t wishes() const;
  void watch();

  int fd_;
  transport transport_;
  outbox out_;
  std::unique_ptr<driver> driver_;
  std::uint32_t pending_ = 0; // bytes that OpenSSL holds encrypted and has not got rid of
  std::uint16_t discarded_ = 0;
  std::uint8_t watched_; // what the poller was asked for: `wishes`, or more
  phase phase_ = phase::arrived;
  bool has_place_ = false; // among the loop's handshakes
  bool ended_ = false;     // the driver was told
  bool peer_gone_ = false; // it sends nothing more
  bool waits_readable_ = false;
  bool waits_writable_ = false;
};

} // namespace shoal::tls
