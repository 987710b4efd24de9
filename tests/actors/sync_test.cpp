// The sync semantics, line by line, as conversations between business server, node and devices.
#include "tests/support/sync_test.hpp"

#include <set>

#include "actors/device/going_away.hpp"
#include "storage/keys.hpp"

namespace shoal::testing_support {
namespace {

using strings = std::vector<std::string>;
using numbers = std::vector<std::uint64_t>;
const auto u1 = principal::user("u1");
const auto u2 = principal::user("u2");

class multi_device : public sync_test {
public:
  void SetUp() override {
    sync_test::SetUp();
    add_biz("NEWS");
  }
};

TEST_F(multi_device, delivers_live_to_every_device_of_the_user_and_to_nobody_else) {
  auto& a = online("d1", "u1", "NEWS");
  auto& b = online("d2", "u1", "NEWS");
  auto& c = online("d3", "u2", "NEWS");
  auto r = append(u1, "NEWS", "hello");
  EXPECT_EQ(r.code, ec::none);
  EXPECT_EQ(r.at, (position{7, 1}));
  EXPECT_EQ(r.online, 2u);
  EXPECT_EQ(a.payloads("NEWS"), strings{"hello"});
  EXPECT_EQ(b.payloads("NEWS"), strings{"hello"});
  EXPECT_EQ(c.payloads("NEWS"), strings{});
}

TEST_F(multi_device, gives_a_device_that_was_away_exactly_what_it_missed) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "one");
  ack(a, "NEWS");
  auto at = a.positions["NEWS"];
  lose(a);
  append(u1, "NEWS", "two");
  append(u1, "NEWS", "three");
  auto& again = online("d1", "u1", "NEWS", at);
  EXPECT_EQ(again.payloads("NEWS"), (strings{"two", "three"}));
  EXPECT_FALSE(again.gap);
}

TEST_F(multi_device, tells_the_loop_who_calls_before_the_device_knows_that_it_may) {
  sv->limit.device_calls = 32;
  sv->serves_calls = [](app_no) { return true; };
  auto& a = connect("d1", [](wire::Hello& x) { x.set_zstd(true); });
  EXPECT_EQ(a.calls, 32u);
  ASSERT_TRUE(a.identity);
  EXPECT_EQ(a.identity->app, known->app(app)->id);
  EXPECT_EQ(a.identity->device, "d1");
  EXPECT_EQ(a.identity->user, "");
  EXPECT_TRUE(a.identity->zstd);
  bind(a, "u1");
  EXPECT_EQ(a.identity->user, "u1");
  unbind(a);
  EXPECT_EQ(a.identity->user, "");
}

TEST_F(multi_device, tells_the_loop_of_another_user_even_if_the_gateway_is_off_by_then) {
  sv->limit.device_calls = 32;
  auto on = std::make_shared<bool>(true);
  sv->serves_calls = [on](app_no) { return *on; };
  auto& a = connect("d1");
  bind(a, "u1");
  *on = false;
  bind(a, "u2");
  ASSERT_TRUE(a.identity);
  EXPECT_EQ(a.identity->user, "u2");
}

TEST_F(multi_device, lets_nobody_call_where_the_app_has_no_gateway) {
  sv->limit.device_calls = 32;
  sv->serves_calls = [](app_no) { return false; };
  auto& a = connect("d1");
  EXPECT_EQ(a.calls, 0u);
  EXPECT_FALSE(a.identity);
}

TEST_F(multi_device, lets_nobody_call_where_there_is_no_gateway) {
  auto& a = connect("d1");
  EXPECT_EQ(a.calls, 0u);
  EXPECT_FALSE(a.identity);
}

TEST_F(multi_device, measures_how_long_live_ops_take_to_each_device_and_only_them) {
  online("d1", "u1", "NEWS");
  online("d2", "u1", "NEWS");
  append(u1, "NEWS", "live");
  EXPECT_EQ(count.delivery.read().count, 2u);
  online("d3", "u1", "NEWS");
  EXPECT_EQ(count.delivery.read().count, 2u) << "what waited for its device is no delay of ours";
}

TEST_F(multi_device, remembers_the_cursor_of_a_device_that_forgot_its_position) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "one");
  append(u1, "NEWS", "two");
  ack(a, "NEWS", 1);
  lose(a);
  auto& again = online("d1", "u1", "NEWS");
  EXPECT_EQ(again.payloads("NEWS"), strings{"two"});
}

TEST_F(multi_device, gives_a_new_device_the_whole_backlog) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "one");
  ack(a, "NEWS");
  auto& b = online("d2", "u1", "NEWS");
  EXPECT_EQ(b.payloads("NEWS"), strings{"one"});
}

TEST_F(multi_device, keeps_order_and_gaplessness_over_a_long_backlog_with_a_small_window) {
  for (int i = 1; i <= 1000; ++i)
    append(u1, "NEWS", std::to_string(i));
  auto& a = connect("d1", [](wire::Hello& x) { x.set_window_ops(7); });
  bind(a, "u1");
  subscribe(a, "NEWS");
  for (int i = 0; i < 1000 && a.positions["NEWS"].id < 1000; ++i)
    ack(a, "NEWS");
  auto got = a.payloads("NEWS");
  ASSERT_EQ(got.size(), 1000u);
  for (int i = 1; i <= 1000; ++i)
    ASSERT_EQ(got[static_cast<std::size_t>(i - 1)], std::to_string(i));
  EXPECT_FALSE(a.gap);
}

