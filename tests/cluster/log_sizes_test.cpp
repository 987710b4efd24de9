#include <gtest/gtest.h>

#include "cluster/log_sizes.hpp"

namespace shoal::cluster {
namespace {

/// Records 1 to `n` of 10 bytes each.
log_sizes of(std::uint64_t n, std::size_t step) {
  auto x = log_sizes{step};
  for (auto lsn = std::uint64_t{1}; lsn <= n; ++lsn)
    x.append(lsn, 10);
  return x;
}

TEST(log_sizes, say_after_which_record_the_rest_fits) {
  auto x = of(100, 1);
  EXPECT_EQ(x.last_before(1000), 0u) << "all of them fit";
  EXPECT_EQ(x.last_before(999), 1u);
  EXPECT_EQ(x.last_before(50), 95u);
  EXPECT_EQ(x.last_before(0), 100u);
}

TEST(log_sizes, know_it_within_two_steps) {
  auto x = of(1000, 128);
  for (auto bytes = std::size_t{0}; bytes < 10'000; bytes += 77) {
    auto exact = 1000 - bytes / 10;
    EXPECT_LE(x.last_before(bytes), exact + 26) << bytes;
    EXPECT_GE(x.last_before(bytes) + 26, exact) << bytes;
  }
}

TEST(log_sizes, forget_what_is_trimmed) {
  auto x = of(100, 1);
  x.trim(60);
  EXPECT_EQ(x.last_before(400), 0u);
  EXPECT_EQ(x.last_before(390), 61u);
  x.trim(100);
  EXPECT_EQ(x.last_before(0), 0u) << "nothing is left";
}

TEST(log_sizes, follow_a_log_whose_end_is_replaced) {
  auto x = of(100, 1);
  x.truncate_after(50);
  EXPECT_EQ(x.last_before(499), 1u);
  x.append(51, 500);
  EXPECT_EQ(x.last_before(500), 50u);
  x.trim(20);
  x.truncate_after(20);
  EXPECT_EQ(x.last_before(0), 0u);
  x.clear();
  x.append(7, 10);
  EXPECT_EQ(x.last_before(9), 7u);
}

} // namespace
} // namespace shoal::cluster
