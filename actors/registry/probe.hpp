// Probes: a message that goes through an actor's mailbox like any other, so the time it waits there
// is the age of the queue, and what is handled before it is the queue's length.
//
// A probe carries a ticket and needs no message type of its own; it is answered by `watched`
// (watched.hpp) before the behavior sees it. Answers that come too late are dropped.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <caf/all.hpp>

namespace shoal {

enum class detail_level : std::uint8_t { brief, full };

struct probe_ticket {
  std::uint64_t number = 0; ///< board and place on it
  bool full = false;
};

struct probe_answer {
  bool answered = false;
  std::uint64_t waited_us = 0;
  std::uint64_t ahead = 0;   ///< messages handled before the probe
  std::uint64_t behind = 0;  ///< messages that came after it
  std::uint64_t pending = 0; ///< requests of its own without an answer
  std::uint64_t awaited = 0; ///< of them, those that everything else waits for
  std::uint64_t bytes = 0;
  std::string state; ///< JSON, or empty
};

class probes {
public:
  /// One round of questions; `take` fills it from other threads.
  class board {
  public:
    explicit board(std::size_t n) : answers(n), asked_ns(n), open{n} {}
    std::mutex mutex;
    std::condition_variable all_there;
    std::vector<probe_answer> answers;
    std::vector<std::uint64_t> asked_ns;
    std::size_t open;
  };

  static constexpr std::size_t max_questions = 1u << 20;

  /// The first ticket of `n` consecutive ones.
  std::pair<std::uint64_t, std::shared_ptr<board>> start(std::size_t n);
  void finish(std::uint64_t first_ticket);
  void take(const probe_ticket& ticket, probe_answer& answer);

  static caf::message message_for(std::uint64_t ticket, detail_level level);
  static std::optional<probe_ticket> ticket_of(const caf::type_erased_tuple& x) {
    if (x.type_token() != caf::make_type_token<caf::atom_value, std::uint64_t>()) [[likely]]
      return std::nullopt;
    auto verb = x.get_as<caf::atom_value>(0);
    if (verb != brief_verb && verb != full_verb)
      return std::nullopt;
    return probe_ticket{x.get_as<std::uint64_t>(1), verb == full_verb};
  }

private:
  static constexpr auto brief_verb = caf::atom("probe");
  static constexpr auto full_verb = caf::atom("describe");

  std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<board>> boards_;
  std::uint64_t last_ = 0;
};

} // namespace shoal
