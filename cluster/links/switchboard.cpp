#include "cluster/links/switchboard.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <signal.h>

namespace shoal::cluster::links {
namespace {

using boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::size_t max_strangers = 256;
constexpr unsigned max_doublings = 3;
constexpr auto accept_pause = 100ms; ///< when the process has no file descriptor left

connection_times times_of(const link_options& x) {
  return {x.heartbeat, x.dead_after, std::clamp<std::chrono::milliseconds>(x.dead_after, 1s, 5s)};
}

connection::duration tick_of(const link_options& x) {
  return std::clamp<std::chrono::milliseconds>(
      std::min(x.heartbeat / 2, x.dead_after / 16), 2ms, 50ms);
}

/// A socket error on a write must not end the process.
void block_sigpipe() {
  auto signals = sigset_t{};
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void check_options(const link_options& x) {
  auto check = [](bool ok, const char* sentence) {
    if (!ok)
      throw std::runtime_error{sentence};
  };
  check(!x.cluster.empty() && x.cluster.size() < 256, "a cluster's name has 1 to 255 bytes");
  check(!x.self.empty() && x.self.size() < 256, "a node's name has 1 to 255 bytes");
  check(x.version_min <= x.version_max, "the range of versions is empty");
  check(x.heartbeat > 0ms && x.dead_after > x.heartbeat && x.redial > 0ms,
      "dead_after must be longer than heartbeat, and all times longer than nothing");
  check(x.window_bytes > frame_overhead, "the window of a link is too small");
}

} // namespace

switchboard::switchboard(link_options options, link_handlers handlers)
    : options_{(check_options(options), std::move(options))}, handlers_{std::move(handlers)},
      times_{times_of(options_)}, tick_{tick_of(options_)}, identity_{options_},
      acceptor_{context_}, ticker_{context_}, accept_pause_{context_},
      last_tick_{std::chrono::steady_clock::now()}, random_{std::random_device{}()} {
  listen();
  accept();
  await_tick();
  thread_ = std::thread{[this] {
    block_sigpipe();
    context_.run();
  }};
}

switchboard::~switchboard() { stop(); }

void switchboard::stop() {
  auto lock = std::lock_guard{stop_mutex_};
  if (!thread_.joinable())
    return;
  boost::asio::post(context_, [this] {
    stopping_ = true;
    auto ignored = error_code{};
    acceptor_.close(ignored);
    replace_peers({});
    for (auto& x : std::exchange(strangers_, {}))
      x->close("this node stops");
    context_.stop();
  });
  thread_.join();
}

// -- accepting ------------------------------------------------------------------------------------

void switchboard::listen() {
  auto where = options_.listen_host + ":" + std::to_string(options_.listen_port);
  auto error = error_code{};
  auto address = boost::asio::ip::make_address(options_.listen_host, error);
  auto here = tcp::endpoint{address, options_.listen_port};
  if (!error)
    acceptor_.open(here.protocol(), error);
  if (!error)
    acceptor_.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error)
    acceptor_.bind(here, error);
  if (!error)
    acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error)
    throw std::runtime_error{"cannot listen for other nodes on " + where + ": " + error.message()};
  port_ = acceptor_.local_endpoint().port();
}

void switchboard::accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (stopping_)
      return;
    if (error)
      return accept_later();
    take_socket(std::move(socket));
    accept();
  });
}

void switchboard::accept_later() {
  accept_pause_.expires_after(accept_pause);
  accept_pause_.async_wait([this](error_code error) {
    if (!error && !stopping_)
      accept();
  });
}

/// Whoever fills the table with silent connections pushes out his own first.
void switchboard::take_socket(tcp::socket socket) {
  if (strangers_.size() >= max_strangers) {
    auto oldest = strangers_.front();
    oldest->close("too many connections that introduce nobody");
  }
  auto x = std::make_shared<connection>(*this, context_, times_, std::string{});
  strangers_.push_back(x);
  x->accept(std::move(socket), identity_.for_accepting());
}

// -- dialing --------------------------------------------------------------------------------------

void switchboard::dial(peer& x) {
  auto attempt = std::make_shared<connection>(*this, context_, times_, x.address.name);
  x.dialing = attempt;
  attempt->dial(x.address.host, x.address.port);
}

tls::ssl_ptr switchboard::make_dialing_session(const connection& x) {
  return identity_.for_dialing(x.dialed());
}

hello switchboard::make_hello(const connection& x) {
  auto out = hello{};
  out.cluster = options_.cluster;
  out.node = options_.self;
  out.incarnation = options_.incarnation;
  out.version_min = options_.version_min;
  out.version_max = options_.version_max;
  out.window = options_.window_bytes;
  if (auto to = x.node ? x.node : find(x.dialed())) {
    out.last_link = to->last_link;
    out.linked = to->up;
  }
  return out;
}

