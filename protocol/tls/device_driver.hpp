// The device protocol's lower half: cuts frames, answers pings, watches the heartbeat, and holds
// back a device that sends faster than its sink handles. Pings that come before the sink's first
// frame are the sink's: no answer overtakes the Welcome. What frames mean is the sink's business,
// but for calls of who is identified: the loop's service carries them out, and the sink, an actor,
// is not asked.
//
// The frames are the carrier's bytes as they are, unless a derived driver carries them in
// something else (websocket_driver): it unwraps what comes before it calls `on_bytes` and says how
// to wrap what leaves. Everything else holds for both.
#pragma once

#include <chrono>
#include <memory>

#include "protocol/frame.hpp"
#include "protocol/tls/device_calls.hpp"
#include "protocol/tls/driver.hpp"
#include "protocol/tls/endpoint.hpp"

namespace shoal::tls {

class carrier;

class device_driver : public driver {
public:
  explicit device_driver(carrier& x);
  ~device_driver() override;

  application speaks() const override { return application::device; }
  void on_start() override;
  void on_bytes(std::string_view bytes) override;
  bool wants_bytes() const override { return sink_ && !paused_; }
  void on_deadline() override;
  void on_end(ec why) override;

  // What a link asks for.
  void send(const shared_bytes& bytes);
  void close(shared_bytes last, ec why);
  void consumed(std::uint32_t n);
  void set_heartbeat(std::chrono::seconds interval);
  void identify(device_identity_ptr who) { who_ = std::move(who); }

  /// What waits is dropped, the device is told why, and that is its end.
  void end_slow_consumer();

  /// The end of a call.
  void answer_call(std::uint32_t ticket, device_answer&& x);
  void when_call_given_up(std::uint32_t ticket, std::function<void()> then);

protected:
  /// What leaves for one frame.
  virtual shared_bytes wrapped(const shared_bytes& frame) { return frame; }

  /// What leaves as the end of the connection; `last` is a Close frame or null.
  virtual shared_bytes farewell(shared_bytes last, ec) { return last; }

  /// The device is there: its silence begins again.
  void heard();

  /// Queues bytes that are wrapped already. False if the device is too slow for them and was told.
  bool queue(const shared_bytes& bytes);

  /// Ends the connection with a Close frame.
  void refuse(ec why);

  carrier& line() { return line_; }

  virtual bool in_websocket() const { return false; }

private:
  void cut_frames();
  void take(frame x);
  bool take_call(const frame& x);
  void begin_call(const frame& x);
  void cancel_call(const frame& x);
  void send_result(std::uint64_t id, device_answer&& x);

  carrier& line_;
  std::shared_ptr<link_sink> sink_;
  device_identity_ptr who_;
  std::unique_ptr<device_calls> calls_; // from the first one on
  frame_reader reader_;
  std::uint32_t unhandled_ = 0;
  std::uint32_t silence_ = 0; // ticks that the device may say nothing; 0 before it is known
  bool paused_ = false;
  bool spoken_ = false; // something was sent
};

} // namespace shoal::tls
