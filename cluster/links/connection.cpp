#include "cluster/links/connection.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <netinet/tcp.h>

#include "cluster/links/identity.hpp"

namespace shoal::cluster::links {
namespace {

using boost::system::error_code;

constexpr std::size_t read_size = 64 * 1024;
constexpr std::size_t chunk_size = 64 * 1024;
constexpr std::size_t bytes_per_turn = 1024 * 1024; ///< then others have their turn

// More in the kernel would make control frames wait for bulk.
constexpr int unsent_in_kernel = 128 * 1024;
constexpr int unread_in_kernel = 1024 * 1024;

std::uint64_t clock_us() {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

void remember_alert(const SSL* ssl, int where, int code) {
  if (where & SSL_CB_READ && where & SSL_CB_ALERT)
    *static_cast<const char**>(SSL_get_app_data(ssl)) = SSL_alert_desc_string_long(code);
}

} // namespace

connection::connection(connection_owner& owner, boost::asio::io_context& context,
    connection_times times, std::string dialed)
    : owner_{owner}, socket_{context}, resolver_{context}, times_{times}, dialed_{
                                                                              std::move(dialed)} {}

connection::~connection() = default;

// -- becoming a connection ------------------------------------------------------------------------

void connection::dial(const std::string& host, std::uint16_t port) {
  resolver_.async_resolve(host, std::to_string(port), tcp::resolver::numeric_service,
      [self = shared_from_this()](error_code error, const tcp::resolver::results_type& found) {
        if (!self->is_open())
          return;
        if (error)
          self->drop("cannot resolve its host: " + error.message());
        else
          self->connect(found);
      });
}

void connection::connect(const tcp::resolver::results_type& where) {
  boost::asio::async_connect(
      socket_, where, [self = shared_from_this()](error_code error, const tcp::endpoint&) {
        if (!self->is_open())
          return;
        self->refused_ = error == boost::asio::error::connection_refused;
        if (error)
          self->drop("cannot connect: " + error.message());
        else
          self->start_tls(self->owner_.make_dialing_session(*self));
      });
}

void connection::accept(tcp::socket socket, tls::ssl_ptr ssl) {
  socket_ = std::move(socket);
  start_tls(std::move(ssl));
}

void connection::start_tls(tls::ssl_ptr ssl) {
  auto error = error_code{};
  socket_.non_blocking(true, error);
  socket_.set_option(tcp::no_delay{true}, error);
  auto fd = socket_.native_handle();
  ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_in_kernel, sizeof unsent_in_kernel);
  ::setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &unread_in_kernel, sizeof unread_in_kernel);
  if (!ssl)
    return drop("cannot set up TLS");
  ssl_ = ssl.get();
  SSL_set_app_data(ssl_, &alert_);
  SSL_set_info_callback(ssl_, remember_alert);
  transport_.emplace(fd);
  transport_->secure_with(std::move(ssl));
  if (!dialed_.empty())
    SSL_set_connect_state(ssl_);
  state_ = state::shaking;
  shake();
}

void connection::shake() {
  switch (transport_->handshake()) {
  case tls::io_status::done:
    return introduce();
  case tls::io_status::want_read:
    return wait_readable();
  case tls::io_status::want_write:
    return wait_writable();
  default:
    return drop(broken());
  }
}

void connection::introduce() {
  if (!speaks_node_protocol(ssl_))
    return drop("it does not speak shoal-node/1");
  state_ = state::introducing;
  if (!dialed_.empty())
    send_hello(owner_.make_hello(*this));
  if (is_open())
    read();
}

std::string connection::broken() const {
  auto in_handshake = state_ == state::shaking;
  if (alert_)
    return "it refuses this node's certificate or TLS: " + std::string{alert_};
  if (auto error = verification_error(ssl_); !error.empty())
    return "its certificate does not pass: " + error;
  return in_handshake ? "the TLS handshake failed" : "the connection broke";
}

// -- reading --------------------------------------------------------------------------------------

void connection::wait_readable() {
  if (std::exchange(reading_, true))
    return;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code) {
    self->reading_ = false;
    if (!self->is_open())
      return;
    if (self->state_ == state::shaking)
      self->shake();
    else
      self->read();
  });
}

void connection::read() {
  static thread_local auto scratch = std::array<char, read_size>{};
  for (auto budget = bytes_per_turn; budget > 0;) {
    auto got = std::size_t{0};
    switch (transport_->read(scratch, got)) {
    case tls::io_status::done:
      silent_ = {};
      reader_.feed({scratch.data(), got});
      if (!take_records())
        return;
      budget -= std::min(budget, got);
      break;
    case tls::io_status::want_read:
      flush();
      if (is_open())
        wait_readable();
      return;
    case tls::io_status::want_write:
      return wait_writable();
    case tls::io_status::ended:
      return drop("it closed the connection");
    case tls::io_status::failed:
      return drop(broken());
    }
  }
  flush();
  boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->is_open() && !self->reading_)
      self->read();
  });
}

bool connection::take_records() {
  auto next = record{};
  for (;;) {
    switch (reader_.next(next)) {
    case record_reader::result::more:
      return true;
    case record_reader::result::too_long:
      close("a record is too long");
      return false;
    case record_reader::result::record:
      if (!take_record(next)) {
        if (is_open())
          close("a record makes no sense here");
        return false;
      }
    }
  }
}

