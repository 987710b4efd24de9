// The trace ring: what happened to appends on their way through actors, while somebody asks for it.
//
// Owned by the registry. Off, it costs one load per message. On, every message of the append path
// (call, append, committed, appended, ops) leaves up to three events here, under a lock; the ring
// keeps the newest, and turns itself off when nobody has asked for some seconds. Events are
// facts without meaning; `trace_paths` (trace_paths.hpp) makes paths of them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <caf/all.hpp>

namespace shoal {

enum class trace_step : std::uint8_t { queued, begun, ended };
enum class trace_verb : std::uint8_t { call, append, committed, appended, ops };

struct trace_event {
  std::uint64_t ns = 0;
  trace_step step{};
  trace_verb verb{};
  caf::actor_id actor = 0;           ///< whose mailbox
  const char* kind = "";             ///< of that actor
  caf::actor_id sender = 0;          ///< of a queued message; 0 = no actor
  const void* message = nullptr;     ///< same for the three events of one message
  std::uint64_t call = 0;            ///< append, appended: the api actor's number
  std::uint64_t after = 0, upto = 0; ///< ops, appended: ids
  std::string stream;                ///< append: the principal; ops: the biz
};

class trace_ring {
public:
  static constexpr std::size_t capacity = 16'384;

  bool on() const { return on_.load(std::memory_order_relaxed); }

  /// Turns it on for that long, from an empty ring if it was off.
  void ask(std::uint64_t for_ns);
  void stop();
  /// Oldest first.
  std::vector<trace_event> events() const;

  // -- by `watched` and `seat` --------------------------------------------------------------------
  void queued(const caf::mailbox_element& x, const caf::local_actor& to);
  void begun(const caf::mailbox_element& x, const caf::local_actor& who, std::uint64_t now_ns);
  void ended(const caf::mailbox_element& x, const caf::local_actor& who, std::uint64_t now_ns);

private:
  void add(trace_step step, const caf::mailbox_element& x, const caf::local_actor& who,
      std::uint64_t now_ns);

  std::atomic<bool> on_{false};
  mutable std::mutex mutex_;
  std::uint64_t until_ns_ = 0;
  std::vector<trace_event> ring_;
  std::size_t next_ = 0;
};

} // namespace shoal
