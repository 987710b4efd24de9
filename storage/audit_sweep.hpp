// Which audit records are old enough to go, found in the background, page by page. Pure: pages of
// rows in, keys to erase out.
//
// Of each app the newest `records` stay, none of them older than `age_ms`. Owned by the actor of
// partition 0, which all audit records belong to: it reads the pages, and erases through the
// partition's log, so that all replicas lose the same rows.
//
//   find the next app's oldest row ──> count what is new ──> erase the oldest, if need be ──┐
//            ^──────────────────────────────────────────────────────────────────────────────┘
//
// What was counted is remembered, so a round over apps without news costs three small reads each.
// Counts that are wrong (a record that came late, an erasure that was lost) are too low, so that
// too much stays, until the next day's first round counts everything again.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "storage/database.hpp"

namespace shoal::storage {

struct audit_limits {
  std::uint64_t records = 10'000; ///< of an app
  std::int64_t age_ms = std::int64_t{400} * 24 * 3'600'000;
};

class audit_sweep {
public:
  static constexpr std::uint32_t page_rows = 1'000;
  static constexpr std::uint32_t rounds_per_count = 24;

  explicit audit_sweep(audit_limits limits = {}) : limits_{limits} {}

  /// Starts a round, unless one is under way.
  void begin(std::int64_t now_ms);
  bool idle() const { return phase_ == phase::idle; }

  /// What to read next: at most `limit` of the rows in [from, to), fewer if they are large. While
  /// not idle.
  struct page {
    std::string from, to;
    std::uint32_t limit = 0;
  };
  page next() const;

  /// Takes those rows, none if there are none; gives what to erase.
  write_batch take(const write_batch& rows);

  std::uint64_t erased() const { return erased_; } ///< in this round

private:
  enum class phase : std::uint8_t { idle, find, count, erase };
  struct counted {
    std::uint64_t rows = 0;
    std::string last; ///< key
  };

  void find(const write_batch& rows);
  void count(const write_batch& rows);
  write_batch erase(const write_batch& rows);
  void next_app();
  bool is_old(std::string_view key) const;

  audit_limits limits_;
  phase phase_ = phase::idle;
  std::int64_t now_ms_ = 0;
  std::uint32_t rounds_ = 0;
  std::uint64_t erased_ = 0;
  std::string from_;     ///< of the next page, but for `count`
  std::string app_;      ///< what its keys begin with
  bool has_old_ = false; ///< its oldest record is too old
  std::map<std::string, counted> counts_;
};

} // namespace shoal::storage
