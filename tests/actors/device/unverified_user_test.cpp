// What a user is good for whose check failed: protocol/README.md, "User binding".
#include "actors/catalog/user_check.hpp"
#include "tests/support/sync_test.hpp"

namespace shoal::testing_support {
namespace {

using strings = std::vector<std::string>;
const auto u1 = principal::user("u1");

TEST(user_check, binds_nobody_after_any_failure_unless_the_app_says_so) {
  auto users = user_auth{};
  for (auto mode : {user_auth::mode::none, user_auth::mode::hmac, user_auth::mode::jwt,
           user_auth::mode::callback})
    for (auto failure : {ec::bad_token, ec::token_expired, ec::verifier_unavailable}) {
      users.how = mode;
      EXPECT_FALSE(binds_unverified(users, failure));
    }
}

TEST(user_check, takes_a_token_that_was_good_once_but_never_a_forged_one) {
  auto users = user_auth{};
  users.bind_unverified = true;
  for (auto mode : {user_auth::mode::hmac, user_auth::mode::jwt}) {
    users.how = mode;
    EXPECT_TRUE(binds_unverified(users, ec::token_expired));
    EXPECT_FALSE(binds_unverified(users, ec::bad_token));
    EXPECT_FALSE(binds_unverified(users, ec::verifier_unavailable)) << "of a mode before this one";
  }
}

TEST(user_check, takes_no_for_an_answer_and_no_answer_of_a_tenant) {
  auto users = user_auth{};
  users.bind_unverified = true;
  users.how = user_auth::mode::callback;
  EXPECT_TRUE(binds_unverified(users, ec::bad_token));
  EXPECT_TRUE(binds_unverified(users, ec::verifier_unavailable));
  EXPECT_FALSE(binds_unverified(users, ec::token_expired));
}

TEST(user_check, demands_a_verified_user_where_ops_can_be_used_up) {
  auto biz = biz_config{};
  EXPECT_FALSE(demands_verified_user(biz));
  biz.verified_only = true;
  EXPECT_TRUE(demands_verified_user(biz));
  biz.verified_only = biz.multi_device = false;
  EXPECT_TRUE(demands_verified_user(biz));
  biz.target = biz_target::device;
  EXPECT_FALSE(demands_verified_user(biz)) << "no user is needed at all";
}

class unverified_user : public sync_test {
public:
  void SetUp() override {
    users([](user_auth& x) {
      x.how = user_auth::mode::callback;
      x.url = "http://localhost/validate";
      x.bind_unverified = true;
    });
    sync_test::SetUp();
    add_biz("NEWS");
    add_biz("SAFE", [](biz_config& x) { x.verified_only = true; });
    add_biz("ONCE", [](biz_config& x) { x.multi_device = false; });
    add_biz("LOCK", [](biz_config& x) { x.target = biz_target::device; });
    add_biz("ALL", [](biz_config& x) { x.scope = biz_scope::global; });
    sv->where.set_verifier(keep(sys.spawn([this](verifier_actor::pointer)
                                              -> verifier_actor::behavior_type {
      return {[this](atom::verdict, const device_actor& device, const verify_request& request) {
        caf::anon_send(device, atom::verdict::value, bind_verdict{request.binding, verdict, {}});
      }};
    })));
  }

  void users(const std::function<void(user_auth&)>& tweak) {
    auto x = std::make_shared<app_config>(*known->app(app));
    tweak(x->users);
    known = std::make_shared<const catalog>(known->with(app_ptr{x}));
    if (sv)
      sv->catalog.store(known);
  }

  static wire::Bound last_bound(const test_device& x) {
    auto out = wire::Bound{};
    for (auto& y : x.frames)
      if (y.type == frame_type::bound)
        out.ParseFromString(y.body);
    return out;
  }

  void bind_with(test_device& x, const std::string& user, const std::string& token) {
    auto y = wire::Bind{};
    y.set_user(user);
    y.set_token(token);
    say(x, frame_type::bind, y);
  }

  device_info seen(test_device& x) { return *ask<device_status>(x.hdl, atom::status::value)->info; }

