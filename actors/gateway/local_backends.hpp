// The backends of this node that are actors, by name: where groups of kind `local` find theirs.
//
// Owned by what the loops share (node_share.hpp). Whoever spawns such an actor adds it here, and
// adds it again when it was replaced: a name belongs to its actor as long as that lives. Never told
// to other nodes: each node calls its own actors, so every node has to have them.
//
// Bounded: `max_backends` names; of each backend so many calls under way, because mailboxes have no
// limit of their own. A call counts until it is answered or dropped, also when nobody waits for it
// any more: giving up alone makes no room for more work. Safe to use from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "actors/gateway/local_backend.hpp"

namespace shoal::gateway {

class local_backend {
public:
  local_backend(local_backend_actor hdl, std::uint32_t max_calls)
      : actor_{std::move(hdl)}, max_calls_{max_calls} {}

  enum class outcome : std::uint8_t { handed_over, too_many, dead };

  /// Hands a call over; then, and only then, `done` is called exactly once, from any thread.
  outcome call(local_request_ptr x, local_promise::deliver done) const;

  bool is_alive() const;
  std::uint32_t max_calls() const { return max_calls_; }
  std::uint32_t under_way() const { return under_way_->load(std::memory_order_relaxed); }

private:
  local_backend_actor actor_;
  std::uint32_t max_calls_;
  /// Shared with the calls, which may live longer than this.
  std::shared_ptr<std::atomic<std::uint32_t>> under_way_ =
      std::make_shared<std::atomic<std::uint32_t>>(0);
};
using local_backend_ptr = std::shared_ptr<const local_backend>;

class local_backends {
public:
  static constexpr std::size_t max_backends = 256;
  static constexpr std::uint32_t default_calls = 1'000;

  /// "" or, in a sentence, why this name cannot be added now.
  std::string problem_of(const std::string& name) const;

  /// The same; "" if it was added. The name of a backend that lives is taken.
  std::string add(
      const std::string& name, local_backend_actor hdl, std::uint32_t max_calls = default_calls);

  /// Calls under way go on.
  void remove(const std::string& name);

  /// Null if there is none.
  local_backend_ptr find(std::string_view name) const;

  std::vector<std::pair<std::string, local_backend_ptr>> list() const;

  /// Releases every actor, so that they can end.
  void clear();

private:
  std::string problem_while_locked(const std::string& name) const;

  mutable std::mutex mutex_;
  std::map<std::string, local_backend_ptr, std::less<>> by_name_; // guarded by mutex_
};

} // namespace shoal::gateway
