#include <random>

#include <gtest/gtest.h>

#include "actors/device/feed.hpp"

namespace shoal {
namespace {

constexpr std::uint64_t epoch = 7;

class feed_test : public ::testing::Test {
public:
  feed_test() { rules.start({epoch, 0}, 0, credit); }

  static storage::op_ptr op(std::uint64_t id, std::string os = {}, std::size_t size = 10) {
    auto x = std::make_shared<storage::op_record>();
    x->id = id;
    x->filter.os = std::move(os);
    x->payload = std::string(size, 'x');
    return x;
  }

  /// Ops (after, upto], all without filter.
  op_batch_ptr batch(std::uint64_t after, std::uint64_t upto) const {
    std::vector<storage::op_ptr> ops;
    for (auto id = after + 1; id <= upto; ++id)
      ops.push_back(op(id));
    return std::make_shared<const op_batch>(biz, epoch, after, upto, std::move(ops));
  }

  op_batch_ptr batch_of(
      std::uint64_t after, std::uint64_t upto, std::vector<storage::op_ptr> ops) const {
    return std::make_shared<const op_batch>(biz, epoch, after, upto, std::move(ops));
  }

  feed_output live(op_batch_ptr x) {
    auto latest = x->upto;
    return rules.take({1, std::move(x), false, latest, ec::none}, device, now, credit);
  }

  feed_output page(op_batch_ptr x, std::uint64_t latest) {
    return rules.take({1, std::move(x), true, latest, ec::none}, device, now, credit);
  }

