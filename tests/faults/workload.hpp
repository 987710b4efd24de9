// What a run lets happen while it does bad things: writers, devices, and the questions afterwards.
//
//   writers (API, idempotency keys, retry until answered) ──> nodes ──> devices (reconnect at once)
//
// Four bizs (global, multi-device, single-device, device) so that each kind of cursor is there.
// Reads and judges through any node that answers; the promises are those of history.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/faults/history.hpp"
#include "tests/faults/watched_device.hpp"
#include "tests/faults/writer.hpp"

namespace shoal::faults {

struct workload_plan {
  std::size_t users = 4, devices_per_user = 2, writers = 4;
  int writer_pause_ms = 5;
  double hang_up = 0.002;        ///< how often a device reconnects after a delivery
  int patience_s = 10;           ///< for one answer
  int read_patience_ms = 30'000; ///< for a read that any node answers
  std::uint64_t seed = 0;
};

class workload {
public:
  workload(std::vector<endpoint> nodes, test_app app, workload_plan plan, history& run);

  /// Creates the bizs and starts the devices.
  void begin();
  void start_writers();
  /// Every writer has its answers, or gave up.
  void finish_writers();

  /// Reads every stream: from its beginning, or what is new since the last time.
  void read_back(bool whole);
  void check_cursors();
  /// Everybody gets a calm while to have everything; then devices end.
  void await_devices(int patience_ms);

  /// Devices at that node right now, and how many connections each has had.
  using guests = std::map<std::string, std::uint64_t>;
  guests guests_of(std::size_t node) const;
  /// All of them have been welcomed again since, anywhere.
  bool came_back(const guests& x) const;
  /// Connections that ended because a node asked for that.
  std::uint64_t asked_to_go() const;

  std::uint64_t cursors_checked() const { return cursors_; }
  std::uint64_t connections() const { return connections_; }

private:
  /// The body of a 2xx answer of any node. Throws std::runtime_error when patience ends.
  std::string must(const char* method, const std::string& path, const std::string& body = {},
      const std::string& query = {});
  void create_bizs();
  void create_devices();
  void read(const std::string& stream, std::uint64_t after);
  void check_cursors(const std::string& stream, const std::string& query);
  bool reached(const std::string& stream) const;
  std::vector<std::string> device_names() const;

  std::vector<endpoint> nodes_;
  test_app app_;
  workload_plan plan_;
  history& history_;
  std::mt19937_64 random_;
  std::vector<api_caller> readers_; ///< one for each node
  std::vector<std::unique_ptr<watched_device>> devices_;
  std::vector<std::unique_ptr<writer>> writers_;
  std::map<std::string, std::uint64_t> read_;
  std::uint64_t cursors_ = 0, connections_ = 0;
};

} // namespace shoal::faults
