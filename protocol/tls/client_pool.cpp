#include "protocol/tls/client_pool.hpp"

#include <algorithm>
#include <utility>

#include "protocol/tls/client_http_1.hpp"
#include "protocol/tls/client_http_2.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

constexpr int max_moves = 5;

} // namespace

void client_exchange::cancel() {
  if (auto* pool = std::exchange(waits_in_, nullptr))
    pool->forget(*this);
  if (auto* carrier = std::exchange(carrier_, nullptr)) {
    auto keep = carrier->shared_from_this();
    auto* pool = carrier->pool();
    carrier->cancel(*this);
    if (pool)
      pool->take_next();
  }
}

client_pool::client_pool(io_loop& loop, boost::asio::ip::tcp::endpoint where, client_limits limits,
    client_security security)
    : loop_{loop}, where_{std::move(where)}, limits_{limits}, security_{std::move(security)} {}

client_pool::~client_pool() {
  auto failure = client_failure{client_error::overloaded, "the pool has ended"};
  for (auto* x : std::exchange(waiting_, {})) {
    x->waits_in_ = nullptr;
    x->on_failure(failure);
  }
  for (auto& x : std::exchange(all_, {})) {
    x->drop();
    while (auto* whose = x->take_exchange()) {
      whose->carrier_ = nullptr;
      whose->on_failure(failure);
    }
  }
}

void client_pool::start(client_exchange& x) {
  x.moves_ = 0;
  place(x);
}

void client_pool::place(client_exchange& x) {
  if (!free_.empty())
    return carry(*free_.back(), x);
  if (all_.size() >= limits_.connections) {
    if (waiting_.size() >= limits_.waiting)
      return x.on_failure({client_error::overloaded, "too many calls wait for this server"});
    x.waits_in_ = this;
    waiting_.push_back(&x);
    return;
  }
  auto made = std::shared_ptr<client_connection>{};
  if (security_.speaks == application::http_2)
    made =
        std::make_shared<client_http_2>(loop_, *this, limits_.answer, security_.context != nullptr);
  else
    made = std::make_shared<client_http_1>(loop_, *this, limits_.answer);
  if (!made->connect(where_))
    return x.on_failure({client_error::unreachable, "no connection can be made"});
  made->place = static_cast<std::uint32_t>(all_.size());
  all_.push_back(made);
  made->is_free = true;
  free_.push_back(made.get());
  carry(*made, x);
}

void client_pool::sweep() {
  auto now = loop_.wheel().now();
  // Connections end meanwhile, and so may what they carried.
  for (auto i = all_.size(); i-- > 0;) {
    if (i >= all_.size())
      continue;
    auto x = all_[i];
    if (x->load() == 0 && x->idle_since + limits_.idle_ticks <= now)
      close(*x);
    else
      x->on_sweep();
  }
}

std::size_t client_pool::busy() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(all_, [](auto& x) { return x->load() != 0; }));
}

void client_pool::carry(client_connection& by, client_exchange& x) {
  x.carrier_ = &by;
  x.on_carried();
  if (by.is_open())
    x.on_sending();
  if (by.room() <= 1)
    take_off(by);
  by.carry(x); // the connection may be gone afterwards
}

/// Gives an exchange its answer, when the connection is ready for the next one or dead.
void client_pool::hand_over(client_connection& by, client_exchange& whose, http::reply&& x) {
  whose.carrier_ = nullptr;
  settle(by);
  whose.on_reply(std::move(x));
  take_next();
}

void client_pool::give_back(
    client_connection& by, client_exchange& whose, const client_failure& x) {
  whose.carrier_ = nullptr;
  settle(by);
  whose.on_failure(x);
  take_next();
}

/// A connection that is going away, or got too many at its start, has not begun this one. Servers
/// say goodbye after so many requests, so many calls at once may meet several; but whoever answers
/// every request with a goodbye is not followed for ever.
void client_pool::start_elsewhere(client_connection& by, client_exchange& whose) {
  if (++whose.moves_ > max_moves)
    return give_back(by, whose, {client_error::refused, "the server takes no requests"});
  whose.carrier_ = nullptr;
  settle(by);
  place(whose);
}

/// After an exchange has left the connection.
void client_pool::settle(client_connection& x) {
  if (x.room() == 0)
    return take_off(x);
  if (!std::exchange(x.is_free, true))
    free_.push_back(&x);
  if (x.load() != 0)
    return;
  x.idle_since = loop_.wheel().now();
  auto idle = [](auto* y) { return y->load() == 0; };
  if (free_.size() > limits_.idle &&
      static_cast<std::size_t>(std::ranges::count_if(free_, idle)) > limits_.idle)
    close(**std::ranges::find_if(free_, idle));
}

void client_pool::take_off(client_connection& x) {
  if (!std::exchange(x.is_free, false))
    return;
  if (free_.back() == &x)
    free_.pop_back();
  else
    std::erase(free_, &x);
}

void client_pool::close(client_connection& x) {
  auto keep = x.shared_from_this();
  x.drop();
  on_dead(x);
}

void client_pool::on_dead(client_connection& x) {
  take_off(x);
  auto i = x.place;
  auto gone = std::move(all_[i]);
  all_[i] = std::move(all_.back());
  all_.pop_back();
  if (i < all_.size())
    all_[i]->place = i;
}

/// Whoever waits gets the room that became free, or a new connection in the place of one that died.
void client_pool::take_next() {
  while (!waiting_.empty() && (!free_.empty() || all_.size() < limits_.connections)) {
    auto* next = waiting_.front();
    waiting_.pop_front();
    next->waits_in_ = nullptr;
    place(*next);
  }
}

void client_pool::forget(client_exchange& x) { std::erase(waiting_, &x); }

} // namespace shoal::tls
