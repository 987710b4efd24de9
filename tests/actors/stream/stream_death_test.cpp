// A stream that dies of a bug while it has writes under way.
#include "tests/support/held_log.hpp"

namespace shoal::testing_support {
namespace {

using strings = std::vector<std::string>;
const auto u1 = principal::user("u1");

class stream_death : public held_log_test {
public:
  void die() {
    for (auto& x : logs)
      x->throws = true;
    send({item(u1, "NEWS", "what it dies of")});
    sched.run();
    EXPECT_EQ(count.restarts.load(), 1u);
    for (auto& x : logs)
      x->throws = false;
  }
};

TEST_F(stream_death, gives_no_id_again_that_is_under_way) {
  holds = true;
  send({item(u1, "NEWS", "under way")});
  sched.run();
  die();
  auto call = send({item(u1, "NEWS", "next")});
  auto& a = online("d1", "u1", "NEWS", position{7, 0});
  EXPECT_TRUE(results[call].empty());
  EXPECT_TRUE(a.payloads("NEWS").empty());
  release();
  sched.run();
  ASSERT_EQ(results[call].size(), 1u);
  EXPECT_EQ(results[call].front().at.id, 2u);
  EXPECT_EQ(a.payloads("NEWS"), (strings{"under way", "next"}));
}

} // namespace
} // namespace shoal::testing_support