TEST_F(multi_device, never_sends_more_than_the_window_without_an_ack) {
  auto& a = connect("d1", [](wire::Hello& x) { x.set_window_ops(3); });
  bind(a, "u1");
  subscribe(a, "NEWS");
  for (int i = 0; i < 10; ++i)
    append(u1, "NEWS", "x");
  EXPECT_EQ(a.ids("NEWS"), (numbers{1, 2, 3}));
  ack(a, "NEWS");
  EXPECT_EQ(a.ids("NEWS"), (numbers{1, 2, 3, 4, 5, 6}));
}

TEST_F(multi_device, gives_a_repeated_key_the_first_id_and_makes_no_second_op) {
  auto& a = online("d1", "u1", "NEWS");
  auto first = append(u1, "NEWS", "pay", "order-1");
  auto again = append(u1, "NEWS", "pay again", "order-1");
  EXPECT_FALSE(first.repeated);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.at, first.at);
  EXPECT_EQ(a.payloads("NEWS"), strings{"pay"});
  restart();
  EXPECT_EQ(append(u1, "NEWS", "pay", "order-1").at, first.at) << "also after a restart";
  db->cold_cache(true);
  EXPECT_EQ(append(u1, "NEWS", "pay", "order-1").at, first.at) << "also from disk";
}

TEST_F(multi_device, keeps_call_order_behind_an_append_that_must_read_the_disk) {
  auto& a = online("d1", "u1", "NEWS");
  db->cold_cache(true);
  auto first = send({item(u1, "NEWS", "one", "k1")});
  auto second = send({item(u1, "NEWS", "two")});
  auto third = send({item(u1, "NEWS", "three", "k1")});
  sched.run();
  EXPECT_EQ(results[first].at(0).at.id, 1u);
  EXPECT_EQ(results[second].at(0).at.id, 2u);
  EXPECT_TRUE(results[third].at(0).repeated);
  EXPECT_EQ(results[third].at(0).at.id, 1u);
  EXPECT_EQ(a.payloads("NEWS"), (strings{"one", "two"}));
}

TEST_F(multi_device, treats_the_same_key_in_one_call_as_one_op) {
  auto call = send({item(u1, "NEWS", "a", "k"), item(u1, "NEWS", "b", "k")});
  sched.run();
  ASSERT_EQ(results[call].size(), 2u);
  EXPECT_EQ(results[call][1].at, results[call][0].at);
  EXPECT_TRUE(results[call][1].repeated);
}

TEST_F(multi_device, spreads_one_call_over_many_users_and_answers_each_item_once) {
  std::map<std::uint16_t, std::vector<append_item>> parts;
  std::vector<std::uint64_t> calls;
  for (int i = 0; i < 500; ++i) {
    auto who = principal::user("user" + std::to_string(i % 50));
    parts[raw(sv->where.number_of(app, who))].push_back(item(who, "NEWS", std::to_string(i)));
  }
  for (auto& [no, items] : parts)
    calls.push_back(send(items));
  sched.run();
  std::size_t answered = 0;
  for (auto call : calls)
    for (auto& r : results[call]) {
      EXPECT_EQ(r.code, ec::none);
      ++answered;
    }
  EXPECT_EQ(answered, 500u);
  auto& a = online("d1", "user7", "NEWS");
  EXPECT_EQ(a.payloads("NEWS"),
      (strings{"7", "57", "107", "157", "207", "257", "307", "357", "407", "457"}));
}

TEST_F(multi_device, forgets_nothing_that_was_answered_when_power_fails) {
  append(u1, "NEWS", "kept");
  stop();
  db->lose_unsynced();
  boot();
  auto& a = online("d1", "u1", "NEWS");
  EXPECT_EQ(a.payloads("NEWS"), strings{"kept"});
  EXPECT_EQ(append(u1, "NEWS", "next").at.id, 2u);
}

TEST_F(multi_device, refuses_writes_on_a_full_disk_and_leaves_no_gap_when_space_returns) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "one");
  db->fail_writes(ec::storage_full);
  EXPECT_EQ(append(u1, "NEWS", "lost", "k").code, ec::storage_full);
  EXPECT_EQ(append(u1, "NEWS", "lost too").code, ec::storage_full);
  auto& b = online("d2", "u1", "NEWS");
  EXPECT_EQ(b.payloads("NEWS"), strings{"one"}) << "reads go on";
  db->fail_writes(ec::none);
  auto r = append(u1, "NEWS", "two", "k");
  EXPECT_EQ(r.code, ec::none);
  EXPECT_FALSE(r.repeated);
  EXPECT_EQ(r.at.id, 2u);
  EXPECT_EQ(a.payloads("NEWS"), (strings{"one", "two"}));
  EXPECT_FALSE(a.gap);
}

TEST_F(multi_device, names_a_damaged_op_and_leaves_other_streams_alone) {
  append(u1, "NEWS", "one");
  append(u1, "NEWS", "two");
  append(u1, "NEWS", "three");
  append(u2, "NEWS", "other");
  auto part = sv->where.number_of(app, u1);
  auto biz = sv->catalog.load()->biz(app, "NEWS");
  restart();
  ASSERT_TRUE(db->flip_bit(storage::op_key(part, {app, u1, biz->no}, 2), 40));
  auto& a = online("d1", "u1", "NEWS");
  EXPECT_EQ(a.payloads("NEWS"), strings{"one"}) << "what is whole before it is delivered";
  ack(a, "NEWS");
  wait(std::chrono::seconds{10});
  EXPECT_EQ(a.refused["NEWS"], ec::quarantined);
  EXPECT_EQ(append(u1, "NEWS", "four").code, ec::quarantined);
  EXPECT_GT(count.damaged_records.load(), 0u);
  auto& b = online("d2", "u2", "NEWS");
  EXPECT_EQ(b.payloads("NEWS"), strings{"other"});
}

