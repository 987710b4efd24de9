// Subscriptions whose question went to a partition that died with it, without a word.
#include "storage/keys.hpp"
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

TEST_F(attach_again, a_relay_forgets_nobody_who_was_catching_up) {
  sv->limit.page_ops = 1; // or the relay has the next ones already
  for (auto text : {"one", "two", "three"})
    append(principal::global(), "ALL", text);
  auto& a = connect("d1", [](wire::Hello& x) { x.set_window_ops(1); });
  subscribe(a, "ALL");
  EXPECT_EQ(a.payloads("ALL"), strings{"one"}) << "its window is full";
  kill_home(principal::global());
  ack(a, "ALL"); // it asks for more, and nobody is there
  bring_home_back(principal::global());
  wait_long();
  ack(a, "ALL");
  ack(a, "ALL");
  EXPECT_EQ(a.payloads("ALL"), (strings{"one", "two", "three"}));
}

TEST_F(attach_again, a_device_hears_that_it_is_served_no_more) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "one");
  kill_home(u1);
  db->flip_bit(storage::stream_meta_key(sv->where.number_of(app, u1), {app, u1, biz_no{1}}), 9);
  bring_home_back(u1);
  wait_long();
  EXPECT_EQ(a.refused["NEWS"], ec::quarantined);
}

} // namespace
} // namespace shoal::testing_support
