// Devices and strangers on the device port who do not keep to the protocol.
#include <algorithm>
#include <random>

#include "tests/scenarios/real_node.hpp"

namespace shoal::faults {
namespace {

class rude_device : public real_node {};

TEST_F(rude_device, noise_instead_of_tls_ends_the_connection_and_costs_no_memory) {
  auto random = std::mt19937{42};
  auto before = node.rss();
  for (auto i = 0; i < 300; ++i) {
    auto wire = test::tls_client{node.port(), {.tls = false}};
    auto noise = std::string(1 + random() % 4000, '\0');
    std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random()); });
    wire.send(noise);
    if (i % 2 == 0)
      wire.reset();
  }
  EXPECT_LT(node.rss() - before, 64 * megabyte);
}

TEST_F(rude_device, plain_http_on_the_tls_port_is_no_request) {
  auto wire = test::tls_client{node.port(), {.tls = false}};
  EXPECT_EQ(wire.ask("GET /v1/time HTTP/1.1\r\nHost: h\r\n\r\n").status, 0);
}

TEST_F(rude_device, an_oversized_length_is_refused_before_its_bytes_arrive) {
  EXPECT_EQ(verdict_on(std::string_view{"\xff\xff\xff\xff\x01\x00", 6}), ec::frame_too_large);
  EXPECT_EQ(verdict_on(std::string_view{"\x00\x01\x00\x01\x01\x00", 6}), ec::frame_too_large);
}

TEST_F(rude_device, bytes_that_are_no_frame_are_refused) {
  EXPECT_EQ(verdict_on(std::string_view{"\x00\x00\x00\x01\x01\x00", 6}), ec::bad_frame);
  EXPECT_EQ(verdict_on(std::string_view{"\x00\x00\x00\x02\x01\x80", 6}), ec::bad_frame);
}

TEST_F(rude_device, half_frames_and_sudden_ends_leave_nothing_behind) {
  auto whole = encode_frame(frame_type::hello, hello("d1").SerializeAsString());
  auto before = node.rss();
  for (std::size_t i = 0; i < 300; ++i) {
    auto wire = test::tls_client{node.port()};
    wire.send(std::string_view{whole}.substr(0, i % whole.size()));
    i % 3 == 0 ? wire.reset() : wire.close();
  }
  EXPECT_TRUE(
      wait_until(5000, [&] { return node.metric("shoal_device_connections").value_or(-1) == 0; }));
  EXPECT_LT(node.rss() - before, 64 * megabyte);
}

TEST_F(rude_device, nothing_is_taken_before_hello) {
  auto subscribe = wire::Subscribe{};
  subscribe.add_entries()->set_biz("ALL");
  auto ack = wire::Ack{};
  ack.add_entries()->set_biz("ALL");
  EXPECT_EQ(verdict_on(encode_frame(frame_type::subscribe, subscribe.SerializeAsString())),
      ec::unexpected_message);
  EXPECT_EQ(
      verdict_on(encode_frame(frame_type::ack, ack.SerializeAsString())), ec::unexpected_message);
  EXPECT_EQ(verdict_on(encode_frame(static_cast<frame_type>(77), "x")), ec::unexpected_message);
}

TEST_F(rude_device, a_frame_of_the_wrong_type_ends_a_good_session) {
  for (auto type : {frame_type::welcome, frame_type::ops, static_cast<frame_type>(200)}) {
    auto wire = test::tls_client{node.port()};
    say(wire, frame_type::hello, hello("d1"));
    wire.send_frame(type, "");
    EXPECT_EQ(closing_code(wire), ec::unexpected_message) << static_cast<int>(type);
  }
}

TEST_F(rude_device, a_body_that_is_no_message_is_refused) {
  EXPECT_EQ(verdict_on(encode_frame(frame_type::hello, "\xff\xff\xff")), ec::bad_message);
}

TEST_F(rude_device, a_hello_is_good_once_and_for_a_while) {
  auto first = test::tls_client{node.port()};
  auto good = hello("d1");
  say(first, frame_type::hello, good);
  auto answer = first.read_frame();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, frame_type::welcome);
  auto frame_of = [](const wire::Hello& m) {
    return encode_frame(frame_type::hello, m.SerializeAsString());
  };
  EXPECT_EQ(verdict_on(frame_of(good)), ec::nonce_replayed);
  EXPECT_EQ(verdict_on(frame_of(hello("d2", wall_ms() - 3'600'000))), ec::clock_skew);
  EXPECT_EQ(verdict_on(frame_of(hello("d2", wall_ms() + 3'600'000))), ec::clock_skew);
  auto forged = hello("d2");
  forged.set_device("d3");
  EXPECT_EQ(verdict_on(frame_of(forged)), ec::bad_signature);
  auto unknown = hello("d2");
  unknown.set_key("dk_nobody");
  EXPECT_EQ(verdict_on(frame_of(unknown)), ec::bad_signature);
}

// What backends are told about the device of a call rests on this
// (actors/gateway/local_backend.hpp).
TEST_F(rude_device, the_apps_device_key_proves_the_app_and_no_single_device) {
  for (auto name : {"mine", "anothers"}) {
    auto wire = test::tls_client{node.port()};
    say(wire, frame_type::hello, hello(name));
    auto said = wire.read_frame();
    ASSERT_TRUE(said) << name;
    EXPECT_EQ(said->type, frame_type::welcome) << name;
  }
}

TEST_F(rude_device, an_acknowledgement_of_what_was_never_sent_is_refused) {
  auto wire = test::tls_client{node.port()};
  say(wire, frame_type::hello, hello("d1"));
  subscribe(wire, "ALL");
  auto epoch = std::uint64_t{0};
  while (auto x = wire.read_frame())
    if (x->type == frame_type::subscribed) {
      auto m = wire::Subscribed{};
      m.ParseFromString(x->body);
      epoch = m.position().epoch();
      break;
    }
  auto ack = wire::Ack{};
  auto& entry = *ack.add_entries();
  entry.set_biz("ALL");
  entry.set_epoch(epoch);
  entry.set_id(1'000'000);
  say(wire, frame_type::ack, ack);
  EXPECT_EQ(closing_code(wire), ec::bad_position);
}

TEST_F(rude_device, who_says_no_hello_is_sent_away) {
  auto wire = test::tls_client{node.port()};
  EXPECT_EQ(closing_code(wire), ec::handshake_timeout);
}

} // namespace
} // namespace shoal::faults
