#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/duration_histogram.hpp"

namespace shoal {
namespace {

using std::chrono::microseconds;

TEST(duration_histogram, counts_a_bound_in_its_own_bucket) {
  duration_histogram x;
  x.add(microseconds{50});
  x.add(microseconds{51});
  x.add(microseconds{100});
  auto got = x.read();
  EXPECT_EQ(got.buckets[0], 1u);
  EXPECT_EQ(got.buckets[1], 2u);
  EXPECT_EQ(got.count, 3u);
  EXPECT_EQ(got.sum_us, 201u);
}

TEST(duration_histogram, takes_what_is_longer_or_shorter_than_all_bounds) {
  duration_histogram x;
  x.add(std::chrono::hours{1});
  x.add(microseconds{-5});
  auto got = x.read();
  EXPECT_EQ(got.buckets.front(), 1u);
  EXPECT_EQ(got.buckets.back(), 1u);
  EXPECT_EQ(got.sum_us, 3'600'000'000u) << "a clock that went back takes nothing away";
}

TEST(duration_histogram, loses_nothing_that_many_threads_add) {
  constexpr auto threads = 6u, each = 10'000u;
  duration_histogram x;
  {
    std::vector<std::jthread> adders;
    for (auto i = 0u; i < threads; ++i)
      adders.emplace_back([&x] {
        for (auto n = 0u; n < each; ++n)
          x.add(microseconds{n % 7 * 100});
      });
  }
  EXPECT_EQ(x.read().count, threads * each);
}

TEST(duration_histogram, is_printed_in_seconds_with_cumulative_buckets) {
  duration_histogram x;
  x.add(microseconds{80});
  x.add(microseconds{2'400});
  x.add(std::chrono::seconds{11});
  std::string out;
  render_histogram(out, "shoal_wait_seconds", "How long.", x.read());
  EXPECT_TRUE(out.starts_with("# HELP shoal_wait_seconds How long.\n"
                              "# TYPE shoal_wait_seconds histogram\n"
                              "shoal_wait_seconds_bucket{le=\"0.00005\"} 0\n"
                              "shoal_wait_seconds_bucket{le=\"0.0001\"} 1\n"))
      << out;
  EXPECT_NE(
      out.find("{le=\"0.001\"} 1\nshoal_wait_seconds_bucket{le=\"0.0025\"} 2\n"), std::string::npos)
      << out;
  EXPECT_TRUE(out.ends_with("shoal_wait_seconds_bucket{le=\"10\"} 2\n"
                            "shoal_wait_seconds_bucket{le=\"+Inf\"} 3\n"
                            "shoal_wait_seconds_sum 11.00248\n"
                            "shoal_wait_seconds_count 3\n"))
      << out;
}

TEST(duration_histogram, keeps_labels_beside_the_bound) {
  std::string out;
  render_series(out, "x", "route=\"GET /y\"", {});
  EXPECT_TRUE(out.starts_with("x_bucket{route=\"GET /y\",le=\"0.00005\"} 0\n")) << out;
  EXPECT_TRUE(out.ends_with("x_sum{route=\"GET /y\"} 0\nx_count{route=\"GET /y\"} 0\n")) << out;
}

} // namespace
} // namespace shoal
