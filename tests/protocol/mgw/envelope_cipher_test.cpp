#include <array>
#include <random>

#include <gtest/gtest.h>

#include "protocol/mgw/envelope_cipher.hpp"
#include "protocol/signing.hpp"
#include "tests/protocol/mgw/keys.hpp"

namespace shoal::mgw {
namespace {

constexpr auto here = cipher_context{"com.example.get", "A1", "default"};

struct kind {
  key_wrap wrap;
  const char* secret_pem;
  const char* public_pem;
  const char* from_node;
};

constexpr auto kinds = std::array{
    kind{key_wrap::rsa, test::rsa_private, test::rsa_public, test::rsa_envelope},
    kind{key_wrap::ecc, test::ecc_private, test::ecc_public, test::ecc_envelope},
    kind{key_wrap::sm2, test::sm2_private, test::sm2_public, test::sm2_envelope},
};
constexpr auto ciphers = std::array{data_cipher::aes_256_gcm, data_cipher::sm4_ctr_hmac_sm3};

envelope_keys all_keys() {
  auto out = envelope_keys{};
  for (auto& x : kinds)
    EXPECT_EQ(out.add(7, x.secret_pem), "");
  return out;
}

std::string bytes_of_hex(std::string_view text) {
  auto out = std::string{};
  EXPECT_TRUE(unhex(text, out));
  return out;
}

std::optional<std::string> open(
    key_wrap wrap, std::string_view envelope, const cipher_context& where = here) {
  static const auto keys = all_keys();
  auto session = cipher_session{};
  auto out = open_request(keys, wrap, envelope, where, session);
  EXPECT_EQ(static_cast<bool>(session), out.has_value()) << "no keys of what did not open";
  return out;
}

TEST(open_request, opens_what_another_implementation_sealed) {
  for (auto& x : kinds)
    EXPECT_EQ(open(x.wrap, bytes_of_hex(x.from_node)), "[\"secret\"]") << to_string(x.wrap);
}

TEST(envelope, goes_there_and_back_in_every_combination) {
  auto keys = all_keys();
  for (auto& x : kinds)
    for (auto cipher : ciphers)
      for (auto size : {0u, 1u, 100'000u}) {
        auto data = std::string(size, 'x');
        auto client = cipher_session{}, server = cipher_session{};
        auto sealed = seal_request(x.public_pem, 7, cipher, data, here, client);
        ASSERT_TRUE(sealed);
        EXPECT_EQ(open_request(keys, x.wrap, *sealed, here, server), data);
        auto answer = seal_response(server, "[" + data + "]", here);
        EXPECT_EQ(open_response(client, answer, here), "[" + data + "]");
        EXPECT_FALSE(open_response(server, *sealed, here)) << "a request is no response";
      }
}

TEST(envelope, looks_different_each_time) {
  auto one = cipher_session{}, two = cipher_session{};
  auto seal = [&](auto& session) {
    return seal_request(test::ecc_public, 7, data_cipher::aes_256_gcm, "x", here, session);
  };
  EXPECT_NE(seal(one), seal(two));
  EXPECT_NE(seal_response(one, "x", here), seal_response(one, "x", here));
  EXPECT_FALSE(open_response(two, seal_response(one, "x", here), here)) << "another call's keys";
}

TEST(open_request, opens_nothing_of_which_a_bit_was_changed) {
  auto random = std::mt19937{20260802};
  for (auto& x : kinds) {
    auto good = bytes_of_hex(x.from_node);
    for (auto at = std::size_t{0}; at < good.size(); at += x.wrap == key_wrap::rsa ? 7 : 1) {
      auto bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << random() % 8));
      EXPECT_FALSE(open(x.wrap, bad)) << to_string(x.wrap) << " byte " << at;
    }
  }
}

TEST(open_request, opens_nothing_that_was_cut_or_grew) {
  for (auto& x : kinds) {
    auto good = bytes_of_hex(x.from_node);
    for (auto n = std::size_t{0}; n < good.size(); n += x.wrap == key_wrap::rsa ? 5 : 1)
      EXPECT_FALSE(open(x.wrap, good.substr(0, n))) << to_string(x.wrap) << " cut to " << n;
    EXPECT_FALSE(open(x.wrap, good + '\0'));
  }
}

TEST(open_request, opens_nothing_of_another_call) {
  auto good = bytes_of_hex(test::ecc_envelope);
  EXPECT_FALSE(open(key_wrap::ecc, good, {"com.example.set", "A1", "default"}));
  EXPECT_FALSE(open(key_wrap::ecc, good, {"com.example.get", "A2", "default"}));
  EXPECT_FALSE(open(key_wrap::ecc, good, {"com.example.get", "A1", "test"}));
  EXPECT_FALSE(open(key_wrap::ecc, good, {"com.example.get", "A1d", "efault"}));
  EXPECT_FALSE(open(key_wrap::rsa, good)) << "another kind than announced";
}

TEST(open_request, knows_its_keys_by_number) {
  auto keys = envelope_keys{};
  EXPECT_EQ(keys.add(8, test::ecc_private), "");
  auto session = cipher_session{};
  auto envelope = bytes_of_hex(test::ecc_envelope);
  EXPECT_FALSE(open_request(keys, key_wrap::ecc, envelope, here, session));
  EXPECT_EQ(keys.add(7, test::ecc_private), "");
  EXPECT_TRUE(open_request(keys, key_wrap::ecc, envelope, here, session));
  keys.remove(key_wrap::ecc, 7);
  EXPECT_FALSE(open_request(keys, key_wrap::ecc, envelope, here, session));
  EXPECT_TRUE(keys.has(key_wrap::ecc));
  keys.remove(key_wrap::ecc, 8);
  EXPECT_FALSE(keys.has(key_wrap::ecc));
  EXPECT_FALSE(keys.has(key_wrap::rsa));
}

TEST(open_request, takes_no_point_that_is_not_on_the_curve) {
  auto bad = bytes_of_hex(test::ecc_envelope);
  for (auto i = std::size_t{7}; i < 71; ++i)
    bad[i] = '\x01';
  EXPECT_FALSE(open(key_wrap::ecc, bad));
}

TEST(envelope, can_be_sealed_with_the_public_half_of_a_kept_key) {
  auto keys = all_keys();
  for (auto& x : kinds)
    for (auto cipher : ciphers) {
      auto client = cipher_session{}, server = cipher_session{};
      auto sealed = seal_request(keys, {x.wrap, 7}, cipher, "[1]", here, client);
      ASSERT_TRUE(sealed) << to_string(x.wrap);
      EXPECT_EQ(open_request(keys, x.wrap, *sealed, here, server), "[1]");
      EXPECT_EQ(open_response(client, seal_response(server, "[2]", here), here), "[2]");
    }
  auto none = cipher_session{};
  EXPECT_FALSE(seal_request(keys, {key_wrap::rsa, 8}, ciphers[0], "[1]", here, none));
}

TEST(envelope, keys_hand_out_their_public_half_and_no_more) {
  auto keys = all_keys();
  for (auto& x : kinds) {
    auto pem = keys.public_pem({x.wrap, 7});
    EXPECT_EQ(pem.find("PRIVATE"), std::string::npos);
    auto client = cipher_session{}, server = cipher_session{};
    auto sealed = seal_request(pem, 7, data_cipher::aes_256_gcm, "[1]", here, client);
    ASSERT_TRUE(sealed) << to_string(x.wrap);
    EXPECT_EQ(open_request(keys, x.wrap, *sealed, here, server), "[1]");
  }
  EXPECT_EQ(keys.public_pem({key_wrap::rsa, 8}), "");
}

TEST(envelope, clients_are_offered_the_newest_key_of_a_kind) {
  auto keys = envelope_keys{};
  EXPECT_FALSE(keys.any());
  EXPECT_EQ(keys.add(200, test::sm2_private), "");
  EXPECT_EQ(keys.add(3, test::ecc_private), "");
  EXPECT_EQ(keys.add(255, test::ecc_private), "");
  EXPECT_EQ(keys.add(4, test::ecc_private), "");
  ASSERT_TRUE(keys.any());
  EXPECT_EQ(keys.any()->kind, key_wrap::ecc);
  EXPECT_EQ(keys.any()->number, 255);
}

TEST(answer_key, opens_answers_of_its_session_and_nothing_else) {
  for (auto cipher : ciphers) {
    auto session = cipher_session{}, other = cipher_session{};
    auto request = seal_request(test::ecc_public, 7, cipher, "[1]", here, session);
    seal_request(test::ecc_public, 7, cipher, "[1]", here, other);
    auto key = answer_key(session);
    auto answer = seal_response(session, "[2]", here);
    EXPECT_EQ(open_response(key, answer, here), "[2]");
    EXPECT_FALSE(open_response(key, seal_response(other, "[2]", here), here));
    EXPECT_FALSE(open_response(key, answer, {"com.example.set", "A1", "default"}));
    EXPECT_FALSE(open_response(key, *request, here));
    EXPECT_FALSE(open_response(key.substr(0, key.size() - 1), answer, here));
    EXPECT_FALSE(open_response("\x07" + key.substr(1), answer, here));
    EXPECT_FALSE(open_response(std::string_view{}, answer, here));
  }
  EXPECT_EQ(answer_key({}), "");
}

TEST(open_response, opens_nothing_that_was_changed) {
  auto session = cipher_session{};
  seal_request(test::sm2_public, 7, data_cipher::sm4_ctr_hmac_sm3, "x", here, session);
  auto good = seal_response(session, "y", here);
  EXPECT_EQ(open_response(session, good, here), "y");
  for (auto at = std::size_t{0}; at < good.size(); ++at) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(open_response(session, bad, here)) << at;
    EXPECT_FALSE(open_response(session, good.substr(0, at), here)) << at;
  }
  EXPECT_FALSE(open_response(session, good, {"com.example.set", "A1", "default"}));
  EXPECT_FALSE(open_response(cipher_session{}, good, here));
}