TEST_F(multi_device, advances_over_filtered_and_expired_ops) {
  auto& a = connect("d1", [](wire::Hello& x) { x.set_os("android"); });
  bind(a, "u1");
  subscribe(a, "NEWS");
  auto ios = item(u1, "NEWS", "ios only");
  ios.op.filter.os = "ios";
  append(ios);
  auto dead = item(u1, "NEWS", "too late");
  dead.op.valid_until_ms = now - 1;
  append(dead);
  EXPECT_EQ(a.payloads("NEWS"), strings{});
  wait(std::chrono::seconds{6});
  EXPECT_EQ(a.positions["NEWS"].id, 2u) << "told in an empty frame";
  ack(a, "NEWS");
  append(u1, "NEWS", "for all");
  EXPECT_EQ(a.payloads("NEWS"), strings{"for all"});
  EXPECT_FALSE(a.gap);
}

TEST_F(multi_device, holds_an_op_back_until_it_is_valid) {
  auto& a = online("d1", "u1", "NEWS");
  auto later = item(u1, "NEWS", "tomorrow");
  later.op.valid_from_ms = now + 20'000;
  append(later);
  EXPECT_EQ(a.payloads("NEWS"), strings{});
  for (int i = 0; i < 6; ++i)
    wait(std::chrono::seconds{5});
  EXPECT_EQ(a.payloads("NEWS"), strings{"tomorrow"});
}

TEST_F(multi_device, resets_a_position_of_another_history_with_the_reason) {
  append(u1, "NEWS", "one");
  auto& a = online("d1", "u1", "NEWS", position{6, 40});
  EXPECT_EQ(a.resets["NEWS"], std::vector<int>{wire::RESET_EPOCH});
  EXPECT_EQ(a.payloads("NEWS"), strings{"one"});
  auto& b = online("d2", "u1", "NEWS", position{7, 40});
  EXPECT_EQ(b.resets["NEWS"], std::vector<int>{wire::RESET_AHEAD});
  EXPECT_EQ(b.payloads("NEWS"), strings{"one"});
}

TEST_F(multi_device, sends_only_the_newest_where_the_biz_says_so) {
  add_biz("NEWS", [](biz_config& x) { x.repush_newest = 2; });
  for (auto text : {"1", "2", "3", "4"})
    append(u1, "NEWS", text);
  auto& a = online("d1", "u1", "NEWS");
  EXPECT_EQ(a.payloads("NEWS"), (strings{"3", "4"}));
  auto& b = online("d2", "u1", "NEWS", position{7, 1});
  EXPECT_EQ(b.payloads("NEWS"), (strings{"3", "4"}));
  EXPECT_EQ(b.resets["NEWS"], std::vector<int>{wire::RESET_NEWEST_ONLY});
}

TEST_F(multi_device, removes_what_is_beyond_retention_and_tells_who_missed_it) {
  add_biz("NEWS", [](biz_config& x) { x.retention_s = 3600; });
  auto& a = online("d1", "u1", "NEWS");
  auto at = a.positions["NEWS"];
  lose(a);
  append(u1, "NEWS", "old");
  now += 2 * 3'600'000;
  append(u1, "NEWS", "new");
  sweep();
  EXPECT_EQ(count.trimmed_ops.load(), 1u);
  auto& again = online("d1", "u1", "NEWS", at);
  EXPECT_EQ(again.resets["NEWS"], std::vector<int>{wire::RESET_TRIMMED});
  EXPECT_EQ(again.payloads("NEWS"), strings{"new"});
}

TEST_F(multi_device, remembers_a_key_for_a_day_even_if_its_op_expires_earlier) {
  constexpr auto hour = std::int64_t{3'600'000};
  add_biz("NEWS", [](biz_config& x) { x.retention_s = 3600; });
  auto& a = online("d1", "u1", "NEWS");
  auto at = a.positions["NEWS"];
  lose(a);
  append(u1, "NEWS", "with a key", "k1");
  append(u1, "NEWS", "without");
  now += 2 * hour;
  sweep();
  EXPECT_EQ(count.trimmed_ops.load(), 0u);
  EXPECT_EQ(online("d1", "u1", "NEWS", at).payloads("NEWS"), strings{}) << "it has expired";
  auto repeat = append(u1, "NEWS", "again", "k1");
  EXPECT_TRUE(repeat.repeated);
  EXPECT_EQ(repeat.at.id, 1u);
  now += 23 * hour;
  sweep();
  EXPECT_EQ(count.trimmed_ops.load(), 2u) << "nothing else wakes the sweep for them";
  EXPECT_FALSE(append(u1, "NEWS", "again", "k1").repeated);
}

TEST_F(multi_device, closes_a_device_that_never_acknowledges) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "x");
  for (int i = 0; i < 8; ++i)
    wait(std::chrono::seconds{5});
  EXPECT_EQ(a.closed, ec::ack_missed);
}