bool connection::take_record(const record& x) {
  if (x.tag < static_cast<std::uint8_t>(tag::hello))
    return state_ == state::up && take_part(x) && is_open();
  auto number = decode_number(x.body);
  switch (static_cast<tag>(x.tag)) {
  case tag::hello:
    return take_hello(x.body) && is_open();
  case tag::welcome:
    if (!number || !said_ || state_ != state::introducing)
      return false;
    owner_.on_welcome(*this, *number);
    return is_open();
  case tag::ready:
    if (!said_ || state_ != state::introducing)
      return false;
    owner_.on_ready(*this);
    return is_open();
  case tag::bye:
    drop("it says: " + readable(x.body));
    return false;
  case tag::ping:
    pong_due_ = number;
    return number.has_value();
  case tag::pong:
    unanswered_.reset();
    if (number && state_ == state::up)
      node->count.round_trip_us = static_cast<std::int64_t>(clock_us() - *number);
    return number.has_value();
  case tag::taken: {
    auto note = decode_taken(x.body);
    return state_ == state::up && note && node->box.taken(note->kind, note->total);
  }
  default:
    return true; // of a newer node: it cannot be important before both know it
  }
}

bool connection::take_hello(std::string_view body) {
  if (said_ || state_ != state::introducing)
    return false;
  said_ = decode_hello(body);
  if (!said_)
    return false;
  owner_.on_hello(*this);
  return true;
}

bool connection::take_part(const record& x) {
  constexpr auto last = static_cast<std::uint8_t>(tag::last);
  auto kind = static_cast<std::size_t>(x.tag & 0x0f);
  if (kind >= traffic_kinds)
    return false;
  auto& frame = partial_[kind];
  if (frame_cost(frame.size() + x.body.size()) > window_)
    return false;
  frame.append(x.body);
  if (x.tag < last)
    return true;
  taken_[kind] += frame_cost(frame.size());
  owner_.on_frame(*this, static_cast<traffic>(kind), std::exchange(frame, {}));
  return true;
}

// -- writing --------------------------------------------------------------------------------------

void connection::wait_writable() {
  if (std::exchange(writing_, true))
    return;
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code) {
    self->writing_ = false;
    if (!self->is_open())
      return;
    if (self->state_ == state::shaking)
      return self->shake();
    self->flush();
    if (self->is_open() && !self->reading_)
      self->read(); // a read that had to write first
  });
}

void connection::send_hello(const hello& x) {
  append_record(introduction_, tag::hello, encode(x));
  flush();
}

void connection::send_welcome(std::uint64_t link) {
  append_number(introduction_, tag::welcome, link);
  flush();
}

void connection::send_ready() {
  append_record(introduction_, tag::ready, {});
  flush();
}

void connection::raise(std::size_t window) {
  window_ = window;
  state_ = state::up;
  ping_due_ = true;
}

bool connection::refill() {
  chunk_.clear();
  chunk_at_ = 0;
  chunk_ += std::exchange(introduction_, {});
  if (state_ != state::up)
    return !chunk_.empty();
  if (pong_due_)
    append_number(chunk_, tag::pong, *std::exchange(pong_due_, std::nullopt));
  if (std::exchange(ping_due_, false)) {
    append_number(chunk_, tag::ping, clock_us());
    unanswered_ = unanswered_.value_or(duration{});
  }
  auto frames = node->box.fill(chunk_, chunk_size);
  for (auto i = std::size_t{0}; i < traffic_kinds; ++i) {
    auto news = taken_[i] - told_[i];
    // What leaves anyway carries even small news; big news leaves by itself, the rest with a
    // tick.
    if (news > 0 && (frames || news >= window_ / 8 || acks_due_)) {
      append_taken(chunk_, static_cast<traffic>(i), taken_[i]);
      told_[i] = taken_[i];
    }
  }
  acks_due_ = false;
  return !chunk_.empty();
}

void connection::flush() {
  if (writing_ || state_ == state::connecting || state_ == state::shaking || !is_open())
    return;
  for (auto budget = bytes_per_turn; budget > 0;) {
    if (chunk_at_ == chunk_.size() && !refill())
      return;
    auto sent = std::size_t{0};
    switch (transport_->write(std::string_view{chunk_}.substr(chunk_at_), sent)) {
    case tls::io_status::done:
      chunk_at_ += sent;
      budget -= std::min(budget, sent);
      break;
    case tls::io_status::want_write:
    case tls::io_status::want_read:
      return wait_writable();
    default:
      return drop(broken());
    }
  }
  if (std::exchange(flush_posted_, true))
    return;
  boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

// -- time and end ---------------------------------------------------------------------------------

void connection::tick(duration awake) {
  if (state_ != state::up) {
    age_ += awake;
    if (age_ > times_.introduction && is_open())
      close("no link came of it in time");
    return;
  }
  silent_ += awake;
  since_ping_ += awake;
  if (unanswered_)
    *unanswered_ += awake;
  if (silent_ > times_.dead_after)
    return close("it says nothing for " + std::to_string(times_.dead_after.count()) + " ms");
  // It talks, but what we send does not reach it.
  if (unanswered_ && *unanswered_ > 2 * times_.dead_after)
    return close("it does not answer heartbeats");
  if (since_ping_ >= times_.heartbeat) {
    ping_due_ = true;
    since_ping_ = {};
  }
  acks_due_ = true;
  flush();
}

void connection::close(const std::string& why) {
  if (!is_open())
    return;
  auto speakable = state_ == state::introducing || state_ == state::up;
  if (speakable && chunk_at_ == chunk_.size()) {
    auto words = std::exchange(introduction_, {});
    append_record(words, tag::bye, readable(why));
    auto sent = std::size_t{0};
    transport_->write(words, sent);
    transport_->end();
  }
  drop(why);
}

void connection::drop(const std::string& why) {
  if (state_ == state::closed)
    return;
  state_ = state::closed;
  auto ignored = error_code{};
  resolver_.cancel();
  socket_.close(ignored);
  owner_.on_closed(*this, why);
  node.reset();
}

} // namespace shoal::cluster::links
