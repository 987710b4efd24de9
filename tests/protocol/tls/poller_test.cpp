#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/tls/poller.hpp"

namespace shoal::tls {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto read = poller::read, write = poller::write, gone = poller::gone,
               nothing = poller::nothing;
constexpr auto self = target{7, 3};

struct told {
  std::uint32_t slot, generation;
  std::uint8_t what;
  bool operator==(const told&) const = default;
};

/// Both ends of a connection.
struct wire {
  wire() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0); }
  ~wire() {
    close(0);
    close(1);
  }
  wire(const wire&) = delete;

  void close(int i) {
    if (ends[i] >= 0)
      ::close(ends[i]);
    ends[i] = -1;
  }
  void say_to_us() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
  void read_all() const {
    char buffer[16];
    EXPECT_GT(::read(ends[0], buffer, sizeof buffer), 0);
  }

  int ends[2] = {-1, -1}; // ours, the peer's
};

struct poller_test : testing::Test {
  std::vector<told> take() {
    auto out = std::vector<told>{};
    sockets.take([&](target x, std::uint8_t what) { out.push_back({x.slot, x.generation, what}); });
    return out;
  }

  boost::asio::io_context context;
  poller sockets{context};
  wire line;
};

TEST_F(poller_test, tells_of_bytes_until_they_are_read) {
  ASSERT_TRUE(sockets.add(line.ends[0], self, read));
  EXPECT_THAT(take(), IsEmpty());
  line.say_to_us();
  EXPECT_THAT(take(), ElementsAre(told{7, 3, read}));
  EXPECT_THAT(take(), ElementsAre(told{7, 3, read}));
  line.read_all();
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(poller_test, tells_only_what_was_wished) {
  ASSERT_TRUE(sockets.add(line.ends[0], self, nothing));
  line.say_to_us();
  EXPECT_THAT(take(), IsEmpty());
  sockets.change(line.ends[0], self, write);
  EXPECT_THAT(take(), ElementsAre(told{7, 3, write}));
  sockets.change(line.ends[0], self, read);
  EXPECT_THAT(take(), ElementsAre(told{7, 3, read})) << "bytes that came before the wish";
}

TEST_F(poller_test, tells_both_when_the_peer_is_gone) {
  ASSERT_TRUE(sockets.add(line.ends[0], self, read));
  line.close(1);
  EXPECT_THAT(take(), ElementsAre(told{7, 3, read | write | gone}));
}

TEST_F(poller_test, tells_a_socket_without_wishes_once_that_its_peer_is_gone) {
  ASSERT_TRUE(sockets.add(line.ends[0], self, nothing));
  line.close(1);
  EXPECT_THAT(take(), SizeIs(1));
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(poller_test, tells_who_wishes_to_know_that_its_peer_sends_nothing_more) {
  ASSERT_TRUE(sockets.add(line.ends[0], self, write));
  ::shutdown(line.ends[1], SHUT_WR);
  EXPECT_THAT(take(), ElementsAre(told{7, 3, write}));
  sockets.change(line.ends[0], self, write | gone);
  EXPECT_THAT(take(), ElementsAre(told{7, 3, write | gone}));
  sockets.change(line.ends[0], self, gone);
  EXPECT_THAT(take(), ElementsAre(told{7, 3, gone}));
  EXPECT_THAT(take(), IsEmpty()) << "once, to who wishes nothing else";
}

TEST_F(poller_test, forgets_a_socket_that_was_closed) {
  ASSERT_TRUE(sockets.add(line.ends[0], self, read));
  line.say_to_us();
  line.close(0);
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(poller_test, tells_of_all_in_turn_when_they_are_too_many_for_one_time) {
  constexpr auto count = 2u * poller::most_at_once;
  auto others = std::vector<wire>(count);
  for (auto i = 0u; i < count; ++i) {
    ASSERT_TRUE(sockets.add(others[i].ends[0], {i, 1}, read));
    others[i].say_to_us();
  }
  auto seen = std::set<std::uint32_t>{};
  for (auto i = 0; i < 2; ++i)
    for (auto& x : take())
      seen.insert(x.slot);
  EXPECT_EQ(seen.size(), count);
}

TEST_F(poller_test, wakes_its_loop_once_per_wait) {
  ASSERT_TRUE(sockets.add(line.ends[0], self, read));
  auto woken = 0;
  sockets.async_wait([&] { ++woken; });
  context.poll();
  EXPECT_EQ(woken, 0);
  line.say_to_us();
  context.poll();
  EXPECT_EQ(woken, 1);
  context.restart();
  context.poll();
  EXPECT_EQ(woken, 1);
  sockets.async_wait([&] { ++woken; }); // nobody read: it is still to be told
  context.restart();
  context.poll();
  EXPECT_EQ(woken, 2);
}

} // namespace
} // namespace shoal::tls
