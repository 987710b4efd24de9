#include <gmock/gmock.h>

#include "actors/gateway/figures.hpp"

namespace shoal::gateway {
namespace {

using mgw::result;

TEST(Figures, AddUpWhatLoopsCounted) {
  auto all = figures{};
  auto a = local_figures{}, b = local_figures{};
  a.of("shop", "test", "com.get").add(1'000, 500, result::success);
  b.of("shop", "test", "com.get").add(200'000, -1, result::backend_timeout);
  b.of("shop", "test", "com.put").add(10, 5, result::success);
  all.take(a);
  all.take(b);
  all.take(b); // nothing is left in it
  auto rows = all.read();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].operation, "com.get");
  EXPECT_EQ(rows[0].sum.calls, 2u);
  EXPECT_EQ(rows[0].sum.backend_us, 500u);
  EXPECT_EQ(rows[0].sum.codes, (std::map<unsigned, std::uint64_t>{{4001, 1}}));
  EXPECT_EQ(rows[0].sum.quantile_us(0.5), 1'000);
  EXPECT_EQ(rows[0].sum.quantile_us(0.99), 250'000);
}

TEST(Figures, ManyApisDoNotMakeManySeries) {
  auto all = figures{};
  auto x = local_figures{};
  for (auto i = std::size_t{0}; i < figures::max_series + 100; ++i)
    x.of("a", "w", std::to_string(i)).add(1, 1, result::success);
  all.take(x);
  auto rows = all.read();
  EXPECT_EQ(rows.size(), figures::max_series + 1);
  EXPECT_EQ(rows[0].operation, "(others)");
  EXPECT_EQ(rows[0].sum.calls, 100u);
}

TEST(Figures, AreTextForPrometheus) {
  auto all = figures{};
  EXPECT_EQ(all.render(), "");
  auto x = local_figures{};
  x.of("shop", "test", "a\"b").add(40, 1, result::limit_exceeded);
  all.take(x);
  EXPECT_THAT(all.render(), testing::HasSubstr("shoal_gateway_refused_total{app=\"shop\",workspace="
                                               "\"test\",operation=\"a\\\"b\",code=\"1002\"} 1\n"));
  EXPECT_THAT(all.render(), testing::HasSubstr("operation=\"a\\\"b\",le=\"0.00005\"} 1\n"));
}

} // namespace
} // namespace shoal::gateway
