// The bytes that protocol/README.md shows, so that the page stays true for who writes a client from
// it.
#include <gtest/gtest.h>

#include "protocol/device.pb.h"
#include "protocol/frame.hpp"
#include "protocol/signing.hpp"

namespace shoal {
namespace {

template <class Message>
std::string bytes_of(frame_type type, const Message& x) {
  return hex(encode_frame(type, x.SerializeAsString()));
}

TEST(golden_bytes, hello_is_as_the_page_says) {
  auto nonce = std::string{};
  for (auto i = 0; i < 16; ++i)
    nonce += static_cast<char>(i);
  auto x = wire::Hello{};
  x.set_key("dk_test");
  x.set_device("d1");
  x.set_timestamp_ms(1'760'000'000'000);
  x.set_nonce(nonce);
  x.set_signature(
      hmac_sha256("test-secret", hello_string("dk_test", "d1", 1'760'000'000'000, nonce)));
  x.set_version(1);
  x.set_os("ios");
  EXPECT_EQ(bytes_of(frame_type::hello, x),
      "0000005101000a07646b5f7465737412026431188080b3c19c332210000102030405060708090a0b0c0d0e0f"
      "2a20d7edb66e8b4e1ca40a057ce0ac5e25211301e251778974f6f05c255ddffb40ef30013a03696f73");
}

TEST(golden_bytes, subscribe_and_ack_are_as_the_page_says) {
  auto x = wire::Subscribe{};
  auto& entry = *x.add_entries();
  entry.set_biz("NEWS");
  entry.mutable_position()->set_epoch(7);
  entry.mutable_position()->set_id(41);
  EXPECT_EQ(bytes_of(frame_type::subscribe, x), "0000001006000a0c0a044e455753120408071029");
  auto y = wire::Ack{};
  auto& handled = *y.add_entries();
  handled.set_biz("NEWS");
  handled.set_epoch(7);
  handled.set_id(42);
  y.set_binding(1);
  EXPECT_EQ(bytes_of(frame_type::ack, y), "000000100a000a0a0a044e4557531007182a1001");
}

TEST(golden_bytes, a_call_its_result_and_its_end_are_as_the_page_says) {
  auto x = wire::Call{};
  x.set_id(5);
  x.set_operation("shop.get");
  x.set_data("[1]");
  (*x.mutable_headers())["Ts"] = "9";
  x.set_deadline_ms(3000);
  EXPECT_EQ(bytes_of(frame_type::call, x),
      "0000001f0f000805120873686f702e6765741a035b315d22070a02547312013928b817");
  auto y = wire::CallResult{};
  y.set_id(5);
  y.set_code(1000);
  y.set_data("7");
  y.set_content_type("application/json");
  EXPECT_EQ(bytes_of(frame_type::call_result, y),
      "0000001c1000080510e8072a013732106170706c69636174696f6e2f6a736f6e");
  auto z = wire::CallCancel{};
  z.set_id(5);
  EXPECT_EQ(bytes_of(frame_type::call_cancel, z), "0000000411000805");
}

} // namespace
} // namespace shoal
