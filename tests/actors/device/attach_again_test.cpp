// Subscriptions whose question went to a partition that died with it, without a word.
#include "tests/support/sync_test.hpp"

namespace shoal::testing_support {
namespace {

using strings = std::vector<std::string>;
const auto u1 = principal::user("u1");

class attach_again : public sync_test {
public:
  void SetUp() override {
    sync_test::SetUp();
    add_biz("NEWS");
    add_biz("ALL", [](biz_config& x) {
      x.scope = biz_scope::global;
      x.target = biz_target::device;
    });
  }

  /// The directory goes on naming it.
  void kill_home(const principal& who) {
    auto home = sv->where.partition(sv->where.number_of(app, who));
    caf::anon_send_exit(home, caf::exit_reason::user_shutdown);
    sched.run();
  }

  void bring_home_back(const principal& who) {
    partition_options x;
    x.services = sv;
    x.no = sv->where.number_of(app, who);
    x.sweep = false;
    x.log = storage::make_local_partition_log(*log, x.no, sv->view_epoch, 0);
    sv->where.set_partition(x.no, keep(sys.spawn(partition, x)));
  }

  void wait_long() {
    for (int i = 0; i < 6; ++i)
      wait(std::chrono::seconds{2});
  }
};

TEST_F(attach_again, a_device_asks_the_next_one) {
  kill_home(u1);
  auto& a = online("d1", "u1", "NEWS");
  EXPECT_FALSE(a.positions.contains("NEWS"));
  bring_home_back(u1);
  wait_long();
  EXPECT_TRUE(a.positions.contains("NEWS"));
  append(u1, "NEWS", "one");
  EXPECT_EQ(a.payloads("NEWS"), strings{"one"});
}

TEST_F(attach_again, a_relay_asks_the_next_one) {
  kill_home(principal::global());
  auto& a = online("d1", "", "ALL");
  EXPECT_FALSE(a.positions.contains("ALL"));
  bring_home_back(principal::global());
  wait_long();
  EXPECT_TRUE(a.positions.contains("ALL"));
  append(principal::global(), "ALL", "one");
  EXPECT_EQ(a.payloads("ALL"), strings{"one"});
}

} // namespace
} // namespace shoal::testing_support
