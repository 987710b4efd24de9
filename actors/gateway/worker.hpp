// Carries calls out, on one I/O loop: from the call to its answer, backends included, without
// another thread. README.md has the order of the steps.
//
// One per loop, made and used on the loop's thread. What all loops must agree on (definitions,
// limits, nonces) is in the node_share; what each may know for itself (connections, health, caches,
// breakers) is here, so that a call takes no lock for it.
//
// Bounded: `max_calls` under way; more get 1002. Every call ends: its backend has a deadline.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/gateway/authorizer.hpp"
#include "actors/gateway/backends.hpp"
#include "actors/gateway/breaker.hpp"
#include "actors/gateway/call.hpp"
#include "actors/gateway/digest.hpp"
#include "actors/gateway/node_share.hpp"
#include "actors/gateway/registry.hpp"
#include "actors/gateway/response_cache.hpp"

namespace shoal::tls {
class io_loop;
}

namespace shoal::gateway {

class flow;

/// Finds a flow that may be gone.
struct flow_handle {
  std::shared_ptr<flow*> where;
  flow* get() const { return where ? *where : nullptr; }
};

class worker {
public:
  static constexpr std::size_t max_calls = 50'000;

  worker(tls::io_loop& loop, node_share_ptr share);
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// Carries out a call by operation. `done` is called once, unless the loop ends first. What comes
  /// back finds a call from inside as long as it is under way.
  flow_handle begin(call&& x, on_answer done);

  /// The same for a call whose API is known: by method and path, or from inside.
  flow_handle begin(call&& x, registry::found target, on_answer done);

  /// The definitions of this moment; valid until the next call of this.
  const registry& definitions() { return reader_.now(); }

  /// Every quarter of a second.
  void on_tick();

  std::size_t under_way() const { return flows_.size(); }

private:
  friend class flow;

  backend_group& group_of(const world& in, const group_ptr& of);
  breaker& breaker_of(const world& in, const api_definition& api);
  void over(flow& x);
  std::int64_t now_ms() const { return share_->now_ms(); }
  std::int64_t steady_ms() const { return share_->steady_ms(); }
  void hand_over();
  std::uint64_t random();

  tls::io_loop& loop_;
  node_share_ptr share_;
  registry_reader reader_;
  std::unordered_map<std::uint64_t, std::unique_ptr<backend_group>> groups_; // by world and id
  std::unordered_map<std::uint64_t, breaker> breakers_; // by world and id of the API
  response_cache cache_;
  principal_cache principals_;
  std::vector<std::unique_ptr<flow>> flows_; // under way; each knows its place
  std::string digest_;                       // lines since the last tick
  local_figures counts_;                     // since then
  std::uint64_t random_ = 0;
};

} // namespace shoal::gateway