TEST_F(multi_device, keeps_a_device_whatever_the_wall_clock_is_set_to_while_an_ack_is_out) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "x");
  for (auto jump : {3'600'000, -7'200'000}) {
    now += jump;
    wait(std::chrono::seconds{1});
    EXPECT_FALSE(a.closed);
  }
  ack(a, "NEWS");
  append(u1, "NEWS", "y");
  EXPECT_EQ(a.payloads("NEWS"), (strings{"x", "y"}));
}

TEST_F(multi_device, closes_a_device_that_acknowledges_what_it_never_got) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "x");
  ack(a, "NEWS", 2);
  EXPECT_EQ(a.closed, ec::bad_position);
}

TEST_F(multi_device, lets_a_stream_sleep_that_was_only_asked_in_vain) {
  auto x = item(u1, "NEWS", "for listeners only");
  x.check_online = true;
  EXPECT_EQ(append(x).code, ec::target_offline);
  EXPECT_EQ(count.streams.load(), 1);
  for (int i = 0; i < 6; ++i)
    wait(std::chrono::seconds{120});
  EXPECT_EQ(count.streams.load(), 0);
}

TEST_F(multi_device, puts_an_idle_stream_to_sleep_and_wakes_it_with_everything) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "one");
  ack(a, "NEWS");
  auto at = a.positions["NEWS"];
  lose(a);
  EXPECT_EQ(count.streams.load(), 1);
  for (int i = 0; i < 6; ++i)
    wait(std::chrono::seconds{120});
  EXPECT_EQ(count.streams.load(), 0);
  EXPECT_EQ(append(u1, "NEWS", "two").at.id, 2u);
  auto& again = online("d1", "u1", "NEWS", at);
  EXPECT_EQ(again.payloads("NEWS"), strings{"two"});
}

TEST_F(multi_device, serves_several_bizs_over_one_connection_independently) {
  add_biz("DEVICE-LOCK");
  auto& a = online("d1", "u1", "NEWS");
  subscribe(a, "DEVICE-LOCK");
  append(u1, "NEWS", "n1");
  append(u1, "DEVICE-LOCK", "l1");
  append(u1, "NEWS", "n2");
  EXPECT_EQ(a.ids("NEWS"), (numbers{1, 2}));
  EXPECT_EQ(a.ids("DEVICE-LOCK"), numbers{1});
  wire::Unsubscribe stop;
  stop.add_biz("NEWS");
  say(a, frame_type::unsubscribe, stop);
  append(u1, "NEWS", "n3");
  append(u1, "DEVICE-LOCK", "l2");
  EXPECT_EQ(a.ids("NEWS"), (numbers{1, 2}));
  EXPECT_EQ(a.ids("DEVICE-LOCK"), (numbers{1, 2}));
}

// -- users on devices ----------------------------------------------------------------------------

TEST_F(multi_device, leaks_nothing_when_another_user_binds_on_the_same_device) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "for u1");
  bind(a, "u2");
  append(u1, "NEWS", "secret of u1");
  EXPECT_EQ(a.payloads("NEWS"), strings{"for u1"});
  a.ops.clear();
  subscribe(a, "NEWS");
  append(u2, "NEWS", "for u2");
  EXPECT_EQ(a.payloads("NEWS"), strings{"for u2"});
}

TEST_F(multi_device, ignores_a_late_ack_that_was_meant_for_the_user_before) {
  append(u2, "NEWS", "for u2");
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "for u1");
  auto old = a.binding;
  bind(a, "u2");
  subscribe(a, "NEWS");
  ASSERT_EQ(a.payloads("NEWS").back(), "for u2");
  a.binding = old;
  ack(a, "NEWS", 1); // it handled op 1 of u1, not op 1 of u2
  lose(a);
  auto& again = online("d1", "u2", "NEWS");
  EXPECT_EQ(again.payloads("NEWS"), strings{"for u2"}) << "u2's cursor did not move";
}

TEST_F(multi_device, keeps_device_and_global_feeds_over_a_change_of_user) {
  add_biz("DEVICE-CMD", [](biz_config& x) { x.target = biz_target::device; });
  add_biz("ALL", [](biz_config& x) {
    x.scope = biz_scope::global;
    x.target = biz_target::device;
  });
  auto& a = online("d1", "u1", "DEVICE-CMD");
  subscribe(a, "ALL");
  bind(a, "u2");
  unbind(a);
  append(principal::device("d1"), "DEVICE-CMD", "reboot");
  append(principal::global(), "ALL", "hello all");
  EXPECT_EQ(a.payloads("DEVICE-CMD"), strings{"reboot"});
  EXPECT_EQ(a.payloads("ALL"), strings{"hello all"});
}

TEST_F(multi_device, refuses_user_bizs_without_a_user) {
  auto& a = online("d1", "", "NEWS");
  EXPECT_EQ(a.refused["NEWS"], ec::not_bound);
  subscribe(a, "NO-SUCH");
  EXPECT_EQ(a.refused["NO-SUCH"], ec::unknown_biz);
  add_biz("OFF", [](biz_config& x) { x.online = false; });
  subscribe(a, "OFF");
  EXPECT_EQ(a.refused["OFF"], ec::biz_offline);
  EXPECT_FALSE(a.closed);
}

TEST_F(multi_device, binds_nobody_with_a_wrong_token) {
  auto& a = connect("d1");
  bind(a, "u1");
  wire::Bind x;
  x.set_user("u2");
  x.set_token(make_user_token("guess", "u2", "", now / 1000 + 60));
  say(a, frame_type::bind, x);
  EXPECT_EQ(a.bind_code, ec::bad_token);
  subscribe(a, "NEWS");
  EXPECT_EQ(a.refused["NEWS"], ec::not_bound) << "also not the user before";
}

