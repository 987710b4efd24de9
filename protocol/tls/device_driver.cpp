#include "protocol/tls/device_driver.hpp"

#include <algorithm>
#include <exception>

#include "protocol/tls/carrier.hpp"
#include "protocol/tls/control_frames.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {

device_driver::device_driver(carrier& x) : line_{x}, reader_{x.loop().options().max_frame} {
  line_.loop().counters().device_connections.add();
}

device_driver::~device_driver() { line_.loop().counters().device_connections.subtract(); }

void device_driver::on_start() {
  auto& on_device = line_.loop().handlers().on_device;
  auto self = line_.self();
  try {
    if (on_device)
      sink_ = on_device(link{&line_.loop(), self.slot, self.generation}, line_.peer());
  } catch (const std::exception&) {
    // Refused below, like a handler that wants no more devices.
  }
  if (!sink_)
    refuse(ec::overloaded);
}

void device_driver::on_bytes(std::string_view bytes) {
  heard();
  reader_.append(bytes);
  cut_frames();
}

void device_driver::on_deadline() {
  if (silence_ == 0)
    return refuse(ec::handshake_timeout);
  // It is we who do not listen; the device is not to blame.
  if (paused_)
    return line_.deadline_in(silence_);
  line_.loop().counters().heartbeats_missed.add();
  refuse(ec::heartbeat_missed);
}

void device_driver::on_end(ec why) {
  reader_ = frame_reader{0};
  if (calls_)
    calls_->give_all_up();
  if (auto sink = std::move(sink_))
    sink->on_closed(why);
}

void device_driver::send(const shared_bytes& bytes) {
  spoken_ = true;
  if (line_.is_open() && bytes && queue(wrapped(bytes)))
    line_.loop().counters().frames_out.add();
}

bool device_driver::queue(const shared_bytes& bytes) {
  auto limit = line_.loop().options().write_limit;
  auto over = [&] {
    auto queued = line_.unsent();
    return queued != 0 && queued + bytes->size() > limit;
  };
  // Many frames of one batch may be queued before the first had a chance to leave.
  if (over())
    line_.flush();
  if (line_.is_open() && over()) {
    end_slow_consumer();
    return false;
  }
  line_.send(bytes);
  return true;
}

void device_driver::end_slow_consumer() {
  constexpr auto why = ec::slow_consumer;
  line_.loop().counters().slow_consumers.add();
  line_.close(farewell(close_frame(why), why), why, carrier::queued::drop);
}

void device_driver::close(shared_bytes last, ec why) {
  line_.close(farewell(std::move(last), why), why);
}

void device_driver::consumed(std::uint32_t n) {
  unhandled_ -= std::min(n, unhandled_);
  // Waiting for half of the window makes reads fewer and larger.
  if (!paused_ || unhandled_ > line_.loop().options().unhandled_frames / 2)
    return;
  paused_ = false;
  heard();
  cut_frames();
  if (wants_bytes())
    line_.resume();
}

void device_driver::set_heartbeat(std::chrono::seconds interval) {
  if (!line_.is_open())
    return;
  auto ticks = io_loop::ticks(interval * 3 / 2.0);
  silence_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ticks, 1, UINT32_MAX));
  line_.deadline_in(silence_);
}

void device_driver::heard() {
  if (silence_ != 0 && line_.is_open()) // one that is closing has a deadline of its own
    line_.deadline_in(silence_);
}

void device_driver::cut_frames() {
  while (sink_ && !paused_) {
    auto x = frame{};
    auto outcome = reader_.next(x);
    if (outcome == frame_reader::outcome::need_more)
      break;
    if (outcome == frame_reader::outcome::failed)
      return refuse(reader_.error());
    take(std::move(x));
  }
  reader_.shrink();
}

void device_driver::take(frame x) {
  line_.loop().counters().frames_in.add();
  if (x.type == frame_type::ping) {
    auto pong = pong_frame(x.body);
    if (!pong)
      return refuse(ec::bad_message);
    if (spoken_)
      return send(pong);
  }
  if (take_call(x))
    return;
  ++unhandled_;
  paused_ = unhandled_ >= line_.loop().options().unhandled_frames;
  try {
    sink_->on_frame(std::move(x));
  } catch (const std::exception&) {
    refuse(ec::session_lost);
  }
}

void device_driver::refuse(ec why) { close(close_frame(why), why); }

} // namespace shoal::tls
