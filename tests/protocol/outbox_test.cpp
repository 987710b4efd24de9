#include <array>
#include <random>

#include <gtest/gtest.h>

#include "protocol/outbox.hpp"

namespace shoal {
namespace {

shared_bytes share(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

class outbox_test : public ::testing::Test {
public:
  std::string_view next() { return box.next(scratch); }

  outbox box;
  std::array<char, 16 * 1024> scratch{};
};

TEST_F(outbox_test, gathers_small_messages_into_one_write) {
  box.push(share("abc"));
  box.push(share("def"));
  box.push(share("ghi"));
  EXPECT_EQ(next(), "abcdefghi");
}

TEST_F(outbox_test, gives_lone_and_big_messages_without_copying) {
  auto lone = share("abc");
  box.push(lone);
  EXPECT_EQ(next().data(), lone->data());
  box.pop(3);
  auto big = share(std::string(100'000, 'x'));
  box.push(big);
  box.push(share("tail"));
  EXPECT_EQ(next().data(), big->data());
  EXPECT_EQ(next().size(), big->size());
}

TEST_F(outbox_test, goes_on_where_a_partial_write_ended) {
  box.push(share("abc"));
  box.push(share("def"));
  box.pop(4);
  EXPECT_EQ(next(), "ef");
  EXPECT_EQ(box.bytes(), 2u);
  box.pop(2);
  EXPECT_TRUE(box.empty());
}

TEST_F(outbox_test, ignores_nothing_at_all) {
  box.push(nullptr);
  box.push(share(""));
  EXPECT_TRUE(box.empty());
}

TEST_F(outbox_test, never_offers_less_than_before) {
  box.push(share(std::string(3000, 'a')));
  auto before = next().size();
  box.push(share(std::string(500'000, 'b')));
  EXPECT_GE(next().size(), before);
  EXPECT_EQ(next().substr(0, 3000), std::string(3000, 'a'));
}

TEST_F(outbox_test, drops_whole_messages_behind_what_must_stay) {
  for (auto text : {"abc", "def", "ghi", "jkl"})
    box.push(share(text));
  box.keep_only(4);
  EXPECT_EQ(next(), "abcdef");
}

TEST_F(outbox_test, keeps_the_message_that_has_begun_to_leave) {
  box.push(share("abc"));
  box.push(share("def"));
  box.pop(1);
  box.keep_only(0);
  EXPECT_EQ(next(), "bc");
}

TEST_F(outbox_test, drops_everything_if_nothing_has_begun_to_leave) {
  box.push(share("abc"));
  box.keep_only(0);
  EXPECT_TRUE(box.empty());
  box.push(share("next"));
  EXPECT_EQ(next(), "next");
}

TEST_F(outbox_test, sends_all_bytes_in_order_whatever_the_sizes) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto expected = std::string{}, got = std::string{};
  for (auto i = 0; i < 3000; ++i) {
    auto message = std::string(random() % (random() % 10 == 0 ? 40'000 : 300), 'a');
    for (auto& c : message)
      c = static_cast<char>('a' + random() % 26);
    expected += message;
    box.push(share(message));
    while (!box.empty() && random() % 3 != 0) {
      auto bytes = next();
      auto n = 1 + random() % bytes.size();
      got += bytes.substr(0, n);
      box.pop(n);
    }
  }
  while (!box.empty()) {
    got += next();
    box.pop(next().size());
  }
  EXPECT_EQ(got, expected);
}

} // namespace
} // namespace shoal
