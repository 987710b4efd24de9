#include "protocol/tls/io_loop.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/post.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/tls/device_driver.hpp"
#include "protocol/tls/h2_driver.hpp"
#include "protocol/tls/http_driver.hpp"
#include "protocol/tls/late_wake.hpp"
#include "protocol/tls/stream_carrier.hpp"
#include "protocol/tls/unread_room.hpp"

namespace shoal::tls {
namespace {

namespace asio = boost::asio;

/// A TLS record is at most this long, so one read empties what OpenSSL has decrypted.
constexpr std::size_t scratch_size = 16 * 1024;

/// Connections written to in one turn, so that a broadcast to thousands does not keep the loop from
/// reading.
constexpr std::size_t flushes_per_turn = 256;

/// Handshakes begun in one turn: each is half a millisecond of arithmetic that others wait for.
constexpr std::size_t handshakes_per_turn = 4;

/// A queue that was larger than this once gives its memory back.
constexpr std::size_t kept_commands = 16 * 1024;

/// The loop's sockets belong to one thread; only `post` comes from others.
constexpr int one_thread = BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO;

} // namespace

io_loop::io_loop(unsigned index, std::shared_ptr<const loop_setup> setup)
    : index_{index}, setup_{std::move(setup)}, context_{one_thread}, ticker_{context_},
      alarms_{context_}, sockets_{context_}, read_scratch_(scratch_size),
      write_scratch_(scratch_size) {}

io_loop::~io_loop() { stop(); }

void io_loop::start() {
  // Signals are for the main thread, and a write to a closed socket must fail instead of killing
  // the process: threads inherit what is blocked here.
  auto all = sigset_t{};
  auto before = sigset_t{};
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread{[this] { run(); }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void io_loop::stop() {
  if (!thread_.joinable())
    return;
  push(task{[this] { shut(); }});
  thread_.join();
}

void io_loop::push(command x) {
  auto awaited = std::holds_alternative<task>(x); // whoever gives one waits until it is done
  {
    auto guard = std::lock_guard{mutex_};
    if (closed_)
      return;
    mail_.push_back(std::move(x));
    if (posted_)
      return;
  }
  if (auto* later = late_wake::current(); later && !awaited)
    later->owe(shared_from_this());
  else
    wake();
}

void io_loop::wake() {
  {
    auto guard = std::lock_guard{mutex_};
    if (mail_.empty() || std::exchange(posted_, true))
      return;
  }
  asio::post(context_, [this] { take_mail(); });
}

std::size_t io_loop::room_for_unread(std::size_t own) const {
  // However many loops share it, the largest answer has to get through.
  auto& with = options();
  auto most = std::max(
      with.max_http_unread / with.loops, std::min(with.max_http_unread, 2 * with.max_http_body));
  auto out = unread_room(unread_http_, most, counters_.http_connections.value());
  return own == 0 ? std::max(out, reader_room) : out;
}

std::unique_ptr<driver> io_loop::make_driver(application what, connection& x) {
  switch (what) {
  case application::device:
    return std::make_unique<device_driver>(x);
  case application::http_2:
    return std::make_unique<h2_driver>(x);
  case application::http_1:
    break;
  }
  return std::make_unique<http_driver>(x);
}

void io_loop::mark_dirty(connection& x) {
  if (std::exchange(x.dirty, true))
    return;
  dirty_.push_back(x.self());
  if (!std::exchange(flush_posted_, true))
    asio::post(context_, [this] { flush_dirty(); });
}

void io_loop::await_handshake(connection& x) {
  arrived_.push_back(x.self());
  post_handshakes();
}

void io_loop::handshake_over() {
  --handshakes_;
  post_handshakes();
}

void io_loop::post_handshakes() {
  if (arrived_.empty() || handshakes_ >= options().handshakes_per_loop)
    return;
  if (!std::exchange(handshakes_posted_, true))
    asio::post(context_, [this] { begin_handshakes(); });
}

void io_loop::begin_handshakes() {
  handshakes_posted_ = false;
  auto begun = std::size_t{0};
  while (!arrived_.empty() && begun < handshakes_per_turn &&
         handshakes_ < options().handshakes_per_loop) {
    auto* x = find(arrived_.front());
    arrived_.pop_front();
    if (!x)
      continue;
    auto context = setup_->context();
    auto ssl = ssl_ptr{x->wants_handshake() ? SSL_new(context.get()) : nullptr};
    if (!ssl) {
      counters_.handshake_failures.add();
      x->abandon(ec::none);
      continue;
    }
    ++begun;
    ++handshakes_;
    x->begin_handshake(std::move(ssl));
  }
  post_handshakes();
  end_turn();
}

void io_loop::bury(connection& x) { dead_.push_back(x.self().slot); }

stream_carrier& io_loop::open_stream(h2_driver& on, std::uint32_t stream) {
  expect_one_more();
  return streams_.add(*this, on, stream);
}

void io_loop::post_readable(target x) {
  asio::post(context_, [this, x] {
    if (auto* found = find(x))
      found->on_readable();
    end_turn();
  });
}

void io_loop::drain(std::vector<link>& devices) {
  draining_ = true;
  for (auto i = std::uint32_t{0}; i < slots_.size(); ++i) {
    auto* x = slots_[i].occupant.get();
    if (!x || x->is_dead())
      continue;
    if (!x->speaker())
      x->abandon(ec::going_away);
    else if (x->speaker()->speaks() == application::http_1)
      static_cast<http_driver*>(x->speaker())->drain();
    else if (x->speaker()->speaks() == application::http_2)
      static_cast<h2_driver*>(x->speaker())->drain();
    else if (x->is_open())
      devices.emplace_back(this, i, slots_[i].generation);
  }
  auto on_streams = std::vector<target>{};
  streams_.list_open(on_streams);
  for (auto& x : on_streams)
    devices.emplace_back(this, x.slot, x.generation);
}

void io_loop::run() {
  pthread_setname_np(pthread_self(), ("shoal-io-" + std::to_string(index_)).c_str());
  if (auto& make = handlers().make_service)
    service_ = make(*this);
  await_tick();
  await_sockets();
  context_.run();
  service_.reset();
}

void io_loop::await_tick() {
  ticker_.expires_after(tick);
  ticker_.async_wait([this](const auto& error) {
    if (error)
      return;
    wheel_.advance(
        wheel_.now() + 1, [](timing_wheel::entry& x) { static_cast<carrier&>(x).on_due(); });
    if (service_)
      service_->on_tick();
    end_turn();
    await_tick();
  });
}

void io_loop::await_sockets() {
  sockets_.async_wait([this] {
    sockets_.take([this](target x, std::uint8_t what) {
      if (auto* found = find(x))
        found->on_ready(what);
    });
    end_turn();
    await_sockets();
  });
}

void io_loop::take_mail() {
  {
    auto guard = std::lock_guard{mutex_};
    std::swap(mail_, taken_);
    posted_ = false;
  }
  for (auto& x : taken_)
    std::visit([this](auto& what) { apply(what); }, x);
  if (taken_.capacity() > kept_commands)
    std::vector<command>{}.swap(taken_);
  taken_.clear();
  flush_dirty();
}

void io_loop::flush_dirty() {
  flush_posted_ = false;
  auto end = std::min(dirty_.size(), flushed_ + flushes_per_turn);
  while (flushed_ < end) {
    if (auto* x = find(dirty_[flushed_++])) {
      x->dirty = false;
      x->flush();
    }
  }
  if (flushed_ == dirty_.size()) {
    dirty_.clear();
    flushed_ = 0;
  } else if (!std::exchange(flush_posted_, true)) {
    asio::post(context_, [this] { flush_dirty(); });
  }
  end_turn();
}

void io_loop::end_turn() {
  retired_.clear();
  // Connections are destroyed here and nowhere else: no caller up the stack can hold one any more.
  while (!dead_.empty()) {
    auto i = dead_.back();
    dead_.pop_back();
    slots_[i].occupant.reset();
    ++slots_[i].generation;
    free_.push_back(i);
    population_.fetch_sub(1, std::memory_order_relaxed);
  }
  population_.fetch_sub(streams_.sweep(), std::memory_order_relaxed);
}

void io_loop::shut() {
  auto rest = std::vector<command>{};
  {
    auto guard = std::lock_guard{mutex_};
    closed_ = true;
    std::swap(rest, mail_);
  }
  for (auto& x : rest)
    if (auto* socket = std::get_if<adopt_socket>(&x))
      forget_socket(socket->fd);
  for (auto& x : slots_)
    if (x.occupant)
      x.occupant->abandon(ec::going_away);
  end_turn();
  context_.stop();
}

connection* io_loop::find(target x) {
  if (x.slot >= slots_.size() || slots_[x.slot].generation != x.generation)
    return nullptr;
  auto* found = slots_[x.slot].occupant.get();
  return found && !found->is_dead() ? found : nullptr;
}

device_driver* io_loop::find_device(target x) {
  if (x.slot >= stream_table::first_slot) {
    auto* found = streams_.find(x);
    return found ? &found->device() : nullptr;
  }
  auto* found = find(x);
  if (!found || !found->speaker() || found->speaker()->speaks() != application::device)
    return nullptr;
  return static_cast<device_driver*>(found->speaker());
}

void io_loop::adopt(int fd) {
  if (context_.stopped())
    return forget_socket(fd);
  auto on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  auto i = free_.back();
  free_.pop_back();
  auto self = target{i, slots_[i].generation};
  slots_[i].occupant = std::make_unique<connection>(*this, self, fd);
  slots_[i].occupant->start(!options().tls);
}

void io_loop::forget_socket(int fd) {
  ::close(fd);
  population_.fetch_sub(1, std::memory_order_relaxed);
}

} // namespace shoal::tls
