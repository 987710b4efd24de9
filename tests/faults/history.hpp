// What happened between business servers, Shoal and devices, and whether that may happen.
//
// A run writes down what it sees from outside (calls that were answered, ops that are readable,
// what devices were handed, cursors), then asks for the violations of the promises: acknowledged
// means durable; ids are gapless; one key is one op; a device gets each op once in effect and in
// order; no cursor is beyond what was handled. Thread-safe. Knows no server: it is tested with
// broken histories.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/faults/history_events.hpp"

namespace shoal::faults {

struct figures {
  std::uint64_t attempted = 0, acknowledged = 0, stored = 0, handed = 0;
};

class history final : public history_events {
public:
  /// From now on all that happens is also told to `other`, one event at a time, in this order.
  void tell(history_events* other);

  void attempted(
      const std::string& stream, const std::string& key, const std::string& payload) override;
  void acknowledged(
      const std::string& stream, const std::string& payload, std::uint64_t id) override;
  void expect_reader(const std::string& stream, const std::string& device, sharing how) override;
  void handed(const std::string& stream, const std::string& device, std::uint64_t id,
      const std::string& payload) override;
  void stored(const std::string& stream, const stored_op& op) override;
  void cursor(const std::string& stream, const std::string& device, std::uint64_t id) override;
  void broken(const std::string& what) override;

  /// The newest id that the device was handed.
  std::uint64_t position_of(const std::string& stream, const std::string& device) const;
  /// Of acknowledged and stored: how far the stream is known to reach.
  std::uint64_t latest(const std::string& stream) const;
  std::vector<std::string> streams() const;
  std::vector<std::string> readers(const std::string& stream) const;
  figures count() const;

  /// All violations among what was read. With `complete`, everything was read by now, and everybody
  /// must have everything.
  std::vector<std::string> violations(bool complete) const;

private:
  struct reader {
    sharing how = sharing::each;
    std::vector<std::pair<std::uint64_t, std::string>> ops;
    std::uint64_t position = 0;
  };

  struct stream_history {
    std::map<std::string, std::string> attempts;            ///< payload -> key
    std::map<std::string, std::set<std::uint64_t>> answers; ///< payload -> ids
    std::map<std::uint64_t, stored_op> ops;
    std::map<std::string, reader> readers;
  };

  using problems = std::vector<std::string>;
  static void check_ids(const std::string& name, const stream_history& s, problems& out);
  static void check_answers(
      const std::string& name, const stream_history& s, bool complete, problems& out);
  static void check_reader(const std::string& name, const std::string& device,
      const stream_history& s, const reader& r, bool complete, problems& out);
  static void check_shared(const std::string& name, const stream_history& s, problems& out);

  mutable std::mutex mutex_;
  history_events* other_ = nullptr;
  std::map<std::string, stream_history> streams_;
  problems seen_;
};

} // namespace shoal::faults
