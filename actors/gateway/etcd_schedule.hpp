// Which prefix to ask etcd about, and when. Pure: events and a time point in, decisions out.
//
// Each prefix is due every `refresh_s`, a new one at once; the one that waits longest is first. Two
// failures in a row, of whatever prefixes, look like an etcd that is down: from then on there is a
// pause after each, doubling up to five seconds, until something is answered.
//
// Who hears that something changed may hurry: all prefixes are due sooner, though each at most once
// a second, and all together not more than 50 times a second.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace shoal::gateway {

class etcd_schedule {
public:
  static constexpr std::int64_t first_pause_ms = 250, longest_pause_ms = 5'000;
  static constexpr std::int64_t hurry_ms = 1'000, hurry_each_ms = 20;

  /// From now on these, and no others.
  void follow(const std::map<std::string, std::uint32_t>& refresh_s, std::int64_t now_ms);

  /// Null: nothing is due.
  const std::string* due(std::int64_t now_ms) const;

  /// How long nothing will be due, at most `most_ms`.
  std::int64_t idle_ms(std::int64_t now_ms, std::int64_t most_ms) const;

  void answered(const std::string& prefix, std::int64_t now_ms);
  void failed(const std::string& prefix, std::int64_t now_ms);

  /// Something changed below some prefix.
  void hurry(std::int64_t now_ms);

  std::uint32_t failures() const { return failures_; } ///< in a row
  bool looks_down() const { return failures_ >= 2; }

private:
  struct entry {
    std::int64_t refresh_ms = 0;
    std::int64_t due_ms = 0;
    std::int64_t asked_ms = 0; ///< not asked yet: due anyway
  };
  std::map<std::string, entry>::const_iterator first() const;
  void put_off(const std::string& prefix, std::int64_t now_ms);

  std::map<std::string, entry> entries_;
  std::uint32_t failures_ = 0;
  std::int64_t not_before_ms_ = 0;
};

} // namespace shoal::gateway
