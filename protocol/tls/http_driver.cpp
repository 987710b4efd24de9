#include "protocol/tls/http_driver.hpp"

#include <exception>
#include <utility>

#include "protocol/http/problem.hpp"
#include "protocol/http/writer.hpp"
#include "protocol/tls/connection.hpp"
#include "protocol/tls/endpoint.hpp"
#include "protocol/tls/io_loop.hpp"
#include "protocol/tls/websocket_driver.hpp"

namespace shoal::tls {
namespace {

shared_bytes share(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

http::parser_limits limits_of(const endpoint_options& options) {
  return {options.max_http_header, options.max_http_body};
}

} // namespace

http_driver::http_driver(connection& x) : connection_{x}, parser_{limits_of(x.loop().options())} {
  connection_.loop().counters().http_connections.add();
}

http_driver::~http_driver() {
  connection_.loop().unfinished_http() -= counted_;
  count_unread(0);
  connection_.loop().counters().http_connections.subtract();
}

void http_driver::on_start() {
  peer_ = connection_.peer();
  connection_.deadline_in(io_loop::ticks(connection_.loop().options().http_idle_timeout));
}

void http_driver::on_bytes(std::string_view bytes) {
  parser_.feed(bytes);
  read_requests();
}

void http_driver::on_flushed() {
  if (state_ != state::writing)
    return;
  count_unread(0);
  state_ = state::reading;
  stage_ = http::parser::stage::idle;
  connection_.deadline_in(io_loop::ticks(connection_.loop().options().http_idle_timeout));
  read_requests();
  if (connection_.speaker()->wants_bytes()) // which may be another driver by now
    connection_.resume();
}

void http_driver::on_deadline() {
  switch (state_) {
  case state::reading:
    if (stage_ == http::parser::stage::idle)
      return connection_.close(nullptr, ec::none);
    return refuse(http::problem(408, ec::handshake_timeout, "the request did not arrive in time"));
  case state::handling:
    return refuse(http::problem(504, ec::outcome_unknown, "no answer in time"));
  case state::writing:
    if (connection_.out().bytes() >= std::exchange(unsent_, connection_.out().bytes()))
      return connection_.abandon(ec::slow_consumer);
    return connection_.deadline_in(io_loop::ticks(connection_.loop().options().http_idle_timeout));
  case state::over:
    return;
  }
}

void http_driver::on_end(ec) {
  state_ = state::over;
  give_up();
}

void http_driver::on_peer_gone() {
  if (state_ == state::handling)
    give_up();
}

void http_driver::when_given_up(std::uint32_t number, std::function<void()> then) {
  if (state_ != state::handling || number != number_)
    return then();
  given_up_.push_back(std::move(then));
}

/// What it calls may give the answer.
void http_driver::give_up() {
  for (auto& then : std::exchange(given_up_, {}))
    then();
}

void http_driver::answer(std::uint32_t number, const http::response& x) {
  if (state_ != state::handling || number != number_)
    return;
  auto stay = parser_.keep_alive() && !asks_to_close(x) && !connection_.loop().draining();
  auto then = stay ? http::after::keep_alive : http::after::close;
  state_ = state::writing;
  given_up_.clear();
  auto bytes = share(http::to_bytes(x, {then, head_, parser_.is_http_1_0()}));
  if (bytes->size() > connection_.loop().room_for_unread(0))
    return refuse(http::problem(503, ec::overloaded, "too many answers wait to be read"));
  unsent_ = bytes->size();
  count_unread(unsent_);
  if (!stay)
    return connection_.close(std::move(bytes), ec::none);
  connection_.deadline_in(io_loop::ticks(connection_.loop().options().http_idle_timeout));
  connection_.send(std::move(bytes));
}

void http_driver::drain() {
  if (state_ == state::reading && stage_ == http::parser::stage::idle)
    connection_.close(nullptr, ec::going_away);
}

void http_driver::read_requests() {
  if (state_ != state::reading)
    return;
  switch (parser_.next()) {
  case http::parser::outcome::need_more:
    if (!within_budget())
      return refuse(http::problem(503, ec::overloaded, "too many requests are under way"));
    if (parser_.take_continue())
      connection_.send(share("HTTP/1.1 100 Continue\r\n\r\n"));
    return watch();
  case http::parser::outcome::failed: {
    connection_.loop().counters().bad_requests.add();
    auto& why = parser_.error();
    return refuse(http::problem(why.status, why.code, why.detail));
  }
  case http::parser::outcome::have_request:
    within_budget();
    return hand_out(parser_.take());
  }
}

void http_driver::hand_out(http::request x) {
  auto& loop = connection_.loop();
  loop.counters().http_requests.add();
  if (x.path == websocket_path && loop.handlers().on_device)
    return begin_websocket(x);
  state_ = state::handling;
  head_ = x.method == "HEAD";
  x.peer = peer_;
  connection_.deadline_in(io_loop::ticks(loop.options().http_idle_timeout * 2));
  ++number_;
  if (served_here(x))
    return;
  // The responder keeps the loop's queue alive, so it may outlive connection and endpoint.
  auto send = [loop = loop.shared_from_this(), to = connection_.self(), number = number_](
                  http::response answer) {
    loop->push(answer_request{to, number, std::make_unique<http::response>(std::move(answer))});
  };
  try {
    if (loop.handlers().on_request)
      loop.handlers().on_request(std::move(x), http::responder{std::move(send)});
    else
      answer(number_, http::problem(404, ec::not_found));
  } catch (const std::exception&) {
    // The responder was dropped on the way here and has answered 500.
  }
}

void http_driver::begin_websocket(const http::request& x) {
  auto accepted = http::websocket_upgrade{};
  auto no = parser_.is_http_1_0()
                ? http::refusal{505, ec::unsupported_version, "HTTP/1.1 is needed"}
                : device_upgrade(x, connection_.loop().options(), accepted);
  if (no.status != 0) {
    connection_.loop().counters().bad_requests.add();
    return refuse(upgrade_problem(no));
  }
  state_ = state::over;
  connection_.send(share(std::move(accepted.bytes)));
  connection_.become(std::make_unique<websocket_driver>(connection_), parser_.take_rest());
}

/// The loop's own service took it.
bool http_driver::served_here(http::request& x) {
  auto* service = connection_.loop().service();
  if (!service)
    return false;
  try {
    return service->serve(
        x, local_responder{connection_.loop(), connection_.self(), number_, application::http_1});
  } catch (const std::exception&) {
    answer(number_, http::problem(500, ec::session_lost, "the request was dropped unanswered"));
    return true;
  }
}

/// Ends the connection with an answer that no handler gave.
void http_driver::refuse(const http::response& x) {
  connection_.close(share(http::to_bytes(x, {http::after::close, false, false})), ec::none);
}

/// Requests are authenticated when they are complete, so what all the incomplete ones hold needs a
/// bound of its own.
bool http_driver::within_budget() {
  auto& loop = connection_.loop();
  auto held = parser_.held();
  loop.unfinished_http() += held - counted_;
  counted_ = held;
  return loop.unfinished_http() <= loop.options().max_http_unfinished / loop.options().loops;
}

/// An answer counts as a whole until all of it has left.
void http_driver::count_unread(std::size_t now) {
  connection_.loop().unread_http() += now - unread_;
  unread_ = now;
}

/// The time for a head or a body starts with its first byte and is not extended by a trickle of
/// more.
void http_driver::watch() {
  auto stage = parser_.at();
  if (stage == stage_)
    return;
  stage_ = stage;
  auto& options = connection_.loop().options();
  connection_.deadline_in(io_loop::ticks(
      stage == http::parser::stage::head ? options.handshake_timeout : options.http_idle_timeout));
}

} // namespace shoal::tls
