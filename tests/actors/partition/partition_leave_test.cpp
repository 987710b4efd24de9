// How a partition and its streams go when its node leads it no longer.
#include "tests/support/sync_test.hpp"

namespace shoal::testing_support {
namespace {

const auto u1 = principal::user("u1");

class partition_leave : public sync_test {
public:
  void SetUp() override {
    sync_test::SetUp();
    add_biz("NEWS");
  }

  void leave() {
    auto home = sv->where.partition(sv->where.number_of(app, u1));
    caf::anon_send_exit(home, caf::exit_reason::user_shutdown);
  }
};

TEST_F(partition_leave, answers_what_was_sent_before) {
  append(u1, "NEWS", "wakes the stream");
  auto call = send({item(u1, "NEWS", "before")});
  leave();
  sched.run();
  ASSERT_EQ(results[call].size(), 1u);
  EXPECT_EQ(results[call].front().code, ec::none);
}

TEST_F(partition_leave, takes_its_streams_along) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "one");
  EXPECT_EQ(count.streams.load(), 1u);
  leave();
  sched.run();
  auto call = send({item(u1, "NEWS", "too late")});
  sched.run();
  EXPECT_TRUE(results[call].empty());
  EXPECT_FALSE(a.closed) << "its device looks for the next one";
}

} // namespace
} // namespace shoal::testing_support
