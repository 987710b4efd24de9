// A business server: calls any node's API, and repeats with the same idempotency keys until it has
// heard the ids. What it does and hears goes into the history.
//
// Most ops have a key, some do not and are sent once; some calls go out twice at the same time, to
// two nodes if there are two. One thread, from the constructor to `finish`.
#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tests/faults/history.hpp"
#include "tests/faults/server.hpp"

namespace shoal::faults {

struct writer_plan {
  std::size_t number = 0;
  std::size_t users = 4, devices_per_user = 2;
  std::uint64_t seed = 0;
  int pause_ms = 5;    ///< longest time between two calls
  int patience_s = 10; ///< for one answer
  int give_up_s = 30;  ///< after `finish`: an op that is still unanswered then is a violation
};

class writer {
public:
  writer(const std::vector<endpoint>& nodes, const test_app& app, writer_plan plan, history& run);
  ~writer() { finish(); }
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  /// Returns when everything it began is answered, or when it gives up.
  void finish();

private:
  struct item {
    std::string stream, principal, biz, key, payload;
    bool answered = false;
    nlohmann::json request() const;
  };

  std::size_t pick(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_);
  }
  item make_item();
  void live();
  void write(std::vector<item>& items);
  void call(std::vector<item>& items);
  void hear(std::vector<item>& items, const test::http_answer& answer);
  void refused(const nlohmann::json& problem);

  writer_plan plan_;
  std::string name_;
  const test_app& app_;
  std::vector<api_caller> first_, second_; ///< one for each node
  std::mt19937_64 random_;
  history& run_;
  std::uint64_t made_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

} // namespace shoal::faults