  biz_ptr biz = std::make_shared<biz_config>();
  device_info device;
  moment now{10'000'000, 500};
  window credit{4, 1000};
  feed rules{biz, {}, "d1"};
};

TEST_F(feed_test, passes_a_whole_batch_on_unchanged) {
  auto x = batch(0, 3);
  auto out = live(x);
  EXPECT_TRUE(out.send);
  EXPECT_EQ(out.whole, x) << "so that the encoded frame can be shared";
  EXPECT_EQ(rules.told(), 3u);
  EXPECT_FALSE(rules.wants_pull(credit, now));
}

TEST_F(feed_test, never_lets_a_live_op_overtake_what_is_missing) {
  EXPECT_FALSE(live(batch(5, 6)).send);
  EXPECT_EQ(rules.seen(), 0u);
  EXPECT_TRUE(rules.wants_pull(credit, now));
  EXPECT_FALSE(rules.wants_pull(credit, now)) << "one pull at a time";
  EXPECT_TRUE(page(batch(0, 4), 6).send);
  rules.acknowledge(4, credit, now.steady_ms);
  EXPECT_TRUE(rules.wants_pull(credit, now));
  auto out = page(batch(4, 6), 6);
  EXPECT_EQ(out.after, 4u);
  EXPECT_EQ(out.upto, 6u);
}

TEST_F(feed_test, drops_what_it_has_seen_and_cuts_what_overlaps) {
  live(batch(0, 3));
  EXPECT_FALSE(live(batch(0, 3)).send);
  auto out = live(batch(1, 4));
  ASSERT_TRUE(out.send);
  EXPECT_EQ(out.whole, nullptr);
  ASSERT_EQ(out.part.size(), 1u);
  EXPECT_EQ(out.part[0]->id, 4u);
  EXPECT_EQ(out.after, 3u);
}

TEST_F(feed_test, sends_no_more_than_the_window_and_goes_on_after_an_ack) {
  auto out = live(batch(0, 10));
  EXPECT_EQ(out.part.size(), 4u);
  EXPECT_EQ(out.upto, 4u);
  EXPECT_FALSE(rules.wants_pull(credit, now)) << "the window is full";
  EXPECT_EQ(rules.acknowledge(4, credit, now.steady_ms), ec::none);
  EXPECT_TRUE(rules.wants_pull(credit, now));
}

TEST_F(feed_test, lets_one_op_pass_that_is_larger_than_the_window) {
  auto out = live(batch_of(0, 1, {op(1, {}, 5000)}));
  EXPECT_TRUE(out.send);
  EXPECT_FALSE(credit.open());
}

TEST_F(feed_test, moves_over_filtered_ops_and_tells_the_device_later) {
  device.os = "android";
  EXPECT_FALSE(live(batch_of(0, 2, {op(1, "ios"), op(2, "ios")})).send);
  EXPECT_EQ(rules.seen(), 2u);
  EXPECT_EQ(rules.told(), 0u);
  auto out = live(batch_of(2, 3, {op(3)}));
  EXPECT_EQ(out.after, 0u) << "the frame covers the silent ids too";
  EXPECT_EQ(out.upto, 3u);
  EXPECT_EQ(out.whole, nullptr) << "the batch alone would leave a gap for the device";
}

TEST_F(feed_test, tells_of_passed_ids_in_an_empty_frame_when_nothing_else_comes) {
  device.os = "android";
  live(batch_of(0, 2, {op(1, "ios"), op(2, "ios")}));
  auto out = rules.tell(now.steady_ms);
  EXPECT_TRUE(out.send);
  EXPECT_TRUE(out.part.empty());
  EXPECT_EQ(out.upto, 2u);
  EXPECT_FALSE(rules.tell(now.steady_ms).send);
  EXPECT_EQ(rules.acknowledge(2, credit, now.steady_ms), ec::none);
}

TEST_F(feed_test, skips_expired_ops) {
  auto dead = std::make_shared<storage::op_record>(*op(1));
  dead->valid_until_ms = now.wall_ms - 1;
  auto out = live(batch_of(0, 2, {dead, op(2)}));
  ASSERT_EQ(out.part.size(), 1u);
  EXPECT_EQ(out.part[0]->id, 2u);
}

TEST_F(feed_test, stops_before_an_op_that_is_not_valid_yet_and_asks_again_then) {
  auto later = std::make_shared<storage::op_record>(*op(2));
  later->valid_from_ms = now.wall_ms + 500;
  auto out = live(batch_of(0, 3, {op(1), later, op(3)}));
  EXPECT_EQ(out.upto, 1u);
  EXPECT_FALSE(rules.wants_pull(credit, now));
  EXPECT_TRUE(rules.wants_pull(credit, {now.wall_ms + 500, now.steady_ms}));
}

TEST_F(feed_test, asks_again_after_a_failed_pull_whatever_the_wall_clock_is_set_to) {
  live(batch(5, 6));
  ASSERT_TRUE(rules.wants_pull(credit, now));
  rules.pull_failed(now.steady_ms + 200);
  EXPECT_FALSE(rules.wants_pull(credit, {now.wall_ms + 3'600'000, now.steady_ms + 199}));
  EXPECT_TRUE(rules.wants_pull(credit, {now.wall_ms - 3'600'000, now.steady_ms + 200}));
}

TEST_F(feed_test, refuses_an_ack_of_what_was_never_sent) {
  live(batch(0, 2));
  EXPECT_EQ(rules.acknowledge(3, credit, now.steady_ms), ec::bad_position);
  EXPECT_EQ(rules.acknowledge(2, credit, now.steady_ms), ec::none);
  EXPECT_EQ(rules.acknowledge(1, credit, now.steady_ms), ec::none) << "late, but harmless";
  EXPECT_EQ(rules.acked(), 2u);
}

TEST_F(feed_test, measures_waiting_from_the_last_progress) {
  EXPECT_EQ(rules.oldest_unacked_ms(), std::nullopt);
  live(batch(0, 2));
  EXPECT_EQ(rules.oldest_unacked_ms(), now.steady_ms);
  rules.acknowledge(1, credit, now.steady_ms + 50);
  EXPECT_EQ(rules.oldest_unacked_ms(), now.steady_ms + 50);
  rules.acknowledge(2, credit, now.steady_ms + 60);
  EXPECT_EQ(rules.oldest_unacked_ms(), std::nullopt);
}

TEST_F(feed_test, gives_its_credit_back_when_it_starts_again) {
  live(batch(0, 4));
  EXPECT_FALSE(credit.open());
  rules.start({epoch, 0}, 4, credit);
  EXPECT_EQ(credit.ops(), 0u);
  EXPECT_EQ(credit.bytes(), 0u);
}

TEST_F(feed_test, ignores_batches_of_another_history) {
  auto other =
      std::make_shared<const op_batch>(biz, epoch + 1, 0, 1, std::vector<storage::op_ptr>{op(1)});
  EXPECT_FALSE(live(other).send);
}

// Whatever the order of live batches, pages and acks: the device sees every op once, in order,
// without a gap.
TEST_F(feed_test, keeps_its_promise_under_any_interleaving) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    window w{static_cast<std::uint32_t>(1 + random() % 8), 1000};
    feed f{biz, {}, "d1"};
    f.start({epoch, 0}, 0, w);
    std::uint64_t committed = 0, position = 0;
    std::optional<std::uint64_t> asked;
    std::vector<op_batch_ptr> flying;
    auto receive = [&](const feed_output& out) {
      if (!out.send)
        return;
      auto after = out.whole ? out.whole->after : out.after;
      auto upto = out.whole ? out.whole->upto : out.upto;
      auto& ops = out.whole ? out.whole->ops : out.part;
      ASSERT_EQ(after, position);
      for (auto& x : ops) {
        ASSERT_EQ(x->id, position + 1);
        position = x->id;
      }
      ASSERT_EQ(position, upto);
    };
    for (int step = 0; step < 400; ++step) {
      switch (random() % 5) {
      case 0:
        if (step < 300) {
          auto n = 1 + random() % 3;
          flying.push_back(batch(committed, committed + n));
          committed += n;
        }
        break;
      case 1: // live batches arrive in order, some are lost to a full window
        if (!flying.empty()) {
          receive(
              f.take({1, flying.front(), false, flying.front()->upto, ec::none}, device, now, w));
          flying.erase(flying.begin());
        }
        break;
      case 2:
        if (!asked && f.wants_pull(w, now))
          asked = f.seen();
        break;
      case 3:
        if (asked) {
          auto upto = std::min<std::uint64_t>(committed, *asked + 1 + random() % 5);
          receive(f.take({1, batch(*asked, upto), true, committed, ec::none}, device, now, w));
          asked.reset();
        }
        break;
      default:
        ASSERT_EQ(f.acknowledge(position, w, now.steady_ms), ec::none);
      }
    }
    for (int i = 0; i < 1000 && position < committed; ++i) {
      ASSERT_EQ(f.acknowledge(position, w, now.steady_ms), ec::none);
      if (asked || f.wants_pull(w, now)) {
        auto from = asked.value_or(f.seen());
        receive(f.take({1, batch(from, committed), true, committed, ec::none}, device, now, w));
        asked.reset();
      } else if (!flying.empty()) {
        receive(f.take({1, flying.front(), false, flying.front()->upto, ec::none}, device, now, w));
        flying.erase(flying.begin());
      }
    }
    ASSERT_EQ(position, committed);
  }
}