/// A link that lasted is tried again almost at once: its peer probably lives.
void switchboard::plan_redial(peer& x) {
  auto lasted = std::exchange(x.up_for, duration{}) > 2 * options_.redial;
  if (lasted)
    x.failures = 0;
  auto doublings = std::min(x.failures++, max_doublings);
  auto longest = lasted ? options_.redial / 4 : options_.redial * (1 << doublings);
  auto spread = std::uniform_real_distribution{0.5, 1.0};
  x.redial_in = std::chrono::duration_cast<duration>(longest * spread(random_));
}

// -- time -----------------------------------------------------------------------------------------

void switchboard::await_tick() {
  ticker_.expires_after(tick_);
  ticker_.async_wait([this](error_code error) {
    if (error || stopping_)
      return;
    tick();
    await_tick();
  });
}

void switchboard::tick() {
  auto now = std::chrono::steady_clock::now();
  auto awake = std::min<duration>(now - std::exchange(last_tick_, now), 4 * tick_);
  for (auto& x : std::vector{strangers_})
    x->tick(awake);
  for (auto& x : peers()) {
    if (x->up)
      x->up_for += awake;
    if (auto link = x->current)
      link->tick(awake);
    if (auto attempt = x->dialing)
      attempt->tick(awake);
    x->redial_in -= std::min(x->redial_in, awake);
    if (!x->current && !x->dialing && x->redial_in == duration{})
      dial(*x);
  }
}

// -- peers ----------------------------------------------------------------------------------------

peer_ptr switchboard::find(const std::string& name) const {
  auto lock = std::shared_lock{table_mutex_};
  auto found = table_.find(name);
  return found == table_.end() ? nullptr : found->second;
}

std::vector<peer_ptr> switchboard::peers() const {
  auto lock = std::shared_lock{table_mutex_};
  auto out = std::vector<peer_ptr>{};
  for (auto& [name, x] : table_)
    out.push_back(x);
  return out;
}

void switchboard::set_peers(std::vector<peer_address> peers) {
  boost::asio::post(context_, [this, peers = std::move(peers)]() mutable {
    if (!stopping_)
      replace_peers(std::move(peers));
  });
}

void switchboard::replace_peers(std::vector<peer_address> peers) {
  auto next = decltype(table_){};
  for (auto& address : peers) {
    if (address.name == options_.self)
      continue;
    auto x = find(address.name);
    if (x && x->address != address) {
      x->address = address;
      if (auto attempt = std::exchange(x->dialing, nullptr))
        attempt->close("its address changed");
      x->redial_in = {};
    }
    next.emplace(address.name, x ? x : std::make_shared<peer>(address));
  }
  {
    auto lock = std::unique_lock{table_mutex_};
    table_.swap(next);
  }
  for (auto& [name, x] : next)
    if (!find(name))
      forget(*x, stopping_ ? "this node stops" : "the node is not in the cluster any more");
}

void switchboard::forget(peer& x, const std::string& why) {
  for (auto& stranger : std::vector{strangers_})
    if (stranger->node.get() == &x)
      stranger->close(why);
  if (auto attempt = std::exchange(x.dialing, nullptr))
    attempt->close(why);
  lower(x, why);
}

bool switchboard::send(const std::string& to, traffic kind, std::string body) {
  auto x = find(to);
  if (!x)
    return false;
  auto size = body.size();
  auto result = x->box.push(kind, std::move(body));
  if (result == outbox::push_result::refused) {
    ++x->count.refused;
    return false;
  }
  ++x->count.sent;
  x->count.sent_bytes += size;
  if (result == outbox::push_result::queued_first)
    boost::asio::post(context_, [x] {
      if (auto link = x->current)
        link->flush();
    });
  return true;
}

std::vector<link_status> switchboard::status() const {
  auto out = std::vector<link_status>{};
  for (auto& x : peers()) {
    auto y = link_status{};
    {
      auto lock = std::lock_guard{x->mutex};
      y.peer = x->info;
      y.up = x->up;
      y.refused_us = x->refused_us;
      y.reconnects = x->ups > 0 ? x->ups - 1 : 0;
      y.last_error = x->dial_error.empty() ? x->down_reason : x->dial_error;
    }
    y.round_trip_us = x->count.round_trip_us;
    y.sent = x->count.sent;
    y.received = x->count.received;
    y.refused = x->count.refused;
    y.sent_bytes = x->count.sent_bytes;
    y.received_bytes = x->count.received_bytes;
    y.in_flight_bytes = x->box.in_flight();
    out.push_back(std::move(y));
  }
  std::sort(out.begin(), out.end(),
      [](const link_status& a, const link_status& b) { return a.peer.name < b.peer.name; });
  return out;
}

} // namespace shoal::cluster::links

namespace shoal::cluster {

std::unique_ptr<node_links> make_node_links(link_options options, link_handlers handlers) {
  return std::make_unique<links::switchboard>(std::move(options), std::move(handlers));
}

} // namespace shoal::cluster
