// The registry: every actor of a node, while it lives, and a record of those that died.
//
// Owned by the node, outlives all actors. Sharded by actor id; each shard has a lock that an actor
// takes when it comes and when it goes, and a reader for some hundred seats at a time. So a million
// actors can be walked while they come and go, and nobody waits longer than some microseconds.
//
// Guarantees: a walk by pages meets every actor that lives from its beginning to its end exactly
// once. What a seat says is read while its actor lives.
//
// Does not: order actors, keep history of the living, or know what their states mean.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/mailbox_element.hpp>

#include "actors/registry/probe.hpp"
#include "actors/registry/seat.hpp"
#include "actors/registry/trace.hpp"

namespace shoal {

/// One actor as it was when somebody looked.
struct actor_row {
  caf::actor_id id = 0;
  const char* kind = ""; ///< static text
  std::string label;
  caf::actor_id parent = 0;
  bool idle = false;    ///< nothing in its mailbox, not running
  bool running = false; ///< inside a handler right now
  std::uint64_t handled = 0;
  std::uint64_t busy_ns = 0;
  std::uint32_t bytes = 0;
  std::uint32_t timeouts = 0;
  std::uint32_t age_s = 0;
};

/// An actor that did not end by itself.
struct actor_death {
  caf::actor_id id = 0;
  std::string kind, label, why;
  caf::actor_id parent = 0;
  std::int64_t time_ms = 0;
  std::uint64_t handled = 0;
};

/// Messages of one type that nobody read, for one reason.
struct dead_letters {
  std::string message, receiver, why;
  std::uint64_t count = 0;
  std::int64_t last_ms = 0;
};

class actor_registry {
public:
  actor_registry();
  ~actor_registry();

  // -- for actors -------------------------------------------------------------------------------

  void enter(seat& x, caf::actor_id id, const char* kind);
  void leave(seat& x, const caf::error& why);
  void relabel(seat& x, std::string_view text);
  const char* kind_of(std::uint8_t no) const { return kinds_[no].load(std::memory_order_acquire); }
  void undelivered(const caf::mailbox_element& x, const char* receiver, const char* why);
  void answered(const probe_ticket& ticket, probe_answer answer) { probes_.take(ticket, answer); }
  static std::optional<probe_ticket> probe_of(const caf::type_erased_tuple& x) {
    return probes::ticket_of(x);
  }

  /// The root supervisor, parent of what the node itself spawns.
  caf::actor_id root() const { return root_.load(std::memory_order_relaxed); }
  void set_root(caf::actor_id id) { root_.store(id, std::memory_order_relaxed); }

  // -- for readers ------------------------------------------------------------------------------

  std::size_t size() const;

  /// Calls `see` with each actor that `keep` wants, from `cursor` on, until `limit` were seen;
  /// returns the cursor to go on with, 0 at the end. Both run under a shard's lock: be short.
  using filter = std::function<bool(const char* kind, std::string_view label)>;
  std::uint64_t walk(std::uint64_t cursor, std::size_t limit, const filter& keep,
      const std::function<void(actor_row&&)>& see) const;

  std::optional<actor_row> find(caf::actor_id id) const;
  caf::strong_actor_ptr handle(caf::actor_id id) const;

  /// Asks actors through their mailboxes how long a message waits there, and waits for the answers.
  /// An actor that is gone or does not answer in time leaves `answered` false. In order of `ids`.
  std::vector<probe_answer> probe(const std::vector<caf::actor_id>& ids, detail_level level,
      std::chrono::milliseconds patience);

  /// Deaths that were not asked for, newest last; the last few hundred.
  std::vector<actor_death> deaths() const;
  std::uint64_t death_count() const { return death_count_.load(std::memory_order_relaxed); }
  /// How often an actor of this kind and label died.
  std::uint32_t restarts_of(std::string_view kind, std::string_view label) const;
  std::vector<dead_letters> undelivered() const;

  /// Handlers are timed until `seconds` from now.
  void watch(std::chrono::seconds x);
  bool watched() const { return watching_.load(std::memory_order_relaxed); }
  /// Ends watching when its time is over; called by whoever times a handler.
  void check_watch(std::uint64_t now_ns);

  trace_ring& trace() { return trace_; }
  bool traced() const { return trace_.on(); }

private:
  static constexpr std::size_t shard_count = 64;
  static constexpr std::size_t seats_per_lock = 256;
  static constexpr std::size_t max_deaths = 256;
  static constexpr std::size_t max_kinds_of_letters = 1024;
  static constexpr std::size_t max_counted_deaths = 4096;

  struct alignas(64) shard {
    mutable std::mutex mutex;
    std::vector<seat*> places;
    std::vector<std::uint32_t> free;
    std::size_t used = 0;
  };

  /// What tells two kinds of undelivered messages apart, without making texts.
  struct letter_key {
    caf::atom_value verb;
    std::uint32_t types;
    const char *receiver, *why;
    auto operator<=>(const letter_key&) const = default;
  };

  shard& shard_of(caf::actor_id id) { return shards_[id % shard_count]; }
  const shard& shard_of(caf::actor_id id) const { return shards_[id % shard_count]; }
  const seat* seat_of(const shard& in, caf::actor_id id) const; ///< under its lock
  actor_row row_of(const seat& x) const;
  std::uint32_t seconds_of_life() const;

  // Read by every actor, written almost never: on a line of its own.
  alignas(64) std::atomic<bool> watching_{false};
  std::atomic<std::uint64_t> watch_until_ns_{0};
  trace_ring trace_;
  std::atomic<caf::actor_id> root_{0};

  alignas(64) std::array<shard, shard_count> shards_;
  probes probes_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();

  std::uint8_t kind_no(const char* name);

  std::array<std::atomic<const char*>, 64> kinds_{}; ///< static texts; the last one is "other"

  mutable std::mutex records_mutex_;
  std::deque<actor_death> deaths_;
  std::map<std::pair<std::string, std::string>, std::uint32_t, std::less<>> died_;
  std::map<letter_key, dead_letters> letters_;
  std::atomic<std::uint64_t> death_count_{0};

  friend class seat;
};

// Per message, so inline: two plain stores of the actor's own, two loads of a line that nobody
// writes.

inline std::uint64_t seat::begin(const caf::mailbox_element& x) {
  auto n = handled_.load(std::memory_order_relaxed) + 1;
  handled_.store(n, std::memory_order_relaxed);
  running_.store(true, std::memory_order_relaxed);
  if (in_ == nullptr)
    return 0;
  if (x.mid.is_response())
    count_timeout(x);
  if ((in_->watched() && n % timed_one_in == 0) || in_->traced()) [[unlikely]]
    return begin_unusual(x, n);
  return 0;
}

inline void seat::end(const caf::mailbox_element& x, std::uint64_t began_ns) {
  running_.store(false, std::memory_order_relaxed);
  if (began_ns != 0) [[unlikely]]
    end_unusual(x, began_ns);
}

} // namespace shoal
