#include "protocol/tls/connection.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

/// One connection's share of a turn of the loop, in each direction.
constexpr int reads_per_turn = 4;
constexpr std::size_t bytes_out_per_turn = 256 * 1024;

/// A read that brings less than this has most likely emptied the socket: waiting costs the same as
/// asking again.
constexpr std::size_t full_read = 8 * 1024;

constexpr std::size_t max_record = 16 * 1024;

/// How long a closed connection may take to read what it was sent, and how much it may still say
/// meanwhile. Closing earlier would answer its bytes with a reset, and the reset would destroy our
/// last frame on its way.
constexpr auto linger_time = std::chrono::seconds{3};
constexpr std::uint16_t max_discards = 64;

/// A handshake that takes longer goes on, but others need not wait for it any more: peers that
/// begin one and fall silent must not keep the door shut.
constexpr auto place_time = std::chrono::seconds{1};

} // namespace

connection::connection(io_loop& loop, target self, int fd)
    : carrier{loop, self}, fd_{fd}, transport_{fd}, watched_{poller::read | poller::gone} {
  deadline_in(io_loop::ticks(loop.options().handshake_timeout));
}

connection::~connection() { ::close(fd_); }

void connection::start(bool plain) {
  if (!loop().sockets().add(fd_, self(), watched_))
    return abandon(ec::none);
  if (plain)
    established();
  else
    wait_readable(); // the client speaks first
}

void connection::begin_handshake(ssl_ptr ssl) {
  transport_.secure_with(std::move(ssl));
  phase_ = phase::handshake;
  has_place_ = true;
  deadline_in(io_loop::ticks(std::min(place_time, loop().options().handshake_timeout)));
  shake_hands();
}

void connection::on_ready(std::uint8_t what) {
  auto hung_up = (what & poller::gone) && !std::exchange(peer_gone_, true);
  auto told_in_vain = what & ~wishes();
  if ((what & poller::read) && waits_readable_)
    on_readable();
  if ((what & poller::write) && waits_writable_)
    on_writable();
  if (hung_up && phase_ == phase::open)
    driver_->on_peer_gone();
  // What nobody waits for would be told again and again. Having read, a socket is left as it is
  // until that happens: most often somebody waits again before there are bytes. Writing is always
  // possible.
  auto idle = watched_ & ~wishes();
  if (!is_dead() && (idle & (told_in_vain | poller::write)))
    watch();
}

void connection::on_readable() {
  waits_readable_ = false;
  switch (phase_) {
  case phase::arrived:
    return loop().await_handshake(*this);
  case phase::handshake:
    return shake_hands();
  case phase::open:
    read_some();
    return flush();
  case phase::flushing:
    return flush();
  case phase::lingering:
    return linger();
  case phase::dead:
    return;
  }
}

void connection::on_writable() {
  waits_writable_ = false;
  if (phase_ == phase::handshake)
    return shake_hands();
  if (phase_ == phase::open && !waits_readable_ && driver_->wants_bytes())
    read_some();
  flush();
}

void connection::on_deadline() {
  if (phase_ == phase::open)
    return driver_->on_deadline();
  if (has_place_) {
    leave_place();
    return deadline_in(io_loop::ticks(loop().options().handshake_timeout));
  }
  if (phase_ == phase::arrived || phase_ == phase::handshake)
    loop().counters().handshake_failures.add();
  abandon(ec::handshake_timeout);
}

void connection::flush() {
  if (phase_ == phase::open)
    driver_->on_flush();
  if (phase_ != phase::open && phase_ != phase::flushing)
    return;
  auto sent_now = std::size_t{0};
  while (!out_.empty()) {
    if (sent_now >= bytes_out_per_turn)
      return loop().mark_dirty(*this);
    auto bytes = out_.next(loop().write_scratch());
    auto sent = std::size_t{0};
    auto status = transport_.write(bytes, sent);
    if (status != io_status::done) {
      pending_ = static_cast<std::uint32_t>(std::min(bytes.size(), max_record));
      return wait(status);
    }
    pending_ = 0;
    out_.pop(sent);
    sent_now += sent;
    loop().counters().bytes_out.add(sent);
  }
  if (phase_ == phase::open) {
    if (sent_now != 0)
      driver_->on_flushed();
    return;
  }
  auto status = transport_.end();
  if (status != io_status::done)
    return wait(status);
  phase_ = phase::lingering;
  wait_readable();
}

std::string connection::peer() const {
  auto end = boost::asio::ip::tcp::endpoint{};
  auto size = static_cast<socklen_t>(end.capacity());
  if (::getpeername(fd_, end.data(), &size) != 0)
    return "unknown";
  auto out = end.address().to_string();
  if (end.address().is_v6())
    out = '[' + out + ']';
  return out.append(":").append(std::to_string(end.port()));
}

