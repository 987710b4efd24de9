// A stream that dies of a bug while it has writes under way.
#include "tests/support/held_log.hpp"
#include "tests/support/sync_test.hpp"

namespace shoal::testing_support {
namespace {

using strings = std::vector<std::string>;
const auto u1 = principal::user("u1");

class stream_death : public sync_test {
public:
  void SetUp() override {
    wrap_log = [this](auto inner) {
      logs.push_back(std::make_shared<held_log>(std::move(inner), holds));
      return logs.back();
    };
    sync_test::SetUp();
    add_biz("NEWS");
  }

  void die() {
    for (auto& x : logs)
      x->throws = true;
    send({item(u1, "NEWS", "what it dies of")});
    sched.run();
    EXPECT_EQ(count.restarts.load(), 1u);
    for (auto& x : logs)
      x->throws = false;
  }

  void release() {
    holds = false;
    for (auto& x : logs)
      x->release();
    sched.run();
  }

  bool holds = false;
  std::vector<std::shared_ptr<held_log>> logs;
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
  ASSERT_EQ(results[call].size(), 1u);
  EXPECT_EQ(results[call].front().at.id, 2u);
  EXPECT_EQ(a.payloads("NEWS"), (strings{"under way", "next"}));
}

} // namespace
} // namespace shoal::testing_support
