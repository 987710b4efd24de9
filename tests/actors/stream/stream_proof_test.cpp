// A stream whose log commits nothing for a while, as that of a leader which is cut off.
#include "tests/support/sync_test.hpp"

namespace shoal::testing_support {
namespace {

using strings = std::vector<std::string>;
const auto u1 = principal::user("u1");

/// Hands entries on, or keeps their answers back.
class cut_off_log : public storage::partition_log {
public:
  explicit cut_off_log(std::shared_ptr<storage::partition_log> inner, const bool& is_cut_off)
      : inner_{std::move(inner)}, is_cut_off_{is_cut_off} {}

  ec submit(storage::write_batch rows, std::uint64_t failures_seen,
      std::function<void(ec)> done) override {
    if (!is_cut_off_)
      return inner_->submit(std::move(rows), failures_seen, std::move(done));
    kept_.push_back(std::move(done));
    return ec::none;
  }
  void submit_lazy(storage::write_batch rows) override { inner_->submit_lazy(std::move(rows)); }
  std::uint64_t failures() const override { return inner_->failures(); }
  std::uint64_t next_lsn() const override { return inner_->next_lsn(); }

  std::size_t answer(ec code) {
    auto all = std::exchange(kept_, {});
    for (auto& done : all)
      done(code);
    return all.size();
  }

private:
  std::shared_ptr<storage::partition_log> inner_;
  const bool& is_cut_off_;
  std::vector<std::function<void(ec)>> kept_;
};

class stream_proof : public sync_test {
public:
  void SetUp() override {
    wrap_log = [this](auto inner) {
      logs.push_back(std::make_shared<cut_off_log>(std::move(inner), cut_off));
      return logs.back();
    };
    sync_test::SetUp();
    add_biz("NEWS");
    add_biz("ALL", [](biz_config& x) {
      x.scope = biz_scope::global;
      x.target = biz_target::device;
    });
    append(u1, "NEWS", "one");
    append(principal::global(), "ALL", "one");
  }

  std::size_t answer(ec code) {
    auto out = std::size_t{0};
    for (auto& x : logs)
      out += x->answer(code);
    sched.run();
    return out;
  }

  bool cut_off = false;
  std::vector<std::shared_ptr<cut_off_log>> logs;
};

TEST_F(stream_proof, tells_nobody_to_reload_before_it_knows_that_it_leads) {
  cut_off = true;
  auto& a = online("d1", "u1", "NEWS", position{7, 40});
  wait(std::chrono::seconds{5});
  EXPECT_TRUE(a.resets.empty());
  EXPECT_EQ(answer(ec::none), 1u);
  EXPECT_EQ(a.resets["NEWS"], std::vector<int>{wire::RESET_AHEAD});
  EXPECT_EQ(a.payloads("NEWS"), strings{"one"});
}

TEST_F(stream_proof, is_asked_of_streams_behind_a_relay_too) {
  cut_off = true;
  auto& a = online("d1", "", "ALL", position{7, 40});
  wait(std::chrono::seconds{5});
  EXPECT_TRUE(a.resets.empty());
  EXPECT_EQ(answer(ec::none), 1u);
  EXPECT_EQ(a.resets["ALL"], std::vector<int>{wire::RESET_AHEAD});
}

TEST_F(stream_proof, costs_nothing_if_the_device_has_no_more_than_the_stream) {
  cut_off = true;
  auto& a = online("d1", "u1", "NEWS", position{7, 1});
  auto& b = online("d2", "u1", "NEWS");
  EXPECT_EQ(answer(ec::none), 0u);
  EXPECT_TRUE(a.resets.empty());
  EXPECT_EQ(b.payloads("NEWS"), strings{"one"});
}

TEST_F(stream_proof, that_fails_with_the_lead_leaves_the_answer_to_the_next_leader) {
  cut_off = true;
  auto& a = online("d1", "u1", "NEWS", position{7, 2});
  cut_off = false; // the one that is asked again
  append(u1, "NEWS", "two");
  EXPECT_EQ(answer(ec::outcome_unknown), 1u);
  EXPECT_TRUE(a.payloads("NEWS").empty());
  wait(std::chrono::milliseconds{200});
  EXPECT_TRUE(a.resets.empty()) << "it has no more than the next leader";
  append(u1, "NEWS", "three");
  EXPECT_EQ(a.payloads("NEWS"), strings{"three"});
}

TEST_F(stream_proof, that_fails_otherwise_is_an_answer) {
  cut_off = true;
  auto& a = online("d1", "u1", "NEWS", position{7, 40});
  EXPECT_EQ(answer(ec::storage_full), 1u);
  wait(std::chrono::seconds{1});
  EXPECT_TRUE(a.resets.empty());
  EXPECT_EQ(a.refused["NEWS"], ec::storage_full);
}

} // namespace
} // namespace shoal::testing_support