TEST_F(sync_test, says_that_an_app_without_verification_can_bind_nobody) {
  auto x = std::make_shared<app_config>(*known->app(app));
  x->users = {};
  known = std::make_shared<const catalog>(known->with(app_ptr{x}));
  sv->catalog.store(known);
  auto& a = connect("d1");
  bind(a, "u1");
  EXPECT_EQ(a.bind_code, ec::bad_token);
  EXPECT_EQ(a.bind_text, "the app has no way to verify users: users-auth is none");
}

class validated_session : public sync_test {
public:
  void SetUp() override {
    auto x = std::make_shared<app_config>(*known->app(app));
    x->users = {};
    x->users.how = user_auth::mode::callback;
    x->users.url = "http://localhost/validate";
    known = std::make_shared<const catalog>(known->with(app_ptr{x}));
    sync_test::SetUp();
    add_biz("NEWS");
    sv->where.set_verifier(
        keep(sys.spawn([this](verifier_actor::pointer) -> verifier_actor::behavior_type {
          return {[this](atom::verdict, const device_actor&, const verify_request& request) {
            asked = request;
          }};
        })));
  }

  void answer(test_device& x, ec code) {
    tell(x.hdl, atom::verdict::value, bind_verdict{asked.binding, code, {}});
  }

  verify_request asked;
};

TEST_F(validated_session, answers_what_came_behind_the_bind_after_the_verdict) {
  append(u1, "NEWS", "x");
  auto& a = online("d1", "u1", "NEWS");
  EXPECT_EQ(asked.user, "u1");
  EXPECT_TRUE(a.refused.empty()) << "not answered before it is known who the user is";
  answer(a, ec::none);
  EXPECT_EQ(a.binding, 1u);
  EXPECT_EQ(a.payloads("NEWS"), strings{"x"});
}

TEST_F(validated_session, binds_nobody_when_the_session_is_not_valid) {
  auto& a = online("d1", "u1", "NEWS");
  answer(a, ec::bad_token);
  EXPECT_EQ(a.bind_code, ec::bad_token);
  EXPECT_EQ(a.refused["NEWS"], ec::not_bound);
}

TEST_F(validated_session, holds_only_so_many_messages_back) {
  auto& a = online("d1", "u1", "NEWS");
  for (int i = 0; i < 20; ++i)
    subscribe(a, "NEWS");
  EXPECT_EQ(a.closed, ec::overloaded);
}

// -- single-device -------------------------------------------------------------------------------

class single_device : public sync_test {
public:
  void SetUp() override {
    sync_test::SetUp();
    add_biz("ONCE", [](biz_config& x) {
      x.multi_device = false;
      x.ack_timeout_s = 10;
    });
  }
};

TEST_F(single_device, offers_an_op_to_one_device_only) {
  auto& a = online("d1", "u1", "ONCE");
  auto& b = online("d2", "u1", "ONCE");
  append(u1, "ONCE", "x");
  EXPECT_EQ(a.payloads("ONCE"), strings{"x"});
  EXPECT_EQ(b.payloads("ONCE"), strings{});
  ack(a, "ONCE");
  lose(a);
  append(u1, "ONCE", "y");
  EXPECT_EQ(b.payloads("ONCE"), strings{"y"}) << "x is consumed";
}

TEST_F(single_device, offers_it_to_another_that_acknowledges_when_the_first_does_not) {
  auto& a = online("d1", "u1", "ONCE");
  auto& b = online("d2", "u1", "ONCE");
  append(u1, "ONCE", "x");
  for (int i = 0; i < 11; ++i)
    wait(std::chrono::seconds{1});
  EXPECT_EQ(b.payloads("ONCE"), strings{"x"});
  ack(b, "ONCE");
  append(u1, "ONCE", "y");
  EXPECT_EQ(b.payloads("ONCE"), (strings{"x", "y"}));
  EXPECT_EQ(a.payloads("ONCE"), strings{"x"});
}

TEST_F(single_device, leaves_it_to_the_first_when_only_the_wall_clock_says_that_time_is_over) {
  auto& a = online("d1", "u1", "ONCE");
  auto& b = online("d2", "u1", "ONCE");
  append(u1, "ONCE", "x");
  now += 3'600'000;
  wait(std::chrono::seconds{1});
  EXPECT_EQ(b.payloads("ONCE"), strings{});
  ack(a, "ONCE");
  EXPECT_FALSE(a.closed);
}

TEST_F(single_device, hands_the_turn_on_when_its_device_leaves) {
  auto& a = online("d1", "u1", "ONCE");
  auto& b = online("d2", "u1", "ONCE");
  append(u1, "ONCE", "x");
  lose(a);
  EXPECT_EQ(b.payloads("ONCE"), strings{"x"});
}

TEST_F(single_device, starts_a_second_device_where_the_user_is) {
  auto& a = online("d1", "u1", "ONCE");
  append(u1, "ONCE", "x");
  ack(a, "ONCE");
  lose(a);
  wait(std::chrono::seconds{2});
  restart();
  append(u1, "ONCE", "y");
  auto& b = online("d2", "u1", "ONCE");
  EXPECT_EQ(b.payloads("ONCE"), strings{"y"});
}

