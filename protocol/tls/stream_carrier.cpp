#include "protocol/tls/stream_carrier.hpp"

#include <utility>

#include "protocol/tls/h2_driver.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

/// What the driver gets at a time, as from a socket.
constexpr std::size_t piece = 16 * 1024;

/// How long the peer may take for what waits and for its own end of the stream.
constexpr auto linger_time = std::chrono::seconds{3};

} // namespace

stream_carrier::stream_carrier(io_loop& loop, target self, h2_driver& on, std::uint32_t stream)
    : carrier{loop, self}, on_{&on}, stream_{stream}, driver_{std::make_unique<websocket_driver>(
                                                          *this)} {}

void stream_carrier::start() { driver_->on_start(); }

bool stream_carrier::hear() {
  auto took = false;
  while (phase_ == phase::open && driver_->wants_bytes()) {
    auto bytes = on_->tunnels().take(stream_, piece);
    if (bytes.empty()) {
      // Who only ends its own side still reads the rest; close() gives it the time.
      if (on_->tunnels().heard_all(stream_))
        close(nullptr, ec::none);
      break;
    }
    took = true;
    driver_->on_bytes(bytes);
  }
  return took;
}

void stream_carrier::resume() {
  hear();
  if (on_)
    on_->stir();
}

void stream_carrier::lost(ec why) {
  if (std::exchange(phase_, phase::dead) == phase::dead)
    return;
  on_ = nullptr;
  end_driver(why);
  loop().streams().bury(self());
}

std::string stream_carrier::peer() const { return on_ ? on_->peer() : "unknown"; }

std::size_t stream_carrier::unsent() const { return on_ ? on_->tunnels().unsent(stream_) : 0; }

void stream_carrier::send(shared_bytes bytes) {
  if (phase_ != phase::open)
    return;
  on_->tunnels().send(stream_, std::move(bytes));
  on_->stir();
}

void stream_carrier::flush() {
  if (on_)
    on_->flush();
}

void stream_carrier::close(shared_bytes last, ec why, queued how) {
  if (phase_ != phase::open)
    return;
  auto& tunnels = on_->tunnels();
  if (how == queued::drop)
    tunnels.forget_unsent(stream_);
  tunnels.send(stream_, std::move(last));
  tunnels.finish(stream_);
  phase_ = phase::closing;
  deadline_in(io_loop::ticks(linger_time));
  on_->stir();
  end_driver(why);
}

void stream_carrier::on_deadline() {
  if (phase_ == phase::open)
    return driver_->on_deadline();
  if (!on_)
    return;
  auto& on = *on_;
  on.tunnels().cut(stream_);
  on.forget(*this);
  lost(ec::none);
  on.stir();
}

void stream_carrier::end_driver(ec why) {
  if (!std::exchange(ended_, true))
    driver_->on_end(why);
}

} // namespace shoal::tls