  ec verdict = ec::bad_token;
};

TEST_F(unverified_user, gets_what_demands_no_check_and_nothing_else) {
  for (auto biz : {"NEWS", "SAFE", "ONCE"})
    append(u1, biz, "before");
  auto& a = online("d1", "u1", "NEWS");
  EXPECT_EQ(a.bind_code, ec::none);
  EXPECT_EQ(last_bound(a).unverified(), static_cast<std::uint32_t>(ec::bad_token));
  EXPECT_EQ(last_bound(a).text(), "bad_token");
  EXPECT_FALSE(seen(a).user_verified);
  for (auto biz : {"SAFE", "ONCE", "LOCK", "ALL"})
    subscribe(a, biz);
  for (auto biz : {"NEWS", "SAFE", "ONCE"})
    append(u1, biz, "after");
  append(principal::device("d1"), "LOCK", "x");
  append(principal::global(), "ALL", "x");
  EXPECT_EQ(a.payloads("NEWS"), (strings{"before", "after"}));
  EXPECT_EQ(a.payloads("LOCK"), strings{"x"});
  EXPECT_EQ(a.payloads("ALL"), strings{"x"});
  for (auto biz : {"SAFE", "ONCE"}) {
    EXPECT_EQ(a.refused[biz], ec::user_not_verified);
    EXPECT_EQ(a.payloads(biz), strings{});
  }
  EXPECT_EQ(count.binds_unverified.load(), 1u);
  EXPECT_EQ(count.binds.load(), 0u);
}

TEST_F(unverified_user, is_bound_too_when_the_tenant_does_not_answer) {
  verdict = ec::verifier_unavailable;
  auto& a = online("d1", "u1", "NEWS");
  EXPECT_EQ(last_bound(a).unverified(), static_cast<std::uint32_t>(ec::verifier_unavailable));
  subscribe(a, "SAFE");
  EXPECT_EQ(a.refused["SAFE"], ec::user_not_verified);
}

TEST_F(unverified_user, becomes_verified_by_binding_again_and_unverified_in_the_same_way) {
  auto& a = online("d1", "u1", "SAFE");
  append(u1, "SAFE", "one");
  verdict = ec::none;
  bind(a, "u1");
  EXPECT_EQ(last_bound(a).unverified(), 0u);
  subscribe(a, "SAFE");
  EXPECT_EQ(a.payloads("SAFE"), strings{"one"});
  verdict = ec::bad_token;
  bind(a, "u1");
  append(u1, "SAFE", "two");
  EXPECT_EQ(a.payloads("SAFE"), strings{"one"}) << "its feed ended with the verified binding";
}

TEST_F(unverified_user, binds_nobody_by_default) {
  users([](user_auth& x) { x.bind_unverified = false; });
  for (auto x : {ec::bad_token, ec::verifier_unavailable}) {
    verdict = x;
    auto& a = online("d1", "u1", "NEWS");
    EXPECT_EQ(a.bind_code, x);
    EXPECT_EQ(last_bound(a).unverified(), 0u);
    EXPECT_EQ(a.refused["NEWS"], ec::not_bound);
  }
}

TEST_F(unverified_user, hears_nothing_more_of_a_biz_that_demands_a_check_from_now_on) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "for everybody");
  add_biz("NEWS", [](biz_config& x) { x.verified_only = true; });
  append(u1, "NEWS", "for u1 alone");
  append(u1, "NEWS", "also");
  EXPECT_EQ(a.payloads("NEWS"), strings{"for everybody"});
  EXPECT_EQ(a.refused["NEWS"], ec::user_not_verified);
  EXPECT_FALSE(a.closed);
}

TEST_F(unverified_user, hears_nothing_more_when_the_app_takes_it_back) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "one");
  users([](user_auth& x) { x.bind_unverified = false; });
  append(u1, "NEWS", "two");
  EXPECT_EQ(a.payloads("NEWS"), strings{"one"});
  subscribe(a, "NEWS");
  EXPECT_EQ(a.refused["NEWS"], ec::user_not_verified);
}