TEST(envelope_keys, takes_only_keys_that_unwrap) {
  auto x = envelope_keys{};
  EXPECT_NE(x.add(1, test::rsa_public), "");
  EXPECT_NE(x.add(1, "no key"), "");
  auto session = cipher_session{};
  EXPECT_FALSE(seal_request("no key", 1, data_cipher::aes_256_gcm, "x", here, session));
}

call sealed_call(std::string envelope) {
  auto x = call{};
  x.operation = here.operation;
  x.app = here.app;
  x.workspace = here.workspace;
  x.encryption = "ecc";
  x.data = std::move(envelope);
  return x;
}

TEST(open_call, replaces_the_data) {
  auto x = sealed_call(bytes_of_hex(test::ecc_envelope));
  auto session = cipher_session{};
  EXPECT_EQ(open_call(x, all_keys(), session), std::nullopt);
  EXPECT_EQ(x.data, "[\"secret\"]");
  EXPECT_TRUE(session);
}

TEST(open_call, reads_base64_out_of_a_field) {
  auto x = sealed_call(base64(bytes_of_hex(test::ecc_envelope)));
  x.data_in_field = true;
  auto session = cipher_session{};
  EXPECT_EQ(open_call(x, all_keys(), session), std::nullopt);
  EXPECT_EQ(x.data, "[\"secret\"]");
}

