#include <gtest/gtest.h>

#include "actors/relay/page_cache.hpp"

namespace shoal {
namespace {

op_batch_ptr page(std::uint64_t after, std::uint64_t upto, std::size_t size = 10) {
  std::vector<storage::op_ptr> ops;
  for (auto id = after + 1; id <= upto; ++id) {
    auto op = std::make_shared<storage::op_record>();
    op->id = id;
    op->payload = std::string(size, 'x');
    ops.push_back(std::move(op));
  }
  return std::make_shared<const op_batch>(
      std::make_shared<biz_config>(), 1, after, upto, std::move(ops));
}

TEST(page_cache, finds_the_page_that_holds_the_next_id) {
  page_cache cache{1 << 20};
  cache.put(page(0, 64));
  cache.put(page(64, 128));
  EXPECT_EQ(cache.find(0)->after, 0u);
  EXPECT_EQ(cache.find(63)->after, 0u);
  EXPECT_EQ(cache.find(64)->after, 64u);
  EXPECT_EQ(cache.find(128), nullptr);
}

TEST(page_cache, lets_everyone_inside_a_page_ask_for_the_same_start) {
  page_cache cache{1 << 20};
  EXPECT_EQ(cache.start_for(0, 64), 0u);
  EXPECT_EQ(cache.start_for(63, 64), 0u);
  EXPECT_EQ(cache.start_for(100, 64), 64u);
}

TEST(page_cache, goes_on_behind_a_page_that_was_cut_short) {
  page_cache cache{1 << 20};
  cache.put(page(64, 70)); // large ops: fewer fit
  EXPECT_EQ(cache.start_for(70, 64), 70u) << "else the same page would be read for ever";
  EXPECT_EQ(cache.start_for(75, 64), 70u);
}

TEST(page_cache, forgets_the_least_recently_used_first) {
  page_cache cache{3 * (2 * 64 * 10 + 64 * 200 + 200)};
  cache.put(page(0, 64));
  cache.put(page(64, 128));
  cache.put(page(128, 192));
  EXPECT_NE(cache.find(0), nullptr);
  cache.put(page(192, 256));
  EXPECT_EQ(cache.find(64), nullptr);
  EXPECT_NE(cache.find(0), nullptr);
}

TEST(page_cache, keeps_the_longer_of_two_pages_with_the_same_start) {
  page_cache cache{1 << 20};
  cache.put(page(0, 10));
  cache.put(page(0, 20));
  cache.put(page(0, 5));
  EXPECT_EQ(cache.pages(), 1u);
  EXPECT_EQ(cache.find(15)->upto, 20u);
}

TEST(page_cache, takes_no_empty_page) {
  page_cache cache{1 << 20};
  cache.put(page(5, 5));
  EXPECT_EQ(cache.pages(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
}

} // namespace
} // namespace shoal
