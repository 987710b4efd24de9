// What retention removes while appends are under way.
#include "tests/support/sync_test.hpp"

namespace shoal::testing_support {
namespace {

using strings = std::vector<std::string>;
constexpr auto hour = std::int64_t{3'600'000};
const auto u1 = principal::user("u1");

/// Writes at once, and may answer later.
class late_log : public storage::partition_log {
public:
  explicit late_log(std::shared_ptr<storage::partition_log> inner, const bool& is_late)
      : inner_{std::move(inner)}, is_late_{is_late} {}

  ec submit(storage::write_batch rows, std::uint64_t failures_seen,
      std::function<void(ec)> done) override {
    return inner_->submit(std::move(rows), failures_seen, [this, done = std::move(done)](ec code) {
      if (is_late_)
        kept_.push_back([done, code] { done(code); });
      else
        done(code);
    });
  }
  void submit_lazy(storage::write_batch rows) override { inner_->submit_lazy(std::move(rows)); }
  std::uint64_t failures() const override { return inner_->failures(); }
  std::uint64_t next_lsn() const override { return inner_->next_lsn(); }

  void answer() {
    for (auto& x : std::exchange(kept_, {}))
      x();
  }

private:
  std::shared_ptr<storage::partition_log> inner_;
  const bool& is_late_;
  std::vector<std::function<void()>> kept_;
};

class stream_trim : public sync_test {
public:
  void SetUp() override {
    wrap_log = [this](auto inner) {
      logs.push_back(std::make_shared<late_log>(std::move(inner), late));
      return logs.back();
    };
    sync_test::SetUp();
    add_biz("NEWS", [](biz_config& x) { x.retention_s = 3600; });
  }

  void answer() {
    late = false;
    for (auto& x : logs)
      x->answer();
    sched.run();
  }

  bool late = false;
  std::vector<std::shared_ptr<late_log>> logs;
};

TEST_F(stream_trim, forgets_no_op_that_is_under_way) {
  append(u1, "NEWS", "old");
  now += 2 * hour;
  late = true;
  auto call = send({item(u1, "NEWS", "under way")});
  sched.run();
  sweep();
  answer();
  EXPECT_EQ(count.trimmed_ops.load(), 1u);
  ASSERT_EQ(results[call].size(), 1u);
  EXPECT_EQ(results[call].front().at.id, 2u);
  restart();
  EXPECT_EQ(append(u1, "NEWS", "next").at.id, 3u);
  EXPECT_EQ(
      online("d1", "u1", "NEWS", position{7, 1}).payloads("NEWS"), (strings{"under way", "next"}));
}

TEST_F(stream_trim, that_cannot_be_written_is_done_by_a_later_sweep) {
  append(u1, "NEWS", "old");
  now += 2 * hour;
  db->fail_writes(ec::storage_full);
  sweep();
  EXPECT_EQ(count.trimmed_ops.load(), 0u);
  db->fail_writes(ec::none);
  sweep();
  EXPECT_EQ(count.trimmed_ops.load(), 1u);
  EXPECT_EQ(append(u1, "NEWS", "new").at.id, 2u);
  auto& a = online("d1", "u1", "NEWS", position{7, 0});
  EXPECT_EQ(a.resets["NEWS"], std::vector<int>{wire::RESET_TRIMMED});
  EXPECT_EQ(a.payloads("NEWS"), strings{"new"});
}

TEST_F(stream_trim, lets_streams_sleep_that_only_it_has_woken) {
  append(u1, "NEWS", "old");
  restart();
  count.streams = 0;
  now += 2 * hour;
  sweep();
  EXPECT_EQ(count.streams.load(), 1);
  for (int i = 0; i < 6; ++i)
    wait(std::chrono::seconds{120});
  EXPECT_EQ(count.streams.load(), 0);
}

} // namespace
} // namespace shoal::testing_support
