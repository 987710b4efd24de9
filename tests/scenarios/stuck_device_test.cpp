// Devices that do not read: they cost a bounded amount of memory, and nobody else notices them.
#include "tests/faults/watched_device.hpp"
#include "tests/scenarios/real_node.hpp"
#include "tools/bench/names.hpp"

namespace shoal::faults {
namespace {

class stuck_device : public real_node {};

TEST_F(stuck_device, costs_no_more_than_its_window_and_no_time_of_others) {
  constexpr auto stuck_count = 50;
  constexpr auto calls = 40;
  constexpr auto ops_per_call = 100; // of 4 KB: 16 MB for each device
  auto stuck = std::vector<std::unique_ptr<test::tls_client>>{};
  for (auto i = 0; i < stuck_count; ++i) {
    stuck.push_back(std::make_unique<test::tls_client>(
        node.port(), test::client_options{.receive_buffer = 4096}));
    say(*stuck.back(), frame_type::hello, hello(bench::numbered("stuck", i)));
    subscribe(*stuck.back(), "ALL");
  }
  auto run = history{};
  run.expect_reader("global/ALL", "good", sharing::each);
  auto plan = device_plan{};
  plan.id = "good";
  plan.streams = {{"ALL", "global/ALL"}};
  plan.hang_up = 0;
  auto good = watched_device{{endpoint{node.port()}}, app, plan, run};
  ASSERT_TRUE(wait_until(
      10'000, [&] { return node.metric("shoal_devices").value_or(0) == stuck_count + 1; }));
  auto before = node.rss();
  auto slowest = std::chrono::milliseconds{0};
  for (auto i = 0; i < calls; ++i) {
    auto body = nlohmann::json{};
    for (auto n = 0; n < ops_per_call; ++n)
      body["items"].push_back({{"biz", "ALL"}, {"payload", std::string(4000, 'x')}});
    auto began = std::chrono::steady_clock::now();
    auto answer = nlohmann::json::parse(api->must("POST", app.path("/sync/batch"), body.dump()));
    auto last = answer["results"].back()["id"].get<std::uint64_t>();
    EXPECT_TRUE(wait_until(10'000, [&] { return run.position_of("global/ALL", "good") >= last; }));
    slowest = std::max(slowest, std::chrono::duration_cast<std::chrono::milliseconds>(
                                    std::chrono::steady_clock::now() - began));
  }
  // The log itself, its cache and the write buffer hold each op once or twice; 50 unbounded queues
  // would hold 800 MB.
  auto growth = (node.rss() - before) / megabyte;
  EXPECT_LT(growth, 200);
  EXPECT_LT(slowest.count(), 5000);
  RecordProperty("growth_mb", static_cast<int>(growth));
  std::cout << "50 stuck devices: " << growth << " MB more, the slowest of " << calls
            << " batches reached the good device after " << slowest.count() << " ms\n";
  EXPECT_GE(node.metric("shoal_devices").value_or(0), 1);
}

} // namespace
} // namespace shoal::faults
