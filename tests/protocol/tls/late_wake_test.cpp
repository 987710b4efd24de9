#include <gtest/gtest.h>

#include "protocol/tls/late_wake.hpp"
#include "tests/support/test_endpoint.hpp"
#include "tests/support/tls_client.hpp"

namespace shoal::test {
namespace {

shared_bytes numbered_frame(int i) {
  return std::make_shared<const std::string>(encode_frame(frame_type::ops, std::to_string(i)));
}

class late_wake_test : public ::testing::Test {
public:
  int read_number() {
    auto x = client.read_frame();
    return x ? std::stoi(x->body) : -1;
  }

  test_endpoint server{{.loops = 1}};
  tls_client client{server.port()};
  std::shared_ptr<recording_sink> sink = server.next_sink();
};

TEST_F(late_wake_test, wakes_once_for_many_frames_and_keeps_their_order) {
  auto later = tls::late_wake{};
  for (auto i = 0; i < 10; ++i)
    sink->link.send(numbered_frame(i));
  EXPECT_EQ(server->stats().frames_out, 0u);
  later.wake();
  for (auto i = 0; i < 10; ++i)
    EXPECT_EQ(read_number(), i);
}

TEST_F(late_wake_test, wakes_when_it_ends) {
  {
    auto later = tls::late_wake{};
    sink->link.send(numbered_frame(3));
  }
  EXPECT_EQ(read_number(), 3);
}

TEST_F(late_wake_test, lets_no_frame_of_another_thread_overtake) {
  for (auto round = 0; round < 100; ++round) {
    auto later = tls::late_wake{};
    sink->link.send(numbered_frame(2 * round));
    // As an actor that goes on, on another worker, before this one has woken the loop.
    std::thread{[&] { sink->link.send(numbered_frame(2 * round + 1)); }}.join();
    ASSERT_EQ(read_number(), 2 * round);
    ASSERT_EQ(read_number(), 2 * round + 1);
  }
}

TEST_F(late_wake_test, outlives_the_endpoint_that_it_owes) {
  auto later = tls::late_wake{};
  auto own = std::make_unique<test_endpoint>();
  auto device = tls_client{own->port()};
  auto its_sink = own->next_sink();
  ASSERT_TRUE(its_sink);
  its_sink->link.send(numbered_frame(1));
  own.reset();
  later.wake(); // nobody
}

} // namespace
} // namespace shoal::test
