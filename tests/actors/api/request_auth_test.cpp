#include <gtest/gtest.h>

#include "actors/api/request_auth.hpp"
#include "actors/catalog/new_key.hpp"
#include "protocol/signing.hpp"

namespace shoal::api {
namespace {

constexpr std::int64_t now = 1'760'000'000'000, window = 300'000;

struct request_auth : testing::Test {
  request_auth() {
    for (auto [no, id] : {std::pair{1u, "shop"}, {2u, "other"}}) {
      auto x = app_config{};
      x.no = app_no{no};
      x.id = id;
      known = known.with(std::make_shared<app_config>(x));
    }
  }

  key_config add(std::uint32_t app, key_role role, bool enabled = true) {
    auto key = new_key(app_no{app}, role, "", now);
    key.enabled = enabled;
    known = known.with(std::make_shared<key_config>(key));
    return key;
  }

  http::request signed_by(const key_config& key, std::int64_t at = now) {
    auto x = http::request{};
    x.method = "POST";
    x.path = "/v1/apps/shop/sync";
    x.query = "a=b";
    x.body = "{}";
    x.headers = {{"authorization",
        make_authorization(key.id, key.secret, x.method, x.path, x.query, x.body, at, "n1")}};
    return x;
  }

  ec code(const http::request& x, std::int64_t at = now) {
    return authenticate(known, x, at, nonces).code;
  }

  ec allowed(const key_config& key, access who, std::string_view app) {
    return authorize(known, key, route{route_id::sync, who, "", ""}, app).code;
  }

  catalog known;
  nonce_cache nonces{now - 10 * window, window};
};

TEST_F(request_auth, knows_the_signer_of_a_good_request) {
  auto key = add(1, key_role::write);
  auto found = authenticate(known, signed_by(key), now, nonces);
  EXPECT_EQ(found.code, ec::none);
  ASSERT_TRUE(found.key);
  EXPECT_EQ(found.key->id, key.id);
}

TEST_F(request_auth, refuses_a_change_of_anything_that_is_signed) {
  auto good = signed_by(add(1, key_role::write));
  auto changed = [&](auto change) {
    auto x = good;
    change(x);
    return code(x);
  };
  EXPECT_EQ(changed([](auto& x) { x.method = "GET"; }), ec::bad_signature);
  EXPECT_EQ(changed([](auto& x) { x.path += "/"; }), ec::bad_signature);
  EXPECT_EQ(changed([](auto& x) { x.query = ""; }), ec::bad_signature);
  EXPECT_EQ(changed([](auto& x) { x.body = "{ }"; }), ec::bad_signature);
  EXPECT_EQ(changed([](auto& x) { x.headers.clear(); }), ec::bad_signature);
  EXPECT_EQ(changed([](auto& x) { x.headers[0].second.back() ^= 1; }), ec::bad_signature);
  EXPECT_EQ(changed([](auto&) {}), ec::none);
}

TEST_F(request_auth, answers_unknown_disabled_and_device_keys_like_a_wrong_signature) {
  EXPECT_EQ(code(signed_by(new_key(app_no{1}, key_role::write, "", now))), ec::bad_signature);
  EXPECT_EQ(code(signed_by(add(1, key_role::write, false))), ec::bad_signature);
  EXPECT_EQ(code(signed_by(add(1, key_role::device))), ec::bad_signature);
}

TEST_F(request_auth, serves_a_signed_request_once) {
  auto request = signed_by(add(1, key_role::write));
  EXPECT_EQ(code(request), ec::none);
  EXPECT_EQ(code(request, now + 1), ec::nonce_replayed);
}

TEST_F(request_auth, asks_for_a_corrected_clock) {
  auto key = add(1, key_role::write);
  EXPECT_EQ(code(signed_by(key, now - window - 1)), ec::clock_skew);
  EXPECT_EQ(code(signed_by(key, now + window + 1)), ec::clock_skew);
  EXPECT_EQ(code(signed_by(key, now - window)), ec::none);
}

TEST_F(request_auth, remembers_no_nonce_of_a_request_it_refused) {
  auto request = signed_by(add(1, key_role::write));
  request.body = "tampered";
  EXPECT_EQ(code(request), ec::bad_signature);
  EXPECT_EQ(nonces.size(), 0u);
}

TEST_F(request_auth, roles_include_the_weaker_ones) {
  auto read = add(1, key_role::read), write = add(1, key_role::write);
  auto admin = add(1, key_role::admin);
  EXPECT_EQ(allowed(read, access::read, "shop"), ec::none);
  EXPECT_EQ(allowed(read, access::write, "shop"), ec::forbidden);
  EXPECT_EQ(allowed(write, access::read, "shop"), ec::none);
  EXPECT_EQ(allowed(write, access::write, "shop"), ec::none);
  EXPECT_EQ(allowed(write, access::admin, "shop"), ec::forbidden);
  EXPECT_EQ(allowed(admin, access::write, "shop"), ec::none);
  EXPECT_EQ(allowed(admin, access::admin, "shop"), ec::none);
  EXPECT_EQ(allowed(admin, access::manage, "shop"), ec::none);
  EXPECT_EQ(allowed(admin, access::operator_, ""), ec::forbidden);
}

TEST_F(request_auth, another_tenants_app_looks_like_one_that_does_not_exist) {
  auto admin = add(1, key_role::admin);
  EXPECT_EQ(allowed(admin, access::read, "other"), ec::not_found);
  EXPECT_EQ(allowed(admin, access::read, "absent"), ec::not_found);
  EXPECT_EQ(allowed(add(1, key_role::read), access::admin, "other"), ec::not_found);
}

TEST_F(request_auth, the_operator_manages_apps_but_does_not_read_their_data) {
  auto key = add(0, key_role::operator_);
  EXPECT_EQ(allowed(key, access::operator_, ""), ec::none);
  EXPECT_EQ(allowed(key, access::manage, "shop"), ec::none);
  EXPECT_EQ(allowed(key, access::manage, "absent"), ec::not_found);
  EXPECT_EQ(allowed(key, access::read, "shop"), ec::forbidden);
  EXPECT_EQ(allowed(key, access::write, "shop"), ec::forbidden);
}

} // namespace
} // namespace shoal::api