TEST(open_call, leaves_a_plain_call_alone) {
  auto x = sealed_call("[1]");
  x.encryption.clear();
  auto session = cipher_session{};
  EXPECT_EQ(open_call(x, all_keys(), session), std::nullopt);
  EXPECT_EQ(x.data, "[1]");
  EXPECT_FALSE(session);
}

TEST(open_call, has_one_answer_for_every_failure) {
  auto session = cipher_session{};
  auto one = failure{result::decryption_failed, ""};
  auto good = bytes_of_hex(test::ecc_envelope);
  auto x = sealed_call(good);
  x.encryption = "DES";
  EXPECT_EQ(open_call(x, all_keys(), session), one);
  x = sealed_call("not an envelope");
  EXPECT_EQ(open_call(x, all_keys(), session), one);
  x = sealed_call("!");
  x.data_in_field = true;
  EXPECT_EQ(open_call(x, all_keys(), session), one);
  x = sealed_call(good);
  EXPECT_EQ(open_call(x, envelope_keys{}, session), one);
  x = sealed_call(good.substr(0, good.size() - 1));
  EXPECT_EQ(open_call(x, all_keys(), session), one);
}

TEST(open_call, wants_data_inside) {
  auto session = cipher_session{};
  auto empty = seal_request(test::ecc_public, 7, data_cipher::aes_256_gcm, "", here, session);
  auto x = sealed_call(*empty);
  EXPECT_EQ(open_call(x, all_keys(), session), (failure{result::request_data_empty, ""}));
}

TEST(seal_answer, seals_the_result_in_both_versions) {
  auto session = cipher_session{};
  seal_request(test::ecc_public, 7, data_cipher::aes_256_gcm, "x", here, session);
  auto x = answer{result::success, "", "", "{\"a\":1}"};
  seal_answer(x, session, here);
  auto bare = make_response(x, rpc_version::v2);
  EXPECT_EQ(bare.content_type, "application/octet-stream");
  EXPECT_EQ(open_response(session, bare.body, here), "{\"a\":1}");
  auto wrapped = make_response(x, rpc_version::v1).body;
  constexpr std::string_view before = R"({"resultStatus":1000,"result":")";
  ASSERT_TRUE(wrapped.starts_with(before));
  auto bytes = std::string{};
  ASSERT_TRUE(unbase64(wrapped.substr(before.size(), wrapped.size() - before.size() - 2), bytes));
  EXPECT_EQ(open_response(session, bytes, here), "{\"a\":1}");
}

TEST(seal_answer, leaves_an_answer_without_result_alone) {
  auto session = cipher_session{};
  seal_request(test::ecc_public, 7, data_cipher::aes_256_gcm, "x", here, session);
  auto x = answer{result::limit_exceeded, "busy"};
  seal_answer(x, session, here);
  EXPECT_EQ(x.result_data, "");
  EXPECT_EQ(x.content_type, "application/json");
}

} // namespace
} // namespace shoal::mgw
