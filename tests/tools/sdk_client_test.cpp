// The client against a scripted server on loopback: what `session` cannot show (sockets, TLS,
// threads).
#include <condition_variable>
#include <deque>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/device.pb.h"
#include "tests/support/test_endpoint.hpp"
#include "tools/sdk/cpp/client.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;

/// What the client's thread tells the test's.
template <class T>
class mailbox {
public:
  void put(T x) {
    {
      auto guard = std::lock_guard{mutex_};
      waiting_.push_back(std::move(x));
    }
    changed_.notify_all();
  }
  /// A default value if nothing comes in time.
  T take() {
    auto guard = std::unique_lock{mutex_};
    if (!changed_.wait_for(guard, 20s, [&] { return !waiting_.empty(); }))
      return {};
    auto x = std::move(waiting_.front());
    waiting_.pop_front();
    return x;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> waiting_;
};

void send(tls::link to, frame_type type, const google::protobuf::MessageLite& m) {
  to.send(std::make_shared<const std::string>(encode_frame(type, m.SerializeAsString())));
}

void close(tls::link to, ec code, std::int64_t server_time_ms = 0) {
  auto m = wire::Close{};
  m.set_code(static_cast<std::uint32_t>(code));
  m.set_server_time_ms(server_time_ms);
  auto bytes = encode_frame(frame_type::close, m.SerializeAsString());
  to.close(std::make_shared<const std::string>(bytes), code);
}

/// Welcomes, subscribes from (7, 0) and sends op 1.
void serve(tls::link to, const frame& x) {
  to.consumed(1);
  if (x.type == frame_type::hello) {
    auto m = wire::Welcome{};
    m.set_window_ops(64);
    m.set_window_bytes(1 << 20);
    send(to, frame_type::welcome, m);
  }
  if (x.type == frame_type::subscribe) {
    auto m = wire::Subscribed{};
    m.set_biz("NEWS");
    m.mutable_position()->set_epoch(7);
    send(to, frame_type::subscribed, m);
    auto ops = wire::Ops{};
    ops.set_biz("NEWS");
    ops.set_epoch(7);
    ops.set_upto(1);
    ops.add_ops()->set_id(1);
    ops.mutable_ops(0)->set_payload("hello");
    send(to, frame_type::ops, ops);
  }
}

class sdk_client : public testing::Test {
public:
  client_options options() {
    auto x = client_options{};
    x.port = server.port();
    x.ca_file = server.certificate_file();
    x.key = "dk_test";
    x.secret = "secret";
    x.device = "d1";
    x.ack_delay = 0ms;
    return x;
  }

  /// The next state that is not `connecting`.
  state_change next_state() {
    auto x = states.take();
    return x.state == client_state::connecting ? states.take() : x;
  }

  void follow(client& x) {
    x.on_state([this](auto& change) { states.put(change); });
    x.subscribe("NEWS", [this](auto& op) { ops.put(op); });
    x.connect();
  }

  mailbox<state_change> states;
  mailbox<received_op> ops;
  test::test_endpoint server;
};

TEST_F(sdk_client, receives_and_acknowledges) {
  server.reaction = serve;
  auto app = client{options()};
  follow(app);
  auto op = ops.take();
  EXPECT_EQ(op.payload, "hello");
  EXPECT_EQ(op.at, (position{7, 1}));
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(3));
  EXPECT_EQ(sink->frames()[2].type, frame_type::ack);
}

TEST_F(sdk_client, acknowledges_what_was_handled_before_it_stops) {
  server.reaction = serve;
  auto wishes = options();
  wishes.ack_delay = 1h;
  auto app = client{wishes};
  follow(app);
  ops.take();
  app.stop();
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_closed());
  EXPECT_EQ(sink->frames().back().type, frame_type::ack);
}

TEST_F(sdk_client, corrects_its_clock_and_resumes_tls) {
  auto first = std::atomic<bool>{true};
  server.reaction = [&](tls::link to, const frame& x) {
    if (first.exchange(false))
      close(to, ec::clock_skew, 1'000'000);
    else
      serve(to, x);
  };
  auto app = client{options()};
  follow(app);
  EXPECT_EQ(next_state().code, ec::clock_skew);
  auto online = next_state();
  EXPECT_EQ(online.state, client_state::online);
  EXPECT_TRUE(online.resumed);
  server.next_sink();
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(1));
  auto hello = wire::Hello{};
  ASSERT_TRUE(hello.ParseFromString(sink->frames()[0].body));
  EXPECT_NEAR(static_cast<double>(hello.timestamp_ms()), 1'000'000, 60'000);
}

TEST_F(sdk_client, stays_away_when_it_was_replaced_until_asked_to_connect) {
  server.reaction = [](tls::link to, const frame&) { close(to, ec::replaced); };
  auto app = client{options()};
  follow(app);
  auto end = next_state();
  EXPECT_EQ(end.state, client_state::stopped);
  EXPECT_EQ(end.code, ec::replaced);
  app.connect();
  EXPECT_EQ(next_state().code, ec::replaced);
}

TEST_F(sdk_client, refuses_a_server_that_it_cannot_trust) {
  auto wishes = options();
  wishes.ca_file.clear();
  auto app = client{wishes};
  follow(app);
  auto state = next_state();
  EXPECT_EQ(state.state, client_state::waiting);
  EXPECT_THAT(state.text, testing::HasSubstr("certificate"));
}

TEST_F(sdk_client, takes_any_certificate_only_when_told_to) {
  server.reaction = serve;
  auto wishes = options();
  wishes.ca_file.clear();
  wishes.insecure = true;
  auto app = client{wishes};
  follow(app);
  EXPECT_EQ(next_state().state, client_state::online);
}

TEST_F(sdk_client, says_which_certificates_it_cannot_read) {
  auto wishes = options();
  wishes.ca_file = "/nowhere/ca.pem";
  EXPECT_THROW(client{wishes}, std::runtime_error);
}

TEST_F(sdk_client, waits_and_tries_again_when_nobody_listens) {
  auto wishes = options();
  wishes.port = 1;
  auto app = client{wishes};
  follow(app);
  auto state = next_state();
  EXPECT_EQ(state.state, client_state::waiting);
  EXPECT_THAT(state.text, testing::HasSubstr("cannot connect"));
}

} // namespace