TEST_F(single_device, removes_what_was_acknowledged_once_it_is_a_day_old) {
  auto& a = online("d1", "u1", "ONCE");
  for (auto text : {"one", "two", "three"})
    append(u1, "ONCE", text);
  ack(a, "ONCE", 2);
  lose(a);
  wait(std::chrono::seconds{3}); // the stream hands the cursor over
  append(u2, "ONCE", "takes lazy rows with it");
  sweep();
  EXPECT_EQ(count.trimmed_ops.load(), 0u) << "keys are remembered for a day";
  now += 25 * 3'600'000;
  sweep();
  EXPECT_EQ(count.trimmed_ops.load(), 2u) << "not what nobody acknowledged";
  restart();
  auto& b = online("d2", "u1", "ONCE");
  EXPECT_EQ(b.payloads("ONCE"), strings{"three"});
  EXPECT_EQ(b.resets["ONCE"], std::vector<int>{}) << "nobody missed anything";
}

TEST_F(sync_test, removes_what_a_device_has_acknowledged_once_it_is_a_day_old) {
  add_biz("LOCK", [](biz_config& x) { x.target = biz_target::device; });
  auto d1 = principal::device("d1");
  auto& a = online("d1", "", "LOCK");
  for (auto text : {"one", "two", "three"})
    append(d1, "LOCK", text);
  ack(a, "LOCK", 2);
  lose(a);
  wait(std::chrono::seconds{3});
  now += 25 * 3'600'000;
  append(d1, "LOCK", "takes lazy rows with it");
  sweep();
  EXPECT_EQ(count.trimmed_ops.load(), 2u);
  EXPECT_EQ(
      online("d1", "", "LOCK").payloads("LOCK"), (strings{"three", "takes lazy rows with it"}));
}

TEST_F(multi_device, keeps_for_new_devices_what_another_has_acknowledged) {
  auto& a = online("d1", "u1", "NEWS");
  append(u1, "NEWS", "one");
  ack(a, "NEWS");
  lose(a);
  wait(std::chrono::seconds{3});
  now += 25 * 3'600'000;
  append(u1, "NEWS", "two");
  sweep();
  EXPECT_EQ(count.trimmed_ops.load(), 0u);
  EXPECT_EQ(online("d2", "u1", "NEWS").payloads("NEWS"), (strings{"one", "two"}));
}

TEST_F(single_device, tells_a_device_what_others_have_consumed) {
  auto& a = online("d1", "u1", "ONCE");
  append(u1, "ONCE", "x");
  ack(a, "ONCE");
  lose(a);
  auto& b = online("d2", "u1", "ONCE", position{7, 0});
  EXPECT_EQ(b.resets["ONCE"], std::vector<int>{wire::RESET_CONSUMED_ELSEWHERE});
  EXPECT_EQ(b.positions["ONCE"].id, 1u);
}

// -- persistence, targets, global ----------------------------------------------------------------

TEST_F(sync_test, drops_non_persistent_ops_for_who_is_offline) {
  add_biz("PING", [](biz_config& x) { x.persistent = false; });
  EXPECT_EQ(append(u1, "PING", "nobody").online, 0u);
  auto& a = online("d1", "u1", "PING");
  auto r = append(u1, "PING", "now");
  EXPECT_EQ(r.code, ec::none);
  EXPECT_EQ(r.at, position{});
  EXPECT_EQ(r.online, 1u);
  EXPECT_EQ(a.payloads("PING"), strings{"now"});
}

TEST_F(sync_test, refuses_when_the_caller_wants_somebody_online_and_nobody_is) {
  add_biz("NEWS");
  auto x = item(u1, "NEWS", "x");
  x.check_online = true;
  EXPECT_EQ(append(x).code, ec::target_offline);
  online("d1", "u1", "NEWS");
  EXPECT_EQ(append(x).code, ec::none);
}

TEST_F(sync_test, refuses_an_offline_biz) {
  add_biz("NEWS", [](biz_config& x) { x.online = false; });
  EXPECT_EQ(append(u1, "NEWS", "x").code, ec::biz_offline);
}

TEST_F(sync_test, delivers_only_to_verified_users_where_the_biz_demands_it) {
  add_biz("SAFE", [](biz_config& x) { x.verified_only = true; });
  auto& a = online("d1", "u1", "SAFE");
  append(u1, "SAFE", "x");
  EXPECT_EQ(a.payloads("SAFE"), strings{"x"});
}

class global_biz : public sync_test {
public:
  void SetUp() override {
    sync_test::SetUp();
    add_biz("ALL", [](biz_config& x) {
      x.scope = biz_scope::global;
      x.target = biz_target::device;
    });
  }
};

TEST_F(global_biz, reaches_every_device_of_the_app_once) {
  std::vector<test_device*> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(&online("d" + std::to_string(i), "", "ALL"));
  append(principal::global(), "ALL", "one");
  append(principal::global(), "ALL", "two");
  for (auto* x : all) {
    EXPECT_EQ(x->payloads("ALL"), (strings{"one", "two"}));
    EXPECT_FALSE(x->gap);
  }
}

TEST_F(global_biz, keeps_a_cursor_per_device_and_no_row_per_user) {
  auto& a = online("d1", "", "ALL");
  append(principal::global(), "ALL", "one");
  ack(a, "ALL");
  wait(std::chrono::seconds{3}); // the device passes it on
  wait(std::chrono::seconds{3}); // the relay writes it
  restart();
  append(principal::global(), "ALL", "two");
  EXPECT_EQ(online("d1", "", "ALL").payloads("ALL"), strings{"two"});
  EXPECT_EQ(online("d2", "", "ALL").payloads("ALL"), (strings{"one", "two"}));
}