TEST_F(unverified_user, is_not_sent_the_rest_of_a_backlog_either) {
  for (auto i = 0; i < 10; ++i)
    append(u1, "NEWS", std::to_string(i));
  auto& a = connect("d1", [](wire::Hello& x) { x.set_window_ops(3); });
  bind(a, "u1");
  subscribe(a, "NEWS");
  add_biz("NEWS", [](biz_config& x) { x.verified_only = true; });
  for (auto i = 0; i < 10; ++i)
    ack(a, "NEWS");
  EXPECT_EQ(a.payloads("NEWS"), (strings{"0", "1", "2"}));
  EXPECT_EQ(a.refused["NEWS"], ec::user_not_verified);
}

TEST_F(unverified_user, leaves_verified_devices_of_the_same_user_what_they_have) {
  auto& bad = online("d1", "u1", "NEWS");
  verdict = ec::none;
  auto& good = online("d2", "u1", "NEWS");
  add_biz("NEWS", [](biz_config& x) { x.verified_only = true; });
  append(u1, "NEWS", "x");
  EXPECT_EQ(good.payloads("NEWS"), strings{"x"});
  EXPECT_EQ(bad.payloads("NEWS"), strings{});
}

TEST_F(unverified_user, takes_no_op_away_from_the_users_devices) {
  auto& bad = online("d1", "u1", "ONCE");
  append(u1, "ONCE", "x");
  verdict = ec::none;
  auto& good = online("d2", "u1", "ONCE");
  EXPECT_EQ(bad.payloads("ONCE"), strings{});
  EXPECT_EQ(good.payloads("ONCE"), strings{"x"});
}

TEST_F(unverified_user, is_nobody_for_backends_and_in_the_row_of_its_device) {
  sv->limit.device_calls = 32;
  sv->serves_calls = [](app_no) { return true; };
  auto& a = online("d1", "u1", "NEWS");
  ASSERT_TRUE(a.identity);
  EXPECT_EQ(a.identity->user, "");
  auto row = storage::device_key(
      sv->where.number_of(app, principal::device("d1")), app, std::string{"d1"});
  auto stored_user = [&] {
    wait(std::chrono::seconds{3}); // the device hands it to its partition
    append(principal::device("d1"), "LOCK", "takes lazy rows with it");
    std::string value;
    storage::device_record x;
    EXPECT_EQ(db->get(row, value), storage::lookup::found);
    EXPECT_TRUE(storage::decode(value, row, x));
    return x.user;
  };
  EXPECT_EQ(stored_user(), "");
  verdict = ec::none;
  bind(a, "u1");
  EXPECT_EQ(a.identity->user, "u1");
  EXPECT_EQ(stored_user(), "u1");
}

TEST_F(unverified_user, of_a_token_is_who_had_a_good_one_and_nobody_else) {
  users([](user_auth& x) {
    x.how = user_auth::mode::hmac;
    x.secret = user_secret;
  });
  auto& a = connect("d1");
  auto expired = now / 1000 - 3600;
  bind_with(a, "u1", make_user_token(user_secret, "u1", "", expired));
  EXPECT_EQ(a.bind_code, ec::none);
  EXPECT_EQ(last_bound(a).unverified(), static_cast<std::uint32_t>(ec::token_expired));
  subscribe(a, "NEWS");
  subscribe(a, "SAFE");
  append(u1, "NEWS", "x");
  EXPECT_EQ(a.payloads("NEWS"), strings{"x"});
  EXPECT_EQ(a.refused["SAFE"], ec::user_not_verified);
  auto none_of_u1 = strings{"", "rubbish", make_user_token("guess", "u1", "", expired),
      make_user_token("guess", "u1", "", now / 1000 + 60),
      make_user_token(user_secret, "u2", "", expired),
      make_user_token(user_secret, "u1", "d2", expired)};
  for (auto& token : none_of_u1) {
    bind_with(a, "u1", token);
    EXPECT_EQ(a.bind_code, ec::bad_token) << token;
    subscribe(a, "NEWS");
    EXPECT_EQ(a.refused["NEWS"], ec::not_bound) << token;
  }
}

TEST_F(unverified_user, is_everybody_where_nothing_is_checked) {
  users([](user_auth& x) { x.how = user_auth::mode::none; });
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "x");
  EXPECT_EQ(a.payloads("NEWS"), strings{"x"});
  subscribe(a, "SAFE");
  EXPECT_EQ(a.refused["SAFE"], ec::user_not_verified);
}

} // namespace
} // namespace shoal::testing_support
