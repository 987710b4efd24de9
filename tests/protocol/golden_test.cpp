// The bytes that protocol/README.md shows, so that the page stays true for who writes a client from
// it.
#include <cctype>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "protocol/device.pb.h"
#include "protocol/frame.hpp"
#include "protocol/signing.hpp"

namespace shoal {
namespace {

constexpr std::int64_t time_ms = 1'760'000'000'000;

/// The page without what only makes bytes readable.
const std::string& page() {
  static const auto text = [] {
    auto in = std::ifstream{SHOAL_PROTOCOL_PAGE};
    auto out = std::string{std::istreambuf_iterator<char>{in}, {}};
    std::erase_if(out, [](unsigned char c) { return std::isspace(c) != 0; });
    return out;
  }();
  return text;
}

template <class Message>
void expect_bytes(frame_type type, const Message& x, const std::string& expected) {
  EXPECT_EQ(hex(encode_frame(type, x.SerializeAsString())), expected);
  EXPECT_NE(page().find(expected), std::string::npos) << "not on the page: " << expected;
  auto reader = frame_reader{};
  std::string bytes;
  ASSERT_TRUE(unhex(expected, bytes));
  reader.append(bytes);
  auto got = frame{};
  ASSERT_EQ(reader.next(got), frame_reader::outcome::have_frame);
  EXPECT_EQ(got.type, type);
  auto back = Message{};
  ASSERT_TRUE(back.ParseFromString(got.body));
  EXPECT_EQ(back.SerializeAsString(), x.SerializeAsString());
}

TEST(golden_bytes, of_hello) {
  auto nonce = std::string{};
  for (auto i = 0; i < 16; ++i)
    nonce += static_cast<char>(i);
  auto x = wire::Hello{};
  x.set_key("dk_test");
  x.set_device("d1");
  x.set_timestamp_ms(time_ms);
  x.set_nonce(nonce);
  x.set_signature(hmac_sha256("test-secret", hello_string("dk_test", "d1", time_ms, nonce)));
  x.set_version(1);
  x.set_os("ios");
  expect_bytes(frame_type::hello, x,
      "0000005101000a07646b5f7465737412026431188080b3c19c332210000102030405060708090a0b0c0d0e0f"
      "2a20d7edb66e8b4e1ca40a057ce0ac5e25211301e251778974f6f05c255ddffb40ef30013a03696f73");
}

TEST(golden_bytes, of_welcome) {
  auto x = wire::Welcome{};
  x.set_session(9);
  x.set_server_time_ms(time_ms);
  x.set_heartbeat_s(240);
  x.set_zstd(true);
  x.set_window_ops(256);
  x.set_window_bytes(1 << 20);
  x.set_max_frame(65'536);
  x.set_calls(32);
  expect_bytes(
      frame_type::welcome, x, "0000001d02000809108080b3c19c3318f001200128800230808040388080044020");
}

TEST(golden_bytes, of_a_user) {
  auto bind = wire::Bind{};
  bind.set_user("u1");
  bind.set_token("t");
  expect_bytes(frame_type::bind, bind, "0000000903000a027531120174");
  expect_bytes(frame_type::unbind, wire::Unbind{}, "000000020500");
  auto bound = wire::Bound{};
  bound.set_user("u1");
  bound.set_binding(1);
  expect_bytes(frame_type::bound, bound, "0000000804000a0275311001");
  bound.set_binding(2);
  bound.set_text("token_expired");
  bound.set_unverified(4014);
  expect_bytes(
      frame_type::bound, bound, "0000001a04000a0275311002220d746f6b656e5f6578706972656428ae1f");
  bound.Clear();
  bound.set_user("u1");
  bound.set_binding(3);
  bound.set_code(4013);
  bound.set_text("bad_token");
  expect_bytes(frame_type::bound, bound, "0000001604000a027531100318ad1f22096261645f746f6b656e");
}

TEST(golden_bytes, of_a_subscription) {
  auto x = wire::Subscribe{};
  auto& entry = *x.add_entries();
  entry.set_biz("NEWS");
  entry.mutable_position()->set_epoch(7);
  entry.mutable_position()->set_id(41);
  expect_bytes(frame_type::subscribe, x, "0000001006000a0c0a044e455753120408071029");
  auto y = wire::Subscribed{};
  y.set_biz("NEWS");
  *y.mutable_position() = entry.position();
  y.set_latest(43);
  expect_bytes(frame_type::subscribed, y, "0000001007000a044e455753220408071029282b");
  y.Clear();
  y.set_biz("SAFE");
  y.set_code(4034);
  y.set_text("user_not_verified");
  expect_bytes(frame_type::subscribed, y,
      "0000001e07000a045341464510c21f1a11757365725f6e6f745f7665726966696564");
  auto z = wire::Unsubscribe{};
  z.add_biz("NEWS");
  expect_bytes(frame_type::unsubscribe, z, "0000000808000a044e455753");
}

TEST(golden_bytes, of_ops_and_what_is_said_about_them) {
  auto x = wire::Ops{};
  x.set_biz("NEWS");
  x.set_epoch(7);
  x.set_after(41);
  x.set_upto(43);
  auto& op = *x.add_ops();
  op.set_id(42);
  op.set_payload("hi");
  op.set_time_ms(time_ms);
  op.set_key("k1");
  expect_bytes(frame_type::ops, x,
      "0000002109000a044e45575310071829202b2a11082a12026869188080b3c19c3322026b31");
  auto y = wire::Ack{};
  auto& handled = *y.add_entries();
  handled.set_biz("NEWS");
  handled.set_epoch(7);
  handled.set_id(42);
  y.set_binding(1);
  expect_bytes(frame_type::ack, y, "000000100a000a0a0a044e4557531007182a1001");
  auto z = wire::Reset{};
  z.set_biz("NEWS");
  z.set_epoch(7);
  z.set_id(40);
  z.set_reason(wire::RESET_TRIMMED);
  expect_bytes(frame_type::reset, z, "0000000e0b000a044e455753100718282001");
}

TEST(golden_bytes, of_a_heartbeat_and_of_the_end) {
  auto x = wire::Ping{};
  x.set_number(3);
  expect_bytes(frame_type::ping, x, "000000040c000803");
  auto y = wire::Pong{};
  y.set_number(3);
  y.set_server_time_ms(time_ms);
  expect_bytes(frame_type::pong, y, "0000000b0d000803108080b3c19c33");
  auto z = wire::Close{};
  z.set_code(2000);
  z.set_text("going_away");
  z.set_retry_after_ms(1500);
  z.set_server_time_ms(time_ms);
  expect_bytes(
      frame_type::close, z, "0000001b0e0008d00f120a676f696e675f6177617918dc0b208080b3c19c33");
}

TEST(golden_bytes, of_a_call_its_result_and_its_end) {
  auto x = wire::Call{};
  x.set_id(5);
  x.set_operation("shop.get");
  x.set_data("[1]");
  (*x.mutable_headers())["Ts"] = "9";
  x.set_deadline_ms(3000);
  expect_bytes(frame_type::call, x,
      "0000001f0f000805120873686f702e6765741a035b315d22070a02547312013928b817");
  auto y = wire::CallResult{};
  y.set_id(5);
  y.set_code(1000);
  y.set_data("7");
  y.set_content_type("application/json");
  expect_bytes(frame_type::call_result, y,
      "0000001c1000080510e8072a013732106170706c69636174696f6e2f6a736f6e");
  auto z = wire::CallCancel{};
  z.set_id(5);
  expect_bytes(frame_type::call_cancel, z, "0000000411000805");
}

// What a compressor makes of a body is its own choice, so only reading is pinned.
TEST(golden_bytes, of_a_compressed_frame_are_read) {
  auto expected = std::string{
      "0000002f090128b52ffd6073011d0100e00a044e4557531007182b202c2ae404082c12d80461188080b3c19c33"
      "0100a9548009"};
  EXPECT_NE(page().find(expected), std::string::npos);
  auto x = wire::Ops{};
  x.set_biz("NEWS");
  x.set_epoch(7);
  x.set_after(43);
  x.set_upto(44);
  auto& op = *x.add_ops();
  op.set_id(44);
  op.set_payload(std::string(600, 'a'));
  op.set_time_ms(time_ms);
  std::string bytes;
  ASSERT_TRUE(unhex(expected, bytes));
  auto ours = encode_frame(frame_type::ops, x.SerializeAsString(), compression::zstd);
  EXPECT_EQ(ours[5], 1) << "the flag";
  for (auto& some : {bytes, ours}) {
    auto reader = frame_reader{};
    reader.append(some);
    auto got = frame{};
    ASSERT_EQ(reader.next(got), frame_reader::outcome::have_frame);
    EXPECT_EQ(got.type, frame_type::ops);
    EXPECT_EQ(got.body, x.SerializeAsString());
  }
}

} // namespace
} // namespace shoal