TEST_F(global_biz, knows_at_its_relay_how_far_devices_are) {
  auto& a = online("d1", "", "ALL");
  online("d2", "", "ALL");
  append(principal::global(), "ALL", "one");
  append(principal::global(), "ALL", "two");
  ack(a, "ALL");
  wait(std::chrono::seconds{3}); // the device passes it on
  auto text = ask<std::string>(sv->where.relay(app), atom::status::value);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find(R"("caught_up":1,)"), std::string::npos) << *text;
  EXPECT_NE(text->find(R"("least_acked":0,)"), std::string::npos) << *text;
}

TEST_F(global_biz, reads_the_disk_once_for_all_who_catch_up) {
  for (int i = 0; i < 300; ++i)
    append(principal::global(), "ALL", std::to_string(i));
  restart();
  count.disk_pages = 0;
  for (int n = 0; n < 50; ++n) {
    auto& x = online("d" + std::to_string(n), "", "ALL");
    for (int i = 0; i < 20 && x.positions["ALL"].id < 300; ++i)
      ack(x, "ALL");
    ASSERT_EQ(x.ids("ALL").size(), 300u);
    ASSERT_FALSE(x.gap);
  }
  EXPECT_LE(count.disk_pages.load(), 6u);
}

TEST_F(global_biz, restricts_to_user_lists_and_ranges_where_the_biz_is_for_users) {
  add_biz("SHARD", [](biz_config& x) { x.scope = biz_scope::global; });
  auto& a = online("d1", "100", "SHARD");
  auto& b = online("d2", "200", "SHARD");
  auto x = item(principal::global(), "SHARD", "only 100..150");
  x.op.filter.min_uid = 100;
  x.op.filter.max_uid = 150;
  append(x);
  EXPECT_EQ(a.payloads("SHARD"), strings{"only 100..150"});
  EXPECT_EQ(b.payloads("SHARD"), strings{});
}

TEST_F(global_biz, survives_the_death_of_its_relay) {
  auto& a = online("d1", "", "ALL");
  append(principal::global(), "ALL", "one");
  ack(a, "ALL");
  auto dead = sv->where.relay(app);
  sv->where.drop_relay(app);
  self->send_exit(dead, caf::exit_reason::kill);
  sched.run();
  append(principal::global(), "ALL", "two");
  EXPECT_EQ(a.payloads("ALL"), (strings{"one", "two"}));
  EXPECT_FALSE(a.gap);
}

// -- hello ---------------------------------------------------------------------------------------

TEST_F(sync_test, welcomes_a_signed_hello_once) {
  std::string bytes;
  auto& a = connect("d1", [&](wire::Hello& x) { x.set_nonce(std::string(16, 'n')); });
  EXPECT_TRUE(a.welcome);
  auto& b = connect("d1", [&](wire::Hello& x) { x.set_nonce(std::string(16, 'n')); });
  EXPECT_EQ(b.closed, ec::nonce_replayed);
}

