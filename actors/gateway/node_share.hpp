// What the workers of all I/O loops of a node share. Made by the node before its endpoint, outlives
// the loops. Everything here is safe to use from any thread; on the way of a call only the limiter
// and, where an app wants nonces, their cache take a lock, each for a moment.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/clock.hpp"
#include "actors/gateway/etcd_directory.hpp"
#include "actors/gateway/figures.hpp"
#include "actors/gateway/limiter.hpp"
#include "actors/gateway/registry.hpp"
#include "actors/gateway/slow_calls.hpp"
#include "protocol/nonce_cache.hpp"

namespace shoal::gateway {

class local_backends; // local_backends.hpp
std::shared_ptr<local_backends> make_local_backends();

/// Used nonces by app, made when an app first needs them and again when its window changes.
class nonce_caches {
public:
  explicit nonce_caches(std::int64_t start_ms) : start_ms_{start_ms} {}

  std::shared_ptr<nonce_cache> of(app_no app, std::int64_t window_ms) {
    auto guard = std::lock_guard{mutex_};
    auto& x = by_app_[app];
    if (!x.second || x.first != window_ms)
      x = {window_ms, std::make_shared<nonce_cache>(start_ms_, window_ms, capacity)};
    return x.second;
  }

private:
  static constexpr std::size_t capacity = 1'000'000; // of one app

  std::int64_t start_ms_;
  std::mutex mutex_;
  std::map<app_no, std::pair<std::int64_t, std::shared_ptr<nonce_cache>>> by_app_;
};

struct node_share {
  explicit node_share(
      const registry_cell& cell, clock_fn wall = wall_clock_ms, clock_fn steady = shoal::steady_ms)
      : definitions{&cell}, now_ms{std::move(wall)}, steady_ms{std::move(steady)}, nonces{
                                                                                       now_ms()} {}

  const registry_cell* definitions;
  clock_fn now_ms;    ///< wall clock: timestamps of signatures, digest lines
  clock_fn steady_ms; ///< breakers, caches, health of backends
  limiter limits;
  nonce_caches nonces;
  figures counts; ///< of all loops
  slow_call_gate slow_calls;
  /// Actors that are backends; to be cleared before the actor system ends.
  const std::shared_ptr<local_backends> locals = make_local_backends();
  etcd_directory etcd;
  /// Takes digest lines, whole ones with their line ends; called every quarter of a second by each
  /// loop. Null: none are made.
  std::function<void(std::string&&)> digest;
};
using node_share_ptr = std::shared_ptr<node_share>;

} // namespace shoal::gateway
