#include <gtest/gtest.h>

#include "protocol/tls/ticket_keys.hpp"

namespace shoal::tls {
namespace {

using namespace std::chrono_literals;

constexpr auto start = ticket_keys::time_point{};

TEST(ticket_keys, seal_with_one_key_during_its_lifetime) {
  auto keys = ticket_keys{10s, start};
  auto key = keys.sealing(start);
  EXPECT_EQ(keys.sealing(start + 9s).name, key.name);
  EXPECT_NE(keys.sealing(start + 10s).name, key.name);
}

TEST(ticket_keys, open_one_lifetime_longer_and_ask_for_renewal) {
  auto keys = ticket_keys{10s, start};
  auto key = keys.sealing(start);
  auto now = keys.opening(key.name, start + 9s);
  ASSERT_TRUE(now);
  EXPECT_FALSE(now->renew);
  auto later = keys.opening(key.name, start + 15s);
  ASSERT_TRUE(later);
  EXPECT_TRUE(later->renew);
  EXPECT_EQ(later->key.cipher, key.cipher);
  EXPECT_EQ(later->key.mac, key.mac);
}

TEST(ticket_keys, forget_after_two_lifetimes) {
  auto keys = ticket_keys{10s, start};
  auto key = keys.sealing(start);
  keys.sealing(start + 12s);
  EXPECT_FALSE(keys.opening(key.name, start + 23s));
}

TEST(ticket_keys, forget_after_two_lifetimes_in_which_nobody_asked) {
  auto keys = ticket_keys{10s, start};
  auto key = keys.sealing(start);
  EXPECT_FALSE(keys.opening(key.name, start + 20s));
}

TEST(ticket_keys, keep_the_previous_key_when_told_to_rotate) {
  auto keys = ticket_keys{10s, start};
  auto key = keys.sealing(start);
  keys.rotate(start + 1s);
  EXPECT_NE(keys.sealing(start + 1s).name, key.name);
  EXPECT_TRUE(keys.opening(key.name, start + 1s));
  keys.rotate(start + 2s);
  EXPECT_FALSE(keys.opening(key.name, start + 2s));
}

TEST(ticket_keys, differ_between_two_endpoints) {
  auto ours = ticket_keys{10s, start}, theirs = ticket_keys{10s, start};
  EXPECT_FALSE(ours.opening(theirs.sealing(start).name, start));
}

} // namespace
} // namespace shoal::tls