TEST_F(sync_test, tells_a_device_the_longest_frame_it_may_send) {
  sv->limit.max_frame = 2'000;
  EXPECT_EQ(connect("d1").max_frame, 2'000u);
}

TEST_F(sync_test, lets_a_device_choose_its_heartbeat_within_the_servers_bounds) {
  sv->limit.heartbeat_min_s = 5;
  sv->limit.heartbeat_default_s = 60;
  sv->limit.heartbeat_max_s = 3600;
  auto granted = [&](std::uint32_t wish) {
    auto& x = connect("d1", [&](wire::Hello& hello) { hello.set_heartbeat_s(wish); });
    EXPECT_EQ(x.heartbeat, std::chrono::seconds{x.heartbeat_s}) << "told the loop another";
    return x.heartbeat_s;
  };
  EXPECT_EQ(granted(240), 240u);
  EXPECT_EQ(granted(0), 60u) << "no wish";
  EXPECT_EQ(granted(1), 5u);
  EXPECT_EQ(granted(4), 5u);
  EXPECT_EQ(granted(3601), 3600u);
  EXPECT_EQ(granted(UINT32_MAX), 3600u);
}

TEST_F(sync_test, refuses_forged_stale_and_malformed_hellos) {
  EXPECT_EQ(connect("d1", [](wire::Hello& x) { x.set_signature(std::string(32, 'x')); }).closed,
      ec::bad_signature);
  EXPECT_EQ(connect("d1", [](wire::Hello& x) { x.set_key("dk_other"); }).closed, ec::bad_signature);
  EXPECT_EQ(connect("d1", [&](wire::Hello& x) { x.set_timestamp_ms(now - 301'000); }).closed,
      ec::clock_skew);
  EXPECT_EQ(
      connect("d1", [](wire::Hello& x) { x.set_version(2); }).closed, ec::unsupported_version);
  EXPECT_EQ(connect("a b").closed, ec::bad_message);
  EXPECT_EQ(connect("d1", [](wire::Hello& x) { x.set_os(std::string(65, 'x')); }).closed,
      ec::bad_message);
}

TEST_F(sync_test, says_which_field_of_a_hello_it_refuses) {
  auto why = [&](const std::function<void(wire::Hello&)>& tweak) {
    return connect("d1", tweak).why_closed;
  };
  EXPECT_EQ(why([](wire::Hello& x) { x.set_version(2); }), "Hello.version is not 1");
  EXPECT_EQ(why([](wire::Hello& x) { x.set_nonce("short"); }), "Hello.nonce is not 16 bytes");
  EXPECT_EQ(why([](wire::Hello& x) { x.set_region(std::string(65, 'x')); }),
      "Hello.region is longer than 64 bytes");
  auto forged = why([](wire::Hello& x) { x.set_signature(std::string(32, 'x')); });
  EXPECT_EQ(forged, why([](wire::Hello& x) { x.set_key("dk_other"); }))
      << "nobody learns which keys there are";
  EXPECT_EQ(forged, "Hello.key or Hello.signature is not valid");
}

TEST_F(sync_test, answers_a_ping_that_came_with_hello_after_its_welcome) {
  auto& a = connect("d1");
  say(a, frame_type::ping, wire::Ping{});
  ASSERT_EQ(a.frames.size(), 2u);
  EXPECT_EQ(a.frames[0].type, frame_type::welcome);
  EXPECT_EQ(a.frames[1].type, frame_type::pong);
}

TEST_F(sync_test, ends_on_a_ping_that_cannot_be_read) {
  auto& a = connect("d1");
  tell(a.hdl, atom::frame::value, device_frame{frame_type::ping, "\xff"});
  EXPECT_EQ(a.closed, ec::bad_message);
}

TEST_F(sync_test, takes_nothing_before_hello) {
  for (auto type : {frame_type::bind, frame_type::subscribe, frame_type::ack, frame_type::ops,
           frame_type::ping, frame_type::call}) {
    test_device x;
    auto wire = std::make_shared<const test_connection>(x);
    auto hdl = keep(sys.spawn(device, device_options{sv, wire, 0}));
    tell(hdl, atom::frame::value, device_frame{type, {}});
    EXPECT_EQ(x.closed, ec::unexpected_message);
    self->send_exit(hdl, caf::exit_reason::kill);
    sched.run();
  }
}

TEST_F(sync_test, lets_the_newest_connection_of_a_device_win_and_tells_the_old_one) {
  auto& a = connect("d1");
  auto& b = connect("d1");
  EXPECT_EQ(a.closed, ec::replaced);
  EXPECT_FALSE(b.closed);
  lose(a);
  auto online =
      ask<online_report>(sv->where.hub(), atom::online::value, online_query{app, {}, {}, {}, 10});
  ASSERT_TRUE(online);
  EXPECT_EQ(online->total, 1u);
}

TEST_F(sync_test, listens_to_the_newer_connection_when_the_older_speaks_late) {
  auto& a = connect("d1");
  auto older = std::make_shared<device_info>();
  older->app = app;
  older->device = "d1";
  older->session = 1;
  auto& b = connect("d2");
  tell(sv->where.hub(), atom::online::value, b.hdl, device_info_ptr{older});
  EXPECT_FALSE(a.closed);
  EXPECT_EQ(b.closed, ec::replaced) << "it spoke for the other one";
}

TEST_F(sync_test, spreads_the_return_of_devices_that_are_sent_away) {
  std::set<std::uint32_t> waits;
  for (auto name : {"d1", "d2", "d3", "d4", "d5", "d6"}) {
    auto& a = connect(name);
    tell(a.hdl, atom::kick::value, kick_order{ec::going_away, "this node is being drained"});
    EXPECT_EQ(a.closed, ec::going_away);
    EXPECT_GE(a.retry_after_ms, least_absence_ms);
    EXPECT_LT(a.retry_after_ms, least_absence_ms + absence_spread_ms);
    waits.insert(a.retry_after_ms);
  }
  EXPECT_GT(waits.size(), 1u) << "all come back in the same millisecond";
  auto& kicked = connect("d7");
  tell(kicked.hdl, atom::kick::value, kick_order{});
  EXPECT_EQ(kicked.closed, ec::kicked);
  EXPECT_EQ(kicked.retry_after_ms, 0u) << "it is not to come back by itself";
}

TEST_F(sync_test, closes_a_connection_that_sends_rubbish) {
  for (auto type :
      {frame_type::bind, frame_type::subscribe, frame_type::unsubscribe, frame_type::ack}) {
    auto& a = connect("d1");
    tell(a.hdl, atom::frame::value, device_frame{type, "\xff\xff\xff\xff"});
    EXPECT_EQ(a.closed, ec::bad_message);
  }
}

TEST_F(sync_test, every_subscribe_is_answered_once_however_late_the_stream_is) {
  add_biz("NEWS");
  auto& x = connect("d1");
  bind(x, "u1");
  auto say_later = [&](frame_type type, const google::protobuf::MessageLite& y) {
    caf::anon_send(x.hdl, atom::frame::value, device_frame{type, y.SerializeAsString()});
  };
  auto answers = [&] {
    return std::count_if(x.frames.begin(), x.frames.end(),
        [](const frame& y) { return y.type == frame_type::subscribed; });
  };
  wire::Subscribe again;
  again.add_entries()->set_biz("NEWS");
  say_later(frame_type::subscribe, again); // the second one comes before the stream has answered
  say_later(frame_type::subscribe, again);
  sched.run();
  EXPECT_EQ(answers(), 2);
  EXPECT_TRUE(x.refused.empty());
  say_later(frame_type::subscribe, again);
  say_later(frame_type::unbind, wire::Unbind{}); // before the answer
  sched.run();
  EXPECT_EQ(answers(), 3);
}

} // namespace
} // namespace shoal::testing_support
