// 40,000 APIs, and one of them changes: what that copies, and what is left of it.
#include <gtest/gtest.h>
#include <malloc.h>

#include "actors/gateway/registry.hpp"

namespace shoal::gateway {
namespace {

constexpr auto api_count = 40'000;

std::size_t bytes_in_use() { return mallinfo2().uordblks; }

api_ptr api(int number, std::uint32_t timeout_ms = 0) {
  auto out = std::make_shared<api_definition>();
  out->operation =
      "com.shop.service" + std::to_string(number % 200) + ".op" + std::to_string(number);
  out->group = "orders";
  out->method = "GET";
  out->path = "/service" + std::to_string(number % 200) + "/op" + std::to_string(number) + "/{id}";
  out->timeout_ms = timeout_ms;
  return out;
}

struct registry_scale : ::testing::Test {
  registry_scale() {
    for (auto i = 0; i < api_count; ++i)
      now = now.with(shop, api(i));
  }

  const world_name shop{app_no{1}, "shop"};
  registry now;
};

TEST_F(registry_scale, finds_each_of_them_by_operation_and_by_path) {
  ASSERT_EQ(now.size(), static_cast<std::size_t>(api_count));
  auto& in = now.find("shop", "");
  for (auto i = 0; i < api_count; i += 97) {
    auto x = api(i);
    ASSERT_TRUE(in->api(x->operation));
    ASSERT_EQ(in->api("GET", x->path), in->api(x->operation));
  }
  EXPECT_FALSE(in->api("com.shop.service1.op2"));
}

TEST_F(registry_scale, a_change_copies_little_while_the_old_registry_is_kept) {
  auto before = bytes_in_use();
  if (before == 0)
    GTEST_SKIP() << "this allocator does not count";
  auto changed = now.with(shop, api(4711, 5));
  auto copied = bytes_in_use() - before;
  EXPECT_LT(copied, 16'384u);
  EXPECT_EQ(changed.find("shop", "", api(4711)->operation).api->timeout_ms, 5u);
  EXPECT_EQ(now.find("shop", "", api(4711)->operation).api->timeout_ms, 0u);
}

TEST_F(registry_scale, ten_thousand_changes_leave_nothing_behind) {
  auto cell = registry_cell{};
  cell.store(std::make_shared<const registry>(std::move(now)));
  auto reader = registry_reader{cell};
  auto change = [&](int i) {
    auto old = cell.load();
    auto next = i % 10 == 9 ? old->without(shop.no, entry_kind::api, api(i)->operation)
                            : old->with(shop, api(i / 10 * 10 + i % 9, 7));
    if (i % 10 == 9)
      next = next.with(shop, api(i));
    cell.store(std::make_shared<const registry>(std::move(next)));
    reader.now();
  };
  for (auto i = 0; i < 10'000; ++i) // every API that will change has its final size
    change(i);
  auto before = bytes_in_use();
  for (auto i = 0; i < 10'000; ++i)
    change(i);
  auto after = bytes_in_use();
  EXPECT_LT(after, before + 65'536);
  EXPECT_EQ(reader.now().size(), static_cast<std::size_t>(api_count));
}

} // namespace
} // namespace shoal::gateway