TEST_F(feed_test, takes_acknowledgements_of_what_an_earlier_source_sent) {
  live(batch(0, 3));
  rules.start({epoch, 1}, 3, credit); // the stream moved, and its new owner knows of one
  EXPECT_EQ(rules.acknowledge(3, credit, now.steady_ms), ec::none);
  EXPECT_EQ(rules.acked(), 3u);
  EXPECT_FALSE(rules.wants_pull(credit, now)) << "the device has all of it";
  auto out = page(batch(1, 4), 4);
  EXPECT_EQ(out.after, 3u);
  EXPECT_EQ(out.upto, 4u);
  EXPECT_EQ(rules.acknowledge(5, credit, now.steady_ms), ec::bad_position);
}

TEST_F(feed_test, takes_no_acknowledgement_of_what_was_sent_before_a_reset) {
  live(batch(0, 3));
  rules.forget_sent();
  rules.start({epoch, 1}, 3, credit);
  EXPECT_EQ(rules.acknowledge(3, credit, now.steady_ms), ec::bad_position);
}

TEST_F(feed_test, takes_no_acknowledgement_of_what_was_sent_in_another_epoch) {
  live(batch(0, 3));
  rules.start({epoch + 1, 1}, 3, credit);
  EXPECT_EQ(rules.acknowledge(3, credit, now.steady_ms), ec::bad_position);
}

} // namespace
} // namespace shoal
