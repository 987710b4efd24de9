// Attacks over HTTP/1.1, HTTP/2 and WebSocket on a real node, while somebody honest asks on. How
// much the honest caller notices is measured by `shoal-web-attacks`; here is what must hold on any
// machine: every round ends, the node does not grow, nobody honest is refused.
#include "tests/faults/web_attacks.hpp"
#include "tests/scenarios/real_node.hpp"
#include "tests/support/ws_client.hpp"

namespace shoal::faults {
namespace {

using namespace test;

constexpr auto attack_time = std::chrono::milliseconds{400};
constexpr auto far_from_hanging = std::chrono::microseconds{std::chrono::seconds{2}}.count();

class rude_web : public real_node {};

TEST_F(rude_web, attacks_end_and_cost_little_and_the_honest_are_served) {
  define_mocks(*api, app);
  EXPECT_EQ(endure(node, app, nullptr, attack_time).failed, 0);
  auto before = node.rss();
  for (auto& x : web_attacks(app.id)) {
    auto seen = endure(node, app, &x, attack_time);
    EXPECT_GE(seen.rounds, 2) << x.name;
    EXPECT_EQ(seen.failed, 0) << x.name;
    EXPECT_EQ(seen.wrong, "") << x.name;
    EXPECT_LT(seen.p99_us, far_from_hanging) << x.name;
    EXPECT_LT(node.rss() - before, 128 * megabyte) << x.name;
  }
  EXPECT_TRUE(wait_until(15'000, [&] {
    return node.metric("shoal_http_connections").value_or(-1) <= 1 &&
           node.metric("shoal_device_connections").value_or(-1) == 0;
  })) << "attackers' connections are still there";
}

TEST_F(rude_web, half_messages_of_many_cost_what_they_carry) {
  constexpr auto clients = 200u;
  constexpr auto carried = 50'000u;
  auto before = node.rss();
  auto waiting = std::vector<std::unique_ptr<ws_client>>{};
  auto half = ws::masked(ws::binary, std::string(carried, 'x'));
  for (auto i = 0u; i < clients; ++i) {
    waiting.push_back(std::make_unique<ws_client>(node.port()));
    waiting.back()->stream.send(half);
    waiting.back()->send(ws::fin | ws::ping, "");
    waiting.back()->read(); // it has arrived
  }
  EXPECT_EQ(send("ALL", "meanwhile").status, 200);
  EXPECT_LT(node.rss() - before, std::int64_t{clients} * (2 * carried + 100'000));
}

} // namespace
} // namespace shoal::faults
