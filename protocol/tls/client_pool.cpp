#include "protocol/tls/client_pool.hpp"

#include <algorithm>
#include <utility>

#include "protocol/tls/client_connection.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {

void client_exchange::cancel() {
  if (auto* pool = std::exchange(waits_in_, nullptr))
    pool->forget(*this);
  if (auto* carrier = std::exchange(carrier_, nullptr)) {
    auto keep = carrier->shared_from_this();
    auto* pool = carrier->pool_;
    carrier->drop();
    if (pool) {
      pool->on_dead(*carrier);
      pool->take_next();
    }
  }
}

client_pool::client_pool(io_loop& loop, boost::asio::ip::tcp::endpoint where, client_limits limits)
    : loop_{loop}, where_{std::move(where)}, limits_{limits} {}

client_pool::~client_pool() {
  auto failure = client_failure{client_error::overloaded, "the pool has ended"};
  for (auto* x : std::exchange(waiting_, {})) {
    x->waits_in_ = nullptr;
    x->on_failure(failure);
  }
  for (auto& x : std::exchange(all_, {})) {
    auto* whose = x->exchange_;
    x->drop();
    if (!whose)
      continue;
    whose->carrier_ = nullptr;
    whose->on_failure(failure);
  }
}

void client_pool::start(client_exchange& x) {
  if (!idle_.empty()) {
    auto* by = idle_.back();
    idle_.pop_back();
    return carry(*by, x);
  }
  if (all_.size() >= limits_.connections) {
    if (waiting_.size() >= limits_.waiting)
      return x.on_failure({client_error::overloaded, "too many calls wait for this server"});
    x.waits_in_ = this;
    waiting_.push_back(&x);
    return;
  }
  auto made = std::make_shared<client_connection>(loop_, *this, limits_.answer);
  if (!made->connect(where_))
    return x.on_failure({client_error::unreachable, "no connection can be made"});
  made->place = static_cast<std::uint32_t>(all_.size());
  all_.push_back(made);
  carry(*made, x);
}

void client_pool::sweep() {
  auto now = loop_.wheel().now();
  while (!idle_.empty() && idle_.front()->idle_since + limits_.idle_ticks <= now) {
    auto oldest = idle_.front()->shared_from_this();
    oldest->drop();
    on_dead(*oldest);
  }
}

void client_pool::carry(client_connection& by, client_exchange& x) {
  x.carrier_ = &by;
  by.carry(x);
}

void client_pool::on_idle(client_connection& x) {
  x.idle_since = loop_.wheel().now();
  idle_.push_back(&x);
  if (idle_.size() > limits_.idle) {
    auto oldest = idle_.front()->shared_from_this();
    oldest->drop();
    on_dead(*oldest);
  }
}

void client_pool::on_dead(client_connection& x) {
  std::erase(idle_, &x);
  auto i = x.place;
  auto gone = std::move(all_[i]);
  all_[i] = std::move(all_.back());
  all_.pop_back();
  if (i < all_.size())
    all_[i]->place = i;
}

/// Whoever waits gets the connection that became free, or a new one in the place of one that died.
void client_pool::take_next() {
  while (!waiting_.empty() && (!idle_.empty() || all_.size() < limits_.connections)) {
    auto* next = waiting_.front();
    waiting_.pop_front();
    next->waits_in_ = nullptr;
    start(*next);
  }
}

void client_pool::forget(client_exchange& x) { std::erase(waiting_, &x); }

} // namespace shoal::tls
