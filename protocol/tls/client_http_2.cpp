#include "protocol/tls/client_http_2.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "protocol/tls/client_pool.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

using fate = http::h2_client_session::fate;

/// Encoded ahead of the socket.
constexpr std::size_t chunk = 64 * 1024;

/// In ticks of the loop: for connect and handshake; for a sign of life.
constexpr std::uint64_t opening_time = 40, silence = 20;

} // namespace

client_http_2::client_http_2(
    io_loop& loop, client_pool& pool, const http::response_limits& limits, bool secure)
    : client_connection{loop, pool}, session_{{100, pool.streams_at_first(), limits}, secure},
      begun_{loop.wheel().now()} {}

std::size_t client_http_2::room() const { return is_dead() || asked_ != 0 ? 0 : session_.room(); }

void client_http_2::carry(client_exchange& x) {
  auto stream = session_.ask(x.request_bytes);
  if (stream == 0)
    return pool()->give_back(
        *this, x, {client_error::refused, "the request cannot be written", was_used_});
  x.stream_ = asked_upto_ = stream;
  carried_[stream] = {&x, heard_};
  flush_soon();
}

void client_http_2::cancel(client_exchange& x) {
  auto found = carried_.find(x.stream_);
  if (found == carried_.end())
    return;
  auto silent = heard_ == found->second.heard;
  session_.give_up(x.stream_);
  carried_.erase(found);
  if (silent && is_open() && asked_ == 0) {
    asked_ = std::max<std::uint64_t>(1, loop().wheel().now());
    session_.ping();
  }
  flush_soon();
  if (auto* of = pool()) // else it is ending, and this was not told yet
    of->settle(*this);
}

void client_http_2::on_sweep() {
  auto now = loop().wheel().now();
  if (!is_open() && now - begun_ > opening_time)
    end(client_error::unreachable, "no connection in time");
  else if (asked_ != 0 && now - asked_ > silence)
    end(client_error::broken, "the server has fallen silent");
}

void client_http_2::on_open() {
  for (auto& [stream, x] : carried_)
    begins(*x.whose);
  flush();
}

void client_http_2::on_bytes(std::string_view x) {
  ++heard_;
  asked_ = 0;
  auto good = session_.feed(x);
  if (auto said = session_.streams_of_server(); said && pool())
    pool()->streams_at_first() = std::max(1u, *said);
  tell_all();
  if (is_dead())
    return;
  if (!good)
    return end(client_error::malformed, "the server does not speak HTTP/2");
  make_room();
  flush_soon();
}

void client_http_2::tell_all() {
  while (session_.has_event() && !is_dead())
    tell(session_.take());
}

/// Places of streams that have ended.
void client_http_2::make_room() {
  if (session_.going_away() && carried_.empty())
    return end(client_error::broken, "");
  auto* of = pool();
  of->settle(*this);
  if (!is_dead())
    of->take_next();
}

void client_http_2::tell(http::h2_client_session::event&& x) {
  auto found = carried_.find(x.stream);
  if (found == carried_.end())
    return;
  auto* whose = found->second.whose;
  carried_.erase(found);
  was_used_ = true;
  auto* of = pool();
  switch (x.what) {
  case fate::answered:
    return of->hand_over(*this, *whose, std::move(x.answer));
  case fate::refused:
    if (session_.going_away() || x.early)
      return of->start_elsewhere(*this, *whose);
    return of->give_back(*this, *whose, {client_error::refused, "the server refused the stream"});
  case fate::reset:
    return of->give_back(
        *this, *whose, {client_error::broken, "the stream was reset", true, x.begun});
  case fate::malformed:
    return of->give_back(
        *this, *whose, {client_error::malformed, "the answer is none", true, x.begun});
  }
}

void client_http_2::on_end_of_bytes() {
  end(client_error::broken, "the connection ended before the answer was complete");
}

void client_http_2::on_writable() { flush(); }

/// Once for all that this turn of the loop brings.
void client_http_2::flush_soon() {
  if (!is_open() || std::exchange(flush_posted_, true))
    return;
  boost::asio::post(loop().context(), [this, keep = shared_from_this()] {
    flush_posted_ = false;
    if (is_open())
      flush();
  });
}

void client_http_2::flush() {
  for (;;) {
    if (sent_ == out_.size()) {
      out_.clear();
      sent_ = 0;
      if (!session_.produce(out_, chunk))
        return end(client_error::broken, "the server does not keep to HTTP/2");
      left_upto_ = asked_upto_; // at most: some may wait behind a full chunk
      // An answer that is none ends its stream as the reset leaves.
      if (session_.has_event()) {
        tell_all();
        if (!is_dead())
          make_room();
        if (is_dead())
          return;
      }
      if (out_.empty())
        return;
    }
    auto n = std::size_t{0};
    if (!write(std::string_view{out_}.substr(sent_), n))
      return;
    sent_ += n;
    if (sent_ < out_.size()) // goes on when the socket is writable
      return;
  }
}

client_exchange* client_http_2::take_unsent() {
  auto found = std::ranges::find_if(carried_, [&](auto& x) { return x.first > left_upto_; });
  if (found == carried_.end())
    return nullptr;
  auto* out = found->second.whose;
  carried_.erase(found);
  return out;
}

client_exchange* client_http_2::take_exchange() {
  if (carried_.empty())
    return nullptr;
  auto* out = carried_.begin()->second.whose;
  carried_.erase(carried_.begin());
  return out;
}

client_failure client_http_2::failure_of(client_error why, std::string_view detail) const {
  return {why, detail, was_used_, false};
}

} // namespace shoal::tls
