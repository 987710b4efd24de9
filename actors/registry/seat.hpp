// A seat: what one actor lets others see while it lives. CAF keeps no list of its actors, so each
// of ours has a seat in the node's registry (registry.hpp).
//
// Owned by its actor, inside the actor's own memory: counting touches no cache line that the actor
// does not touch anyway. Counters have one writer, the thread that runs the actor; anybody may read
// them under the shard's lock, which the actor takes when it comes and when it goes.
//
// Costs: 72 bytes per actor, a pointer in the registry, and the label; two plain stores per
// message; two readings of the clock for one message in four while somebody watches.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <caf/actor_control_block.hpp>
#include <caf/scheduled_actor.hpp>

namespace shoal {

class actor_registry;

/// Who an actor is, as far as its spawner knows.
struct seat_facts {
  std::string label;          ///< what it is about: "shop/user:u1", "partition 7"
  caf::actor_id parent = 0;   ///< who restarts it or spawned it; 0 = the node itself
  const char* kind = nullptr; ///< static text; null: the name of its state
};

class seat {
public:
  /// Nobody sees it before `enter`.
  seat(actor_registry* in, const seat_facts& facts);
  virtual ~seat() = default;
  seat(const seat&) = delete;
  seat& operator=(const seat&) = delete;

  /// Whose seat it is.
  virtual caf::scheduled_actor& actor() = 0;
  caf::scheduled_actor& actor() const { return const_cast<seat*>(this)->actor(); }

  /// The actor is whole: it enters the registry. `as_kind` is static text; null: the actor's name.
  void enter(const char* as_kind);

  /// Gives an actor its label when it learns it (a device, at its hello). Nothing happens to an
  /// actor without a seat. Called by the actor.
  static void label(caf::scheduled_actor* self, std::string_view text);

  // -- by the actor's thread ------------------------------------------------------------------

  /// While it lives, this thread works for that actor: lines of the log say so.
  class turn {
  public:
    explicit turn(const seat& x) : before_{std::exchange(at_work_, &x)} {}
    ~turn() { at_work_ = before_; }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

  private:
    const seat* before_; // the deterministic scheduler may run one actor inside another
  };
  /// Null: no actor.
  static const seat* at_work() { return at_work_; }

  /// Around each message; defined in registry.hpp. `begin` returns when it began, for `end`; 0 if
  /// nobody wants to know.
  std::uint64_t begin(const caf::mailbox_element& x);
  void end(const caf::mailbox_element& x, std::uint64_t began_ns);

  /// The actor ends; it leaves the registry and becomes a record there. Idempotent.
  void leave(const caf::error& why);

  void set_bytes(std::size_t x) {
    bytes_.store(static_cast<std::uint32_t>(std::min<std::size_t>(x, UINT32_MAX)),
        std::memory_order_relaxed);
  }

  actor_registry* registry() const { return in_; }
  const char* kind() const;
  std::uint64_t handled() const { return handled_.load(std::memory_order_relaxed); }

private:
  friend class actor_registry;

  static constexpr std::uint64_t timed_one_in = 4;
  static inline constinit thread_local const seat* at_work_ = nullptr;

  std::uint64_t begin_unusual(const caf::mailbox_element& x, std::uint64_t n);
  void end_unusual(const caf::mailbox_element& x, std::uint64_t began_ns);
  void count_timeout(const caf::mailbox_element& x);

  // Idle devices and streams are what a node has most of: each byte here counts twice per device.
  actor_registry* in_;
  std::unique_ptr<char[]> label_; ///< guarded by the shard's lock
  caf::actor_id parent_;
  std::atomic<std::uint64_t> handled_{0};
  std::atomic<std::uint64_t> busy_ns_{0};  ///< in handlers, while somebody watched
  std::atomic<std::uint32_t> bytes_{0};    ///< of its own memory, as it last said
  std::atomic<std::uint32_t> timeouts_{0}; ///< requests of its that nobody answered in time
  std::uint32_t born_s_ = 0;
  std::uint32_t place_ = 0; ///< in its shard
  std::uint8_t kind_ = 0;   ///< in the registry's list of kinds
  std::atomic<bool> running_{false};
  bool seated_ = false;
};

} // namespace shoal
