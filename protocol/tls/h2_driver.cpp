#include "protocol/tls/h2_driver.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "protocol/http/problem.hpp"
#include "protocol/tls/connection.hpp"
#include "protocol/tls/endpoint.hpp"
#include "protocol/tls/io_loop.hpp"
#include "protocol/tls/stream_carrier.hpp"

namespace shoal::tls {
namespace {

constexpr std::size_t max_waiting = 256 * 1024;
constexpr std::size_t piece = 32 * 1024;

/// Devices on one connection: as many pages as a browser may have open, and room for requests
/// beside them.
constexpr std::uint32_t max_websockets = 32;

/// How often the clock is looked at.
constexpr auto look = std::chrono::milliseconds{1000};

std::uint64_t ms(std::chrono::milliseconds x) { return static_cast<std::uint64_t>(x.count()); }

http::h2_limits limits_of(const io_loop& loop) {
  auto& options = loop.options();
  auto out = http::h2_limits{};
  out.tunnels = loop.handlers().on_device ? max_websockets : 0;
  out.header = options.max_http_header;
  out.body = options.max_http_body;
  out.unfinished = std::max(out.unfinished, options.max_http_body);
  return out;
}

} // namespace

h2_driver::h2_driver(connection& x)
    : connection_{x}, session_{limits_of(x.loop())}, busy_ms_{now_ms()}, progress_ms_{busy_ms_} {
  connection_.loop().counters().http_connections.add();
}

h2_driver::~h2_driver() {
  connection_.loop().unfinished_http() -= counted_;
  connection_.loop().unread_http() -= unread_;
  connection_.loop().counters().http_connections.subtract();
}

void h2_driver::on_start() {
  peer_ = connection_.peer();
  pump();
  watch();
}

void h2_driver::on_bytes(std::string_view bytes) {
  session_.feed(bytes, now_ms());
  for (auto stream : session_.take_given_up())
    give_up(stream);
  hand_out();
  tend_tunnels();
  keep_within_budget();
  pump();
}

bool h2_driver::wants_bytes() const { return !over_ && connection_.out().bytes() < max_waiting; }

void h2_driver::on_flushed() {
  pump();
  if (wants_bytes())
    connection_.resume();
}

void h2_driver::on_deadline() {
  if (is_stuck())
    return connection_.abandon(ec::slow_consumer);
  auto& options = connection_.loop().options();
  auto idle = ms(options.http_idle_timeout);
  keep_within_budget(); // also what sends nothing more holds its bytes
  session_.expire(now_ms(), {ms(options.handshake_timeout), idle, 2 * idle});
  if (session_.streams() > 0)
    busy_ms_ = now_ms();
  if (draining_ || now_ms() - busy_ms_ >= idle) {
    session_.shut_down();
    if (session_.streams() == 0)
      session_.shut_down();
  }
  pump();
  if (!over_)
    watch();
}

void h2_driver::on_end(ec why) {
  over_ = true;
  for (auto* x : std::exchange(websockets_, {}))
    x->lost(why);
  for (auto& [stream, then] : std::exchange(given_up_, {}))
    then();
}

void h2_driver::when_given_up(std::uint32_t stream, std::function<void()> then) {
  if (over_)
    return then();
  given_up_.emplace_back(stream, std::move(then));
}

/// What it calls gives the answer, that nobody hears.
void h2_driver::give_up(std::uint32_t stream) {
  auto is_other = [stream](auto& x) { return x.first != stream; };
  auto first = std::ranges::stable_partition(given_up_, is_other).begin();
  auto told = std::vector(std::make_move_iterator(first), std::make_move_iterator(given_up_.end()));
  given_up_.erase(first, given_up_.end());
  for (auto& [of, then] : told)
    then();
}

void h2_driver::answer(std::uint32_t stream, http::response x) {
  if (over_)
    return;
  std::erase_if(given_up_, [stream](auto& one) { return one.first == stream; });
  session_.allow_unsent(room());
  session_.answer(stream, std::move(x));
  busy_ms_ = now_ms();
  pump();
}

void h2_driver::drain() {
  draining_ = true;
  session_.shut_down();
  // With no stream open there is nothing to wait for: what was on its way may be sent again.
  if (session_.streams() == 0)
    session_.shut_down();
  pump();
}

void h2_driver::stir() {
  if (!over_)
    connection_.loop().mark_dirty(connection_);
}

void h2_driver::flush() { connection_.flush(); }

void h2_driver::forget(const stream_carrier& x) { std::erase(websockets_, &x); }

std::uint64_t h2_driver::now_ms() const {
  return connection_.loop().wheel().now() * ms(io_loop::tick);
}

void h2_driver::hand_out() {
  auto& loop = connection_.loop();
  while (!over_ && session_.has_request()) { // an answer may have ended the connection
    auto [stream, what, asks_for_websocket] = session_.take();
    loop.counters().http_requests.add();
    if (asks_for_websocket) {
      open_websocket(stream, what);
      continue;
    }
    what.peer = peer_;
    if (served_here(stream, what))
      continue;
    // The responder keeps the loop's queue alive, so it may outlive connection and endpoint.
    auto send = [loop = loop.shared_from_this(), to = connection_.self(), number = stream](
                    http::response answer) {
      loop->push(answer_request{to, number, std::make_unique<http::response>(std::move(answer))});
    };
    try {
      if (loop.handlers().on_request)
        loop.handlers().on_request(std::move(what), http::responder{std::move(send)});
      else
        session_.answer(stream, http::problem(404, ec::not_found));
    } catch (const std::exception&) {
      // The responder was dropped on the way here and has answered 500.
    }
  }
}

void h2_driver::open_websocket(std::uint32_t stream, const http::request& x) {
  auto& loop = connection_.loop();
  auto protocol = std::string{};
  auto no = device_connect(x, loop.options(), protocol);
  if (no.status == 0 && loop.population() >= loop.options().max_connections / loop.options().loops)
    no = {503, ec::too_many_connections, "too many connections"};
  if (no.status != 0) {
    loop.counters().bad_requests.add();
    return session_.answer(stream, connect_problem(no));
  }
  if (!session_.open_tunnel(stream, protocol))
    return;
  auto& made = loop.open_stream(*this, stream);
  websockets_.push_back(&made);
  made.start();
  made.hear(); // who does not wait for the answer
}

/// True if bytes were taken, so that the peer may send more.
bool h2_driver::tend_tunnels() {
  auto took = false;
  auto& tunnels = session_.tunnels();
  for (auto stream : tunnels.take_stirred()) {
    auto found = std::ranges::find(websockets_, stream, &stream_carrier::stream);
    if (found == websockets_.end())
      continue;
    auto& x = **found;
    if (tunnels.has(stream)) {
      took = x.hear() || took;
    } else {
      websockets_.erase(found);
      x.lost(ec::none);
    }
  }
  return took;
}

/// The loop's own service took it.
bool h2_driver::served_here(std::uint32_t stream, http::request& x) {
  auto* service = connection_.loop().service();
  if (!service)
    return false;
  try {
    return service->serve(
        x, local_responder{connection_.loop(), connection_.self(), stream, application::http_2});
  } catch (const std::exception&) {
    answer(stream, http::problem(500, ec::session_lost, "the request was dropped unanswered"));
    return true;
  }
}

/// As in HTTP/1.1: what all incomplete requests of a loop hold has a bound of its own.
void h2_driver::keep_within_budget() {
  auto& loop = connection_.loop();
  count_held();
  if (loop.unfinished_http() > loop.options().max_http_unfinished / loop.options().loops) {
    session_.shed();
    count_held();
  }
}

void h2_driver::count_held() {
  auto held = session_.held();
  connection_.loop().unfinished_http() += held - counted_;
  counted_ = held;
  auto unread = session_.unsent() + session_.tunnels().unsent();
  connection_.loop().unread_http() += unread - unread_;
  unread_ = unread;
}

std::size_t h2_driver::room() const { return connection_.loop().room_for_unread(unread_); }

/// Devices hear more than they ask for, so nothing of theirs can be refused: who lets too much lie
/// is sent away.
void h2_driver::end_slow_devices() {
  if (session_.tunnels().unsent() <= room())
    return;
  for (auto* x : websockets_)
    if (x->is_open() && x->unsent() > room())
      x->device().end_slow_consumer();
}

void h2_driver::pump() {
  while (!over_ && connection_.out().bytes() < max_waiting) {
    auto bytes = std::string{};
    session_.produce(bytes, piece);
    if (bytes.empty())
      break;
    connection_.send(std::make_shared<const std::string>(std::move(bytes)));
  }
  if (tend_tunnels())
    stir();
  count_held();
  end_slow_devices();
  auto& counters = connection_.loop().counters();
  for (; refused_ < session_.refused(); ++refused_)
    counters.bad_requests.add();
  if (!over_ && session_.over())
    connection_.close(nullptr, ec::none);
}

void h2_driver::watch() {
  auto& options = connection_.loop().options();
  auto shortest =
      std::min<std::chrono::milliseconds>(options.http_idle_timeout, options.handshake_timeout);
  connection_.deadline_in(io_loop::ticks(std::min<std::chrono::milliseconds>(look, shortest / 4)));
}

bool h2_driver::is_stuck() {
  auto waiting = connection_.out().bytes();
  auto waits = waiting > 0 || session_.leaving() > 0;
  auto took = session_.sent() != sent_ || waiting < waiting_;
  if (!waits || took)
    progress_ms_ = now_ms();
  sent_ = session_.sent();
  waiting_ = waiting;
  return now_ms() - progress_ms_ >= ms(connection_.loop().options().http_idle_timeout);
}

} // namespace shoal::tls
