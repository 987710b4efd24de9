#include <gtest/gtest.h>

#include "protocol/tls/gathering.hpp"
#include "tests/support/test_endpoint.hpp"
#include "tests/support/tls_client.hpp"

namespace shoal::test {
namespace {

shared_bytes numbered_frame(int i) {
  return std::make_shared<const std::string>(encode_frame(frame_type::ops, std::to_string(i)));
}

class gathering_test : public ::testing::Test {
public:
  int read_number() {
    auto x = client.read_frame();
    return x ? std::stoi(x->body) : -1;
  }

  test_endpoint server;
  tls_client client{server.port()};
  std::shared_ptr<recording_sink> sink = server.next_sink();
};

TEST_F(gathering_test, lets_nothing_go_before_the_flush_and_keeps_the_order) {
  auto gathered = tls::gathering{};
  for (auto i = 0; i < 10; ++i)
    sink->link.send(numbered_frame(i));
  EXPECT_EQ(server->stats().frames_out, 0u);
  gathered.flush();
  for (auto i = 0; i < 10; ++i)
    EXPECT_EQ(read_number(), i);
}

TEST_F(gathering_test, flushes_by_itself_when_it_holds_too_much_and_when_it_ends) {
  constexpr auto count = static_cast<int>(tls::gathering::most) * 2 + 1;
  {
    auto gathered = tls::gathering{};
    for (auto i = 0; i < count; ++i)
      sink->link.send(numbered_frame(i));
    EXPECT_EQ(read_number(), 0); // no flush was asked for
  }
  for (auto i = 1; i < count; ++i)
    ASSERT_EQ(read_number(), i);
}

TEST_F(gathering_test, keeps_a_close_behind_the_frames_before_it) {
  auto gathered = tls::gathering{};
  sink->link.send(numbered_frame(1));
  sink->link.close(numbered_frame(2), ec::kicked);
  gathered.flush();
  EXPECT_EQ(read_number(), 1);
  EXPECT_EQ(read_number(), 2);
  EXPECT_FALSE(client.read_frame());
}

TEST_F(gathering_test, belongs_to_its_thread) {
  auto gathered = tls::gathering{};
  auto other = std::thread{[&] { sink->link.send(numbered_frame(7)); }};
  other.join();
  EXPECT_EQ(read_number(), 7);
}

TEST_F(gathering_test, outlives_the_endpoint_with_what_it_holds) {
  auto gathered = tls::gathering{};
  auto own = std::make_unique<test_endpoint>();
  auto device = tls_client{own->port()};
  auto its_sink = own->next_sink();
  ASSERT_TRUE(its_sink);
  its_sink->link.send(numbered_frame(1));
  own.reset();
  gathered.flush(); // for nobody
}

} // namespace
} // namespace shoal::test
