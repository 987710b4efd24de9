#include <thread>

#include <gtest/gtest.h>

#include "cluster/links/outbox.hpp"
#include "cluster/links/wire.hpp"

namespace shoal::cluster::links {
namespace {

using result = outbox::push_result;

constexpr auto much = std::size_t{1} << 30;

std::vector<std::pair<int, std::size_t>> tags_and_sizes(const std::string& bytes) {
  auto out = std::vector<std::pair<int, std::size_t>>{};
  auto reader = record_reader{};
  auto next = record{};
  reader.feed(bytes);
  while (reader.next(next) == record_reader::result::record)
    out.emplace_back(next.tag, next.body.size());
  return out;
}

std::string everything(outbox& x) {
  auto out = std::string{};
  x.fill(out, much);
  return out;
}

TEST(outbox, refuses_until_it_is_open_and_after_it_closed) {
  auto x = outbox{};
  EXPECT_EQ(x.push(traffic::calls, "a"), result::refused);
  x.open(1000);
  EXPECT_EQ(x.push(traffic::calls, "a"), result::queued_first);
  x.close();
  EXPECT_EQ(x.push(traffic::calls, "a"), result::refused);
  EXPECT_EQ(everything(x), "");
  EXPECT_EQ(x.in_flight(), 0u);
}

TEST(outbox, asks_to_be_woken_once_until_it_is_emptied) {
  auto x = outbox{};
  x.open(1000);
  EXPECT_EQ(x.push(traffic::calls, "a"), result::queued_first);
  EXPECT_EQ(x.push(traffic::feeds, "a"), result::queued);
  everything(x);
  EXPECT_EQ(x.push(traffic::feeds, "a"), result::queued_first);
}

TEST(outbox, opens_a_window_only_when_the_peer_has_taken_frames) {
  auto x = outbox{};
  x.open(2 * frame_cost(10));
  EXPECT_NE(x.push(traffic::calls, std::string(10, 'a')), result::refused);
  EXPECT_NE(x.push(traffic::calls, std::string(10, 'a')), result::refused);
  everything(x);
  EXPECT_EQ(x.push(traffic::calls, ""), result::refused);
  EXPECT_NE(x.push(traffic::feeds, ""), result::refused) << "each kind has a window of its own";
  EXPECT_TRUE(x.taken(traffic::calls, frame_cost(10)));
  EXPECT_NE(x.push(traffic::calls, std::string(10, 'a')), result::refused);
  EXPECT_EQ(x.push(traffic::calls, ""), result::refused);
}

TEST(outbox, does_not_believe_a_peer_that_took_more_than_was_sent_or_gives_back) {
  auto x = outbox{};
  x.open(1000);
  x.push(traffic::calls, "abc");
  EXPECT_FALSE(x.taken(traffic::calls, frame_cost(3) + 1));
  EXPECT_FALSE(x.taken(traffic::feeds, 1));
  EXPECT_TRUE(x.taken(traffic::calls, frame_cost(3)));
  EXPECT_FALSE(x.taken(traffic::calls, frame_cost(3) - 1));
}

TEST(outbox, cuts_frames_into_parts) {
  auto x = outbox{};
  x.open(much);
  x.push(traffic::replication, std::string(2 * max_record + 1, 'x'));
  x.push(traffic::replication, std::string(max_record, 'x'));
  x.push(traffic::replication, "");
  EXPECT_EQ(tags_and_sizes(everything(x)),
      (std::vector<std::pair<int, std::size_t>>{
          {0x01, max_record}, {0x01, max_record}, {0x11, 1}, {0x11, max_record}, {0x11, 0}}));
}

TEST(outbox, lets_control_leave_first_and_the_others_take_turns) {
  auto x = outbox{};
  x.open(much);
  for (auto i = 0; i < 3; ++i)
    x.push(traffic::replication, std::string(max_record, 'x'));
  for (auto i = 0; i < 20; ++i)
    x.push(traffic::calls, std::string(8192, 'x'));
  x.push(traffic::control, "first");
  auto order = std::string{};
  for (auto& [tag, size] : tags_and_sizes(everything(x)))
    order += "crfk"[tag & 3];
  EXPECT_EQ(order, "ckkkkrkkkkrkkkkrkkkkkkkk");
}

TEST(outbox, interrupts_a_long_frame_for_a_control_frame) {
  auto x = outbox{};
  auto out = std::string{};
  x.open(much);
  x.push(traffic::replication, std::string(10 * max_record, 'x'));
  ASSERT_TRUE(x.fill(out, 1));
  x.push(traffic::control, "now");
  out.clear();
  x.fill(out, 1);
  EXPECT_EQ(tags_and_sizes(out), (std::vector<std::pair<int, std::size_t>>{{0x10, 3}}));
}

TEST(outbox, keeps_every_frame_of_many_threads) {
  auto x = outbox{};
  x.open(much);
  constexpr auto each = 5000;
  auto threads = std::vector<std::thread>{};
  for (auto t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (auto i = 0; i < each; ++i)
        x.push(traffic::calls, "frame");
    });
  auto seen = std::size_t{0};
  while (seen < 4 * each)
    seen += tags_and_sizes(everything(x)).size();
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(seen, std::size_t{4 * each});
  EXPECT_EQ(everything(x), "");
}

} // namespace
} // namespace shoal::cluster::links
