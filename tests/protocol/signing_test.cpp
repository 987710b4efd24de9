#include <thread>

#include <gtest/gtest.h>

#include "protocol/signing.hpp"

namespace shoal {
namespace {

std::string counting_bytes(std::size_t n) {
  std::string out;
  for (auto i = std::size_t{0}; i < n; ++i)
    out += static_cast<char>(i);
  return out;
}

TEST(signing, hashes_as_the_standards_say) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  // RFC 4231, test cases 2 and 6
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                "Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(
      hex(hmac_sha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(signing, forgets_the_previous_secret_between_calls) {
  auto once = hmac_sha256("a", "text");
  EXPECT_NE(hmac_sha256("b", "text"), once);
  EXPECT_EQ(hmac_sha256("a", "text"), once);
  std::string elsewhere;
  std::thread{[&] { elsewhere = hmac_sha256("a", "text"); }}.join();
  EXPECT_EQ(elsewhere, once);
}

TEST(signing, signs_a_hello_as_the_specification_shows) {
  auto text = hello_string("dk_test", "d1", 1760000000000, counting_bytes(16));
  EXPECT_EQ(text, "SHOAL1-HELLO\ndk_test\nd1\n1760000000000\n000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(hex(hmac_sha256("test-secret", text)),
      "d7edb66e8b4e1ca40a057ce0ac5e25211301e251778974f6f05c255ddffb40ef");
}

TEST(signing, signs_a_request_over_all_that_matters) {
  EXPECT_EQ(request_string("POST", "/v1/apps/a/sync", "x=1", "{}", 1760000000000, "n1"),
      "SHOAL1-REQUEST\nPOST\n/v1/apps/a/sync\nx=1\n"
      "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n1760000000000\nn1");
  EXPECT_EQ(make_authorization("ak_test", "test-secret", "POST", "/v1/apps/a/sync", "x=1", "{}",
                1760000000000, "n1"),
      "SHOAL1-HMAC-SHA256 key=ak_test,ts=1760000000000,nonce=n1,"
      "sig=7264543bbcca60f0a63748efdc5f5f01db2d7c283c6a380275b4701fdf4b373c");
}

TEST(signing, reads_back_the_header_it_makes) {
  auto header = make_authorization("ak_1", "s", "GET", "/v1/apps", "", "", 1760000000000, "n-1");
  auto read = request_authorization{};
  ASSERT_TRUE(parse_authorization(header, read));
  EXPECT_EQ(read.key, "ak_1");
  EXPECT_EQ(read.nonce, "n-1");
  EXPECT_EQ(read.timestamp_ms, 1760000000000);
  EXPECT_EQ(read.signature,
      hmac_sha256("s", request_string("GET", "/v1/apps", "", "", 1760000000000, "n-1")));
}

TEST(signing, refuses_headers_that_are_not_exactly_of_the_form) {
  auto sig = std::string(64, 'a');
  auto head = std::string{"SHOAL1-HMAC-SHA256 "};
  auto out = request_authorization{};
  EXPECT_TRUE(parse_authorization(head + "sig=" + sig + ", nonce=n, ts=1, key=k", out));
  for (const auto& bad : {
           std::string{},
           std::string{"Bearer abc"},
           head,
           head + "key=k,ts=1,nonce=n",
           head + "key=k,ts=1,nonce=n,sig=" + sig.substr(1),
           head + "key=k,ts=1,nonce=n,sig=" + sig + "aa",
           head + "key=k,ts=1,nonce=n,sig=" + std::string(64, 'g'),
           head + "key=k,key=k,ts=1,nonce=n,sig=" + sig,
           head + "key=,ts=1,nonce=n,sig=" + sig,
           head + "key=k,ts=-1,nonce=n,sig=" + sig,
           head + "key=k,ts=1x,nonce=n,sig=" + sig,
           head + "key=k,ts=99999999999999999999,nonce=n,sig=" + sig,
           head + "key=k,ts=1,nonce=a b,sig=" + sig,
           head + "key=k,ts=1,nonce=" + std::string(129, 'n') + ",sig=" + sig,
           head + "key=k,ts=1,nonce=n,sig=" + sig + ",more=1",
           head + "key=k,,ts=1,nonce=n,sig=" + sig,
           head + "key=k,ts=1,nonce=n,sig=" + sig + "," + std::string(600, ' '),
       })
    EXPECT_FALSE(parse_authorization(bad, out)) << bad;
}

TEST(signing, encodes_hex_both_ways) {
  std::string out;
  EXPECT_EQ(hex(std::string_view{"\x00\xff\x1a", 3}), "00ff1a");
  ASSERT_TRUE(unhex("00FF1a", out));
  EXPECT_EQ(out, std::string("\x00\xff\x1a", 3));
  EXPECT_FALSE(unhex("0", out));
  EXPECT_FALSE(unhex("0g", out));
}

TEST(signing, encodes_base64_both_ways) {
  std::string out;
  EXPECT_EQ(base64(""), ""); // RFC 4648, section 10
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url("\xfb\xff"), "-_8");
  for (auto n = std::size_t{0}; n < 300; ++n) {
    auto bytes = counting_bytes(n);
    ASSERT_TRUE(unbase64(base64(bytes), out));
    EXPECT_EQ(out, bytes);
    ASSERT_TRUE(unbase64url(base64url(bytes), out));
    EXPECT_EQ(out, bytes);
  }
}

TEST(signing, refuses_base64_that_is_not_canonical) {
  std::string out;
  for (auto bad :
      {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", "Zm 9", "Zg==Zg==", "-_8="})
    EXPECT_FALSE(unbase64(bad, out)) << bad;
  for (auto bad : {"Z", "Zg==", "Zh", "+/8", "Zm9v "})
    EXPECT_FALSE(unbase64url(bad, out)) << bad;
}

TEST(signing, compares_whole_texts) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

TEST(signing, makes_different_random_bytes_each_time) {
  EXPECT_EQ(random_bytes(32).size(), 32u);
  EXPECT_NE(random_bytes(32), random_bytes(32));
}

} // namespace
} // namespace shoal