void connection::send(shared_bytes bytes) {
  if (phase_ != phase::open)
    return;
  out_.push(std::move(bytes));
  loop().mark_dirty(*this);
}

void connection::close(shared_bytes last, ec why, queued how) {
  if (phase_ == phase::arrived || phase_ == phase::handshake)
    return abandon(why);
  if (phase_ != phase::open)
    return;
  if (how == queued::drop)
    out_.keep_only(pending_);
  out_.push(std::move(last));
  phase_ = phase::flushing;
  deadline_in(io_loop::ticks(linger_time));
  end_driver(why);
  loop().mark_dirty(*this);
}

void connection::abandon(ec why) {
  if (phase_ == phase::dead)
    return;
  phase_ = phase::dead;
  leave_place();
  end_driver(why);
  loop().bury(*this);
}

void connection::resume() {
  if (phase_ != phase::open || waits_readable_)
    return;
  // Bytes may wait inside the TLS state, where no event of the socket would tell of them. Otherwise
  // the peer has most likely not answered yet: asking the socket would only cost a system call.
  if (transport_.has_pending())
    read_some();
  else
    wait_readable();
}

void connection::become(std::unique_ptr<driver> next, std::string_view first) {
  loop().retire(std::exchange(driver_, std::move(next)));
  driver_->on_start();
  if (phase_ == phase::open && !first.empty())
    driver_->on_bytes(first);
}

void connection::shake_hands() {
  auto status = transport_.handshake();
  if (status == io_status::done)
    return established();
  if (status == io_status::ended || status == io_status::failed) {
    loop().counters().handshake_failures.add();
    return abandon(ec::none);
  }
  wait(status);
}

void connection::leave_place() {
  if (std::exchange(has_place_, false))
    loop().handshake_over();
}

void connection::established() {
  auto what = application::http_1;
  if (transport_.secure()) {
    loop().counters().handshakes.add();
    if (SSL_session_reused(transport_.ssl()))
      loop().counters().resumed.add();
    what = chosen_application(transport_.ssl());
    deadline_in(io_loop::ticks(loop().options().handshake_timeout)); // for the first message
  }
  phase_ = phase::open;
  leave_place();
  driver_ = loop().make_driver(what, *this);
  driver_->on_start();
  if (phase_ == phase::open)
    read_some(); // the first bytes may have come with the end of the handshake
  flush();
}

void connection::read_some() {
  auto more = true;
  for (auto i = 0; i < reads_per_turn && more; ++i) {
    if (phase_ != phase::open || !driver_->wants_bytes())
      return;
    auto got = std::size_t{0};
    auto status = transport_.read(loop().read_scratch(), got);
    if (status == io_status::ended || status == io_status::failed) {
      // Who only closed its sending side still reads the rest; close() gives it the time.
      return status == io_status::ended ? close(nullptr, ec::none) : abandon(ec::none);
    }
    if (status != io_status::done)
      return wait(status);
    loop().counters().bytes_in.add(got);
    driver_->on_bytes({loop().read_scratch().data(), got});
    more = got >= full_read || transport_.has_pending();
  }
  if (phase_ != phase::open || !driver_->wants_bytes())
    return;
  if (more && transport_.has_pending()) {
    waits_readable_ = true;
    loop().post_readable(self());
  } else {
    wait_readable();
  }
}

void connection::linger() {
  auto status = transport_.discard(loop().read_scratch());
  if (status == io_status::want_read || (status == io_status::done && ++discarded_ < max_discards))
    return wait_readable();
  abandon(ec::none);
}

void connection::end_driver(ec why) {
  if (driver_ && !std::exchange(ended_, true))
    driver_->on_end(why);
}

void connection::wait(io_status status) {
  if (status == io_status::want_read)
    wait_readable();
  else if (status == io_status::want_write)
    wait_writable();
  else
    abandon(ec::none);
}

void connection::wait_readable() {
  if (std::exchange(waits_readable_, true) || (watched_ & poller::read))
    return;
  watch();
}

void connection::wait_writable() {
  if (std::exchange(waits_writable_, true) || (watched_ & poller::write))
    return;
  watch();
}

std::uint8_t connection::wishes() const {
  return static_cast<std::uint8_t>((waits_readable_ ? poller::read : poller::nothing) |
                                   (waits_writable_ ? poller::write : poller::nothing) |
                                   (peer_gone_ ? poller::nothing : poller::gone));
}

void connection::watch() {
  watched_ = wishes();
  loop().sockets().change(fd_, self(), watched_);
}

} // namespace shoal::tls
