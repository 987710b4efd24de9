#include <random>

#include "actors/catalog/remark.hpp"
#include "tests/support/cluster_test.hpp"

namespace shoal::testing_support {
namespace {

using namespace std::chrono_literals;
using texts = std::vector<std::string>;

class remote_test : public cluster_test {
public:
  void SetUp() override {
    cluster_test::SetUp();
    add_biz("CHAT");
    add_biz("NEWS", [](biz_config& x) {
      x.scope = biz_scope::global;
      x.target = biz_target::device;
    });
  }

  /// Counts frames of a kind between two nodes.
  struct frame_count {
    std::size_t frames = 0, bytes = 0;
  };
  std::shared_ptr<frame_count> count_frames(
      const std::string& from, const std::string& to, cluster::traffic kind) {
    auto out = std::make_shared<frame_count>();
    net.judge_frames([=](auto& a, auto& b, cluster::traffic k, auto& body) {
      if (a == from && b == to && k == kind) {
        ++out->frames;
        out->bytes += body.size();
      }
      return test::fate::pass;
    });
    return out;
  }

  /// Ids of a stream as they were stored.
  std::vector<std::uint64_t> stored(const principal& who, const std::string& biz) {
    std::vector<std::uint64_t> out;
    auto prefix = storage::op_prefix(home(who), {app, who, known->biz(app, biz)->no});
    db->scan(prefix, storage::prefix_end(prefix), [&](auto key, auto) {
      out.push_back(storage::op_id_of(key));
      return true;
    });
    return out;
  }
};

// -- appends -------------------------------------------------------------------------------------

TEST_F(remote_test, appends_through_a_node_that_does_not_lead_the_partition) {
  auto who = principal::user(user_at("n2"));
  auto first = append("n1", who, "CHAT", "a");
  auto second = append("n3", who, "CHAT", "b");
  EXPECT_EQ(first.code, ec::none);
  EXPECT_EQ(first.at, (position{7, 1}));
  EXPECT_EQ(second.at, (position{7, 2}));
}

TEST_F(remote_test, keeps_the_order_of_the_items_of_a_batch) {
  auto user = principal::user(user_at("n2"));
  std::vector<append_item> items;
  for (auto i = 0; i < 20; ++i)
    items.push_back(item(user, "CHAT", std::to_string(i)));
  auto call = send("n1", std::move(items));
  run();
  auto& got = at("n1").results[call];
  ASSERT_EQ(got.size(), 20u);
  for (auto& x : got)
    EXPECT_EQ(x.at.id, x.index + 1);
}

TEST_F(remote_test, a_key_makes_one_op_whichever_node_is_asked) {
  auto who = principal::user(user_at("n2"));
  auto first = append("n1", who, "CHAT", "a", "k");
  auto again = append("n3", who, "CHAT", "a", "k");
  EXPECT_EQ(again.at, first.at);
  EXPECT_TRUE(again.repeated);
}

TEST_F(remote_test, refusals_of_the_stream_come_back) {
  auto who = principal::user(user_at("n2"));
  auto x = item(who, "CHAT", "a");
  x.check_online = true;
  EXPECT_EQ(append("n1", x).code, ec::target_offline);
}

// -- feeds ---------------------------------------------------------------------------------------

TEST_F(remote_test, a_device_hears_of_ops_of_a_stream_on_another_node) {
  auto user = user_at("n2");
  append("n1", principal::user(user), "CHAT", "before");
  auto& d = online("n1", "d1", user, "CHAT");
  append("n3", principal::user(user), "CHAT", "after");
  EXPECT_EQ(d.payloads("CHAT"), (texts{"before", "after"}));
  EXPECT_FALSE(d.gap);
}

TEST_F(remote_test, an_append_counts_devices_of_other_nodes_as_online) {
  auto user = user_at("n2");
  online("n1", "d1", user, "CHAT");
  online("n3", "d2", user, "CHAT");
  EXPECT_EQ(append("n1", principal::user(user), "CHAT", "a").online, 2u);
  auto x = item(principal::user(user), "CHAT", "b");
  x.check_online = true;
  EXPECT_EQ(append("n3", x).code, ec::none);
}

TEST_F(remote_test, acknowledgements_move_the_cursor_at_the_owner) {
  auto user = user_at("n2");
  auto& d = online("n1", "d1", user, "CHAT");
  append("n1", principal::user(user), "CHAT", "a");
  append("n1", principal::user(user), "CHAT", "b");
  ack(d, "CHAT");
  wait(5s); // device and stream gather them
  lose(d);
  auto& again = online("n3", "d1", user, "CHAT");
  EXPECT_EQ(again.positions["CHAT"].id, 2u);
  EXPECT_TRUE(again.payloads("CHAT").empty());
}

TEST_F(remote_test, a_long_backlog_is_pulled_over_the_link) {
  auto user = user_at("n2");
  for (auto i = 1; i <= 300; ++i)
    append("n2", principal::user(user), "CHAT", std::to_string(i));
  auto& d = online("n1", "d1", user, "CHAT");
  while (d.payloads("CHAT").size() < 300) {
    auto before = d.payloads("CHAT").size();
    ack(d, "CHAT");
    ASSERT_GT(d.payloads("CHAT").size() + (d.payloads("CHAT").size() == 300), before);
  }
  EXPECT_EQ(d.ids("CHAT").back(), 300u);
  EXPECT_FALSE(d.gap);
}

TEST_F(remote_test, devices_of_one_node_get_a_batch_in_one_event) {
  auto user = user_at("n2");
  std::vector<test_device*> all;
  for (auto i = 0; i < 5; ++i)
    all.push_back(&online("n1", "d" + std::to_string(i), user, "CHAT"));
  auto sent = count_frames("n2", "n1", cluster::traffic::feeds);
  append("n2", principal::user(user), "CHAT", std::string(1000, 'x'));
  for (auto* d : all)
    EXPECT_EQ(d->payloads("CHAT").size(), 1u);
  EXPECT_EQ(sent->frames, 1u);
  EXPECT_LT(sent->bytes, 2000u);
}

TEST_F(remote_test, fifty_devices_of_a_node_cost_one_frame_for_a_global_op) {
  std::vector<test_device*> all;
  for (auto i = 0; i < 50; ++i)
    all.push_back(&online("n1", "d" + std::to_string(i), "", "NEWS"));
  auto owner = leader_of(principal::global()).name;
  auto from = owner == "n1" ? "n2" : owner;
  if (owner == "n1")
    lead(home(principal::global()), "n2");
  wait(200ms);
  auto sent = count_frames(from, "n1", cluster::traffic::feeds);
  append("n3", principal::global(), "NEWS", std::string(1000, 'x'));
  for (auto* d : all)
    EXPECT_EQ(d->payloads("NEWS").size(), 1u) << d->id;
  EXPECT_EQ(sent->frames, 1u);
  EXPECT_LT(sent->bytes, 2000u);
}

TEST_F(remote_test, a_device_that_leaves_is_no_listener_any_more) {
  auto user = user_at("n2");
  auto& d = online("n1", "d1", user, "CHAT");
  lose(d);
  EXPECT_EQ(append("n2", principal::user(user), "CHAT", "a").online, 0u);
  auto& e = online("n1", "d2", user, "CHAT");
  wire::Unsubscribe leave;
  leave.add_biz("CHAT");
  say(e, static_cast<frame_type>(frame_type::unsubscribe), leave);
  EXPECT_EQ(append("n2", principal::user(user), "CHAT", "b").online, 0u);
}

// -- partitions that move ------------------------------------------------------------------------

TEST_F(remote_test, an_append_while_nobody_leads_waits_for_the_next_leader) {
  auto who = principal::user(user_at("n2"));
  append("n1", who, "CHAT", "a");
  resign(home(who));
  auto call = send("n1", {item(who, "CHAT", "b")});
  wait(500ms);
  EXPECT_TRUE(at("n1").results[call].empty());
  lead(home(who), "n3");
  run();
  EXPECT_EQ(outcome("n1", call).at, (position{7, 2}));
}

TEST_F(remote_test, an_append_that_waited_too_long_says_that_nothing_was_stored) {
  auto who = principal::user(user_at("n2"));
  resign(home(who));
  auto call = send("n1", {item(who, "CHAT", "a")});
  wait(4s);
  EXPECT_EQ(outcome("n1", call).code, ec::moving);
  EXPECT_TRUE(stored(who, "CHAT").empty());
}

TEST_F(remote_test, a_node_that_becomes_leader_serves_what_waited_at_its_own_stand_in) {
  auto who = principal::user(user_at("n2"));
  resign(home(who));
  auto call = send("n1", {item(who, "CHAT", "a")});
  auto user = who.id;
  auto& d = online("n1", "d1", user, "CHAT");
  wait(300ms);
  lead(home(who), "n1");
  run();
  EXPECT_EQ(outcome("n1", call).code, ec::none);
  EXPECT_EQ(d.payloads("CHAT"), (texts{"a"}));
}

TEST_F(remote_test, calls_that_wait_are_bounded) {
  auto who = principal::user(user_at("n2"));
  at("n1").sv->limit.move_bytes = 10'000;
  resign(home(who));
  std::vector<std::uint64_t> calls;
  for (auto i = 0; i < 20; ++i)
    calls.push_back(send("n1", {item(who, "CHAT", std::string(1'000, 'x'))}));
  run();
  EXPECT_EQ(outcome("n1", calls.back()).code, ec::overloaded);
  EXPECT_TRUE(at("n1").results[calls.front()].empty());
}

TEST_F(remote_test, a_device_follows_its_stream_to_another_node) {
  auto user = user_at("n2");
  auto who = principal::user(user);
  auto& d = online("n1", "d1", user, "CHAT");
  auto& e = online("n2", "d2", user, "CHAT");
  std::vector<std::uint64_t> calls;
  auto nth = 0;
  for (auto next : {"n3", "n1", "n2", "n3", "n2", "n1", "n3", "n2"}) {
    for (auto i = 0; i < 3; ++i)
      calls.push_back(send(i == 0 ? "n1" : "n3", {item(who, "CHAT", std::to_string(++nth))}));
    run();
    resign(home(who));
    calls.push_back(send("n1", {item(who, "CHAT", std::to_string(++nth))}));
    wait(50ms);
    lead(home(who), next);
    wait(300ms);
    ack(d, "CHAT");
    ack(e, "CHAT");
  }
  wait(3s);
  EXPECT_EQ(d.ids("CHAT"), stored(who, "CHAT"));
  EXPECT_EQ(e.ids("CHAT"), stored(who, "CHAT"));
  EXPECT_EQ(stored(who, "CHAT").size(), static_cast<std::size_t>(nth));
  EXPECT_FALSE(d.gap || e.gap);
  EXPECT_FALSE(d.closed || e.closed) << "following is not dying";
}

TEST_F(remote_test, a_relay_follows_its_stream_to_another_node) {
  auto no = home(principal::global());
  auto& d = online("n1", "d1", "", "NEWS");
  auto nth = 0;
  for (auto next : {"n2", "n3", "n1", "n2"}) {
    append("n3", principal::global(), "NEWS", std::to_string(++nth));
    lead(no, next);
    wait(300ms);
    append("n1", principal::global(), "NEWS", std::to_string(++nth));
    ack(d, "NEWS");
  }
  EXPECT_EQ(d.ids("NEWS"), stored(principal::global(), "NEWS"));
  EXPECT_FALSE(d.gap);
}

TEST_F(remote_test, a_node_that_does_not_lead_refuses) {
  auto who = principal::user(user_at("n2"));
  auto no = home(who);
  auto stale = views[no];
  lead(no, "n3");
  run();
  // n1 has missed the change.
  at("n1").sv->remote->set_view(no, stale);
  keep(spawn_remote_partition(sys, at("n1").sv, no));
  auto call = send("n1", {item(who, "CHAT", "a")});
  auto& d = online("n1", "d1", who.id, "CHAT");
  wait(300ms);
  EXPECT_TRUE(at("n1").results[call].empty());
  tell_view(at("n1"), no);
  run();
  EXPECT_EQ(outcome("n1", call).code, ec::none);
  EXPECT_EQ(d.payloads("CHAT"), (texts{"a"}));
}

TEST_F(remote_test, a_leader_of_an_older_epoch_is_not_believed) {
  auto who = principal::user(user_at("n2"));
  auto no = home(who);
  at("n1").sv->remote->set_view(no, {views[no].epoch + 5, "n2"});
  auto call = send("n1", {item(who, "CHAT", "a")});
  wait(300ms);
  EXPECT_TRUE(at("n1").results[call].empty()) << "n2 does not know that epoch yet";
}

// -- links that break ----------------------------------------------------------------------------

TEST_F(remote_test, a_device_gets_what_it_missed_after_a_cut) {
  auto user = user_at("n2");
  auto who = principal::user(user);
  auto& d = online("n1", "d1", user, "CHAT");
  append("n2", who, "CHAT", "1");
  net.cut("n1", "n2");
  append("n2", who, "CHAT", "2");
  wait(5s); // both ends notice
  EXPECT_EQ(append("n2", who, "CHAT", "3").online, 0u) << "the owner dropped the feed";
  EXPECT_EQ(d.payloads("CHAT"), (texts{"1"}));
  net.heal_all();
  wait(5s);
  EXPECT_EQ(d.payloads("CHAT"), (texts{"1", "2", "3"}));
  EXPECT_EQ(append("n3", who, "CHAT", "4").online, 1u);
  EXPECT_EQ(d.payloads("CHAT").back(), "4");
  EXPECT_FALSE(d.gap);
}

TEST_F(remote_test, an_append_on_a_broken_link_is_sent_again_only_with_a_key) {
  auto who = principal::user(user_at("n2"));
  net.judge_frames([](auto&, auto& to, cluster::traffic kind, auto&) {
    return to == "n1" && kind == cluster::traffic::calls ? test::fate::hold : test::fate::pass;
  });
  auto plain = send("n1", {item(who, "CHAT", "a")});
  auto keyed = send("n1", {item(who, "CHAT", "b", "k")});
  run(); // both are stored, the answers do not come back
  EXPECT_EQ(stored(who, "CHAT").size(), 2u);
  net.break_link("n1", "n2");
  net.judge_frames({});
  run();
  wait(2s);
  EXPECT_EQ(outcome("n1", plain).code, ec::outcome_unknown);
  EXPECT_EQ(outcome("n1", keyed).at, (position{7, 2}));
  EXPECT_TRUE(outcome("n1", keyed).repeated);
  EXPECT_EQ(stored(who, "CHAT").size(), 2u);
}

TEST_F(remote_test, a_leader_that_lost_its_partition_may_finish_its_answers) {
  auto who = principal::user(user_at("n2"));
  auto hold = true;
  net.judge_frames([&](auto&, auto& to, cluster::traffic kind, auto&) {
    return hold && to == "n1" && kind == cluster::traffic::calls ? test::fate::hold
                                                                 : test::fate::pass;
  });
  auto call = send("n1", {item(who, "CHAT", "a")});
  run();
  lead(home(who), "n3");
  wait(200ms);
  hold = false;
  run();
  EXPECT_EQ(outcome("n1", call).at, (position{7, 1}));
}

TEST_F(remote_test, a_leader_that_says_nothing_any_more_is_not_waited_for_long) {
  auto who = principal::user(user_at("n2"));
  net.judge_frames([](auto& from, auto&, cluster::traffic kind, auto&) {
    return from == "n2" && kind == cluster::traffic::calls ? test::fate::hold : test::fate::pass;
  });
  auto plain = send("n1", {item(who, "CHAT", "a")});
  auto keyed = send("n1", {item(who, "CHAT", "b", "k")});
  run();
  lead(home(who), "n3");
  wait(800ms);
  EXPECT_EQ(outcome("n1", plain).code, ec::outcome_unknown);
  EXPECT_TRUE(outcome("n1", keyed).repeated);
}

TEST_F(remote_test, late_frames_of_an_earlier_attach_are_ignored) {
  auto user = user_at("n2");
  auto who = principal::user(user);
  auto& d = online("n1", "d1", user, "CHAT");
  append("n2", who, "CHAT", "1");
  auto hold = true;
  net.judge_frames([&](auto& from, auto&, cluster::traffic kind, auto&) {
    return hold && from == "n2" && kind == cluster::traffic::feeds ? test::fate::hold
                                                                   : test::fate::pass;
  });
  append("n2", who, "CHAT", "2");
  subscribe(d, "CHAT", position{7, 0}); // starts over while ops of the first feed are on their way
  hold = false;
  run();
  append("n2", who, "CHAT", "3");
  EXPECT_EQ(d.payloads("CHAT").back(), "3");
  EXPECT_FALSE(d.gap);
  EXPECT_EQ(append("n2", who, "CHAT", "4").online, 1u) << "the first feed is gone";
}

TEST_F(remote_test, a_peer_actor_that_died_is_noticed_by_the_other_end) {
  auto user = user_at("n2");
  auto who = principal::user(user);
  auto& d = online("n1", "d1", user, "CHAT");
  append("n2", who, "CHAT", "1");
  for (auto side : {"n1", "n2"}) {
    auto other = std::string{side} == "n1" ? "n2" : "n1";
    self->send_exit(at(side).sv->remote->peer(other), caf::exit_reason::kill);
    run();
    keep(spawn_peer(sys, at(side).sv, other));
    run();
    wait(1s);
    append("n2", who, "CHAT", side);
  }
  EXPECT_EQ(d.payloads("CHAT"), (texts{"1", "n1", "n2"}));
  EXPECT_FALSE(d.closed);
}

TEST_F(remote_test, frames_that_cannot_be_read_cost_a_new_start_and_nothing_else) {
  auto user = user_at("n2");
  auto who = principal::user(user);
  auto& d = online("n1", "d1", user, "CHAT");
  for (auto kind : {cluster::traffic::feeds, cluster::traffic::calls, cluster::traffic::control}) {
    at("n2").links->send("n1", kind, "\xff\xff\xff garbage");
    at("n1").links->send("n2", kind, "\xff\xff\xff garbage");
    run();
  }
  wait(1s);
  append("n1", who, "CHAT", "still here");
  EXPECT_EQ(d.payloads("CHAT"), (texts{"still here"}));
}

// -- windows -------------------------------------------------------------------------------------

class small_window_test : public remote_test {
public:
  std::size_t window() const override { return 20'000; }
  void SetUp() override {
    remote_test::SetUp();
    for (auto& [name, x] : nodes) {
      x->sv->limit.page_bytes = 8'000;
      x->sv->limit.peer_frame = 5'000;
    }
  }
};

TEST_F(small_window_test, a_full_window_drops_live_ops_and_they_are_pulled_later) {
  auto user = user_at("n2");
  auto who = principal::user(user);
  auto& d = online("n1", "d1", user, "CHAT");
  auto hold = true;
  net.judge_frames([&](auto& from, auto&, cluster::traffic kind, auto&) {
    return hold && from == "n2" && kind == cluster::traffic::feeds ? test::fate::hold
                                                                   : test::fate::pass;
  });
  for (auto i = 0; i < 50; ++i)
    append("n2", who, "CHAT", std::string(2'000, 'x'));
  EXPECT_TRUE(d.payloads("CHAT").empty());
  hold = false;
  run();
  for (auto i = 0; i < 20; ++i) {
    wait(1s);
    ack(d, "CHAT");
  }
  EXPECT_EQ(d.ids("CHAT"), stored(who, "CHAT"));
  EXPECT_FALSE(d.gap);
}

TEST_F(small_window_test, a_relay_does_not_merge_over_ops_that_were_dropped) {
  auto owner = "n2";
  lead(home(principal::global()), owner);
  run();
  auto& d = online("n1", "d1", "", "NEWS");
  auto hold = true;
  net.judge_frames([&](auto& from, auto&, cluster::traffic kind, auto&) {
    return hold && from == "n2" && kind == cluster::traffic::feeds ? test::fate::hold
                                                                   : test::fate::pass;
  });
  for (auto i = 0; i < 50; ++i)
    append(owner, principal::global(), "NEWS", std::string(2'000, 'x'));
  hold = false;
  run();
  for (auto i = 0; i < 20; ++i) {
    wait(1s);
    ack(d, "NEWS");
  }
  EXPECT_EQ(d.ids("NEWS"), stored(principal::global(), "NEWS"));
  EXPECT_FALSE(d.gap);
}

TEST_F(remote_test, a_device_that_heard_more_elsewhere_need_not_reload) {
  lead(home(principal::global()), "n2");
  run();
  auto& first = online("n1", "d1", "", "NEWS");
  append("n2", principal::global(), "NEWS", "a");
  run();
  ASSERT_EQ(first.payloads("NEWS"), (texts{"a"}));
  auto hold = true;
  net.judge_frames([&](auto& from, auto&, cluster::traffic kind, auto&) {
    return hold && from == "n2" && kind == cluster::traffic::feeds ? test::fate::hold
                                                                   : test::fate::pass;
  });
  append("n2", principal::global(), "NEWS", "b");
  auto epoch = at("n1").sv->epoch;
  auto& second = online("n1", "d2", "", "NEWS", position{epoch, 2}); // n1 has not heard of b
  auto& third = online("n1", "d3", "", "NEWS", position{epoch, 9});  // nobody has
  hold = false;
  wait(2s);
  append("n2", principal::global(), "NEWS", "c");
  wait(2s);
  EXPECT_TRUE(second.resets.empty());
  EXPECT_EQ(second.payloads("NEWS"), (texts{"c"}));
  EXPECT_EQ(third.resets["NEWS"], std::vector<int>{wire::RESET_AHEAD});
  EXPECT_EQ(third.payloads("NEWS"), (texts{"a", "b", "c"}));
  ack(first, "NEWS");
  wait(2s);
  EXPECT_EQ(first.payloads("NEWS"), (texts{"a", "b", "c"}));
  EXPECT_FALSE(first.gap || second.gap || third.gap);
}

TEST_F(small_window_test, an_append_waits_for_room_in_the_window) {
  auto who = principal::user(user_at("n2"));
  auto hold = true;
  net.judge_frames([&](auto&, auto& to, cluster::traffic kind, auto&) {
    return hold && to == "n2" && kind == cluster::traffic::calls ? test::fate::hold
                                                                 : test::fate::pass;
  });
  std::vector<std::uint64_t> calls;
  for (auto i = 0; i < 10; ++i) {
    calls.push_back(send("n1", {item(who, "CHAT", std::string(4'000, 'x'))}));
    run();
  }
  hold = false;
  wait(1s);
  for (auto call : calls)
    EXPECT_EQ(outcome("n1", call).code, ec::none);
  EXPECT_EQ(stored(who, "CHAT").size(), 10u);
}

// -- reads ---------------------------------------------------------------------------------------

TEST_F(remote_test, reads_are_answered_by_the_leader) {
  auto user = user_at("n2");
  auto who = principal::user(user);
  auto id = stream_key{app, who, known->biz(app, "CHAT")->no};
  auto& d = online("n3", "d1", user, "CHAT");
  append("n1", who, "CHAT", "a");
  append("n1", who, "CHAT", "b");
  ack(d, "CHAT");
  wait(5s);
  auto& where = at("n1").sv->where;

  auto report = ask<stream_report>(where.owner_of(app, who), atom::report::value, id);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->latest, (position{7, 2}));
  ASSERT_EQ(report->listeners.size(), 1u);
  EXPECT_EQ(report->listeners[0].device, "d1");
  EXPECT_EQ(report->listeners[0].acked, 2u);

  auto page =
      ask<stored_page>(where.reader_for(app, who), atom::page::value, page_query{id, 1, 10, 1'000});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->ops.size(), 1u);
  EXPECT_EQ(page->ops[0]->payload, "b");

  auto list = ask<stored_cursors>(
      where.reader_for(app, who), atom::cursors::value, cursor_query{id, "", 10, {}});
  ASSERT_TRUE(list);
  ASSERT_EQ(list->cursors.size(), 1u);
  EXPECT_EQ(list->cursors[0].cursor.at.id, 2u);

  auto one = ask<stored_cursor>(
      where.reader_for(app, who), atom::load::value, cursor_query{id, "d1", 1, {}});
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->found);
}

TEST_F(remote_test, a_read_that_nobody_can_answer_says_that_the_data_moves) {
  auto who = principal::user(user_at("n2"));
  resign(home(who));
  auto pending = self->request(at("n1").sv->where.reader_for(app, who), 60s, atom::page::value,
      page_query{{app, who, known->biz(app, "CHAT")->no}, 0, 10, 1'000});
  wait(4s);
  pending.receive([](stored_page& x) { EXPECT_EQ(x.code, ec::moving); },
      [](caf::error& e) { FAIL() << to_string(e); });
}

TEST_F(remote_test, facts_of_a_device_are_stored_where_its_partition_is_led) {
  auto seen = [&](const std::string& device) {
    auto out = ask<stored_device>(at("n1").sv->where.reader_for(app, principal::device(device)),
        atom::load::value, app, device);
    return out ? *out : stored_device{};
  };
  auto device = std::string{};
  for (auto i = 0; device.empty(); ++i)
    if (views[home(principal::device("d" + std::to_string(i)))].leader == "n2")
      device = "d" + std::to_string(i);
  auto first = now;
  lose(connect("n1", device));
  wait(3s);
  auto facts = seen(device);
  ASSERT_TRUE(facts.found);
  EXPECT_EQ(facts.device.first_seen_ms, first);
  auto later = now;
  lose(connect("n3", device));
  wait(3s);
  EXPECT_EQ(seen(device).device.first_seen_ms, first);
  EXPECT_GE(seen(device).device.last_seen_ms, later);
}

TEST_F(remote_test, cursors_of_global_streams_are_kept_with_the_device) {
  auto& d = online("n1", "d7", "", "NEWS");
  append("n1", principal::global(), "NEWS", "a");
  ack(d, "NEWS");
  wait(5s);
  lose(d);
  auto& again = online("n3", "d7", "", "NEWS");
  EXPECT_EQ(again.positions["NEWS"].id, 1u);
  EXPECT_TRUE(again.payloads("NEWS").empty());
}

// -- what must not be believed -------------------------------------------------------------------

TEST_F(remote_test, rows_that_are_none_of_its_business_are_refused) {
  auto no = home(principal::user(user_at("n2")));
  for (auto& key : {storage::object_key("app", "evil"), storage::log_place_key(no),
           storage::device_key(partition_no{static_cast<std::uint16_t>(raw(no) + 1)}, app, "d")}) {
    commit_request rows;
    rows.rows.put(key, "x");
    caf::anon_send(at("n1").sv->where.partition(no), atom::commit::value, rows);
    run();
    std::string value;
    EXPECT_EQ(db->get(key, value) == storage::lookup::found && value == "x", false);
  }
}

TEST_F(remote_test, an_append_for_a_principal_of_another_partition_is_refused) {
  auto who = principal::user(user_at("n2"));
  auto no = partition_no{static_cast<std::uint16_t>((raw(home(who)) + 3) % partitions)};
  lead(no, "n2");
  run();
  append_call call{77, app, at("n1").sink, {item(who, "CHAT", "a")}};
  caf::anon_send(at("n1").sv->where.partition(no), atom::append::value, call);
  run();
  EXPECT_EQ(outcome("n1", 77).code, ec::invalid_argument);
}

// -- the catalog ---------------------------------------------------------------------------------

TEST_F(remote_test, a_change_is_made_by_the_leader_and_known_everywhere_when_it_is_answered) {
  catalog_change x;
  x.what = catalog_change::kind::put_biz;
  auto biz = *known->biz(app, "CHAT");
  biz.name = "FRESH";
  biz.no = biz_no{0};
  x.biz = std::make_shared<const biz_config>(biz);
  for (auto leader : {"n1", "n2"}) {
    lead(partition_no{0}, leader);
    wait(2s);
    auto changed = *x.biz;
    changed.name += leader == std::string{"n1"} ? "-A" : "-B";
    auto y = x;
    y.biz = std::make_shared<const biz_config>(changed);
    auto done = ask<change_result>(at("n3").sv->where.catalog_writer(), atom::change::value, y);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->code, ec::none) << done->text;
    for (auto& [name, each] : nodes)
      EXPECT_TRUE(each->sv->catalog.load()->biz(app, changed.name)) << name;
    EXPECT_EQ(done->biz->no, at("n1").sv->catalog.load()->biz(app, changed.name)->no);
  }
}

TEST_F(remote_test, a_remark_of_any_node_is_put_into_the_audit_by_the_leader) {
  lead(partition_no{0}, "n2");
  wait(2s);
  auto prefix = storage::audit_prefix(app_no{0});
  auto records = [&] {
    auto out = 0;
    db->scan(prefix, storage::prefix_end(prefix), [&](auto, auto) { return ++out > 0; });
    return out;
  };
  auto before = records();
  auto change = change_of({"node drained", "n3", {}}, "ok_1", nullptr);
  auto done = ask<change_result>(at("n3").sv->where.catalog_writer(), atom::change::value, change);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->code, ec::none) << done->text;
  EXPECT_EQ(records(), before + 1);
}

TEST_F(remote_test, a_node_that_missed_changes_catches_up) {
  net.cut("n3", "n1");
  net.cut("n3", "n2");
  wait(5s);
  lead(partition_no{0}, "n1");
  wait(2s);
  catalog_change x;
  x.what = catalog_change::kind::put_biz;
  auto biz = *known->biz(app, "CHAT");
  biz.name = "LATER";
  x.biz = std::make_shared<const biz_config>(biz);
  auto done = ask<change_result>(at("n1").sv->where.catalog_writer(), atom::change::value, x);
  ASSERT_TRUE(done);
  EXPECT_FALSE(at("n3").sv->catalog.load()->biz(app, "LATER"));
  net.heal_all();
  wait(5s);
  EXPECT_TRUE(at("n3").sv->catalog.load()->biz(app, "LATER"));
}

TEST_F(remote_test, a_node_says_once_it_has_the_catalog_of_the_cluster) {
  lead(partition_no{0}, "n1");
  net.cut("n3", "n1");
  net.cut("n3", "n2");
  wait(5s);
  EXPECT_TRUE(at("n1").sv->remote->knows_catalog());
  EXPECT_TRUE(at("n2").sv->remote->knows_catalog());
  EXPECT_FALSE(at("n3").sv->remote->knows_catalog());
  net.heal_all();
  wait(5s);
  EXPECT_TRUE(at("n3").sv->remote->knows_catalog());
}

TEST_F(remote_test, an_owner_whose_catalog_lags_is_given_a_moment) {
  auto who = principal::user(user_at("n2"));
  auto old = at("n2").sv->catalog.load();
  add_biz("NEWBIZ");
  auto fresh = at("n2").sv->catalog.load();
  at("n2").sv->catalog.store(old);
  auto call = send("n1", {item(who, "NEWBIZ", "a")});
  auto& d = online("n1", "d1", who.id, "NEWBIZ");
  wait(300ms);
  at("n2").sv->catalog.store(fresh);
  wait(500ms);
  EXPECT_EQ(outcome("n1", call).code, ec::none);
  EXPECT_EQ(d.payloads("NEWBIZ"), (texts{"a"}));
}

TEST_F(remote_test, a_biz_that_the_owner_never_learns_of_is_unknown) {
  lead(partition_no{0}, "n2"); // so that its snapshot is not replaced
  wait(2s);
  auto who = principal::user(user_at("n2"));
  auto ghost = std::make_shared<biz_config>(*known->biz(app, "CHAT"));
  ghost->no = biz_no{77};
  ghost->name = "GHOST";
  auto& n1 = at("n1");
  n1.sv->catalog.store(std::make_shared<const catalog>(known->with(biz_ptr{ghost})));
  append_item x = item(who, "CHAT", "a");
  x.biz = ghost;
  auto call = send("n1", {x});
  wait(2s);
  EXPECT_EQ(outcome("n1", call).code, ec::unknown_biz);
}

// -- devices -------------------------------------------------------------------------------------

TEST_F(remote_test, the_newest_connection_of_a_device_wins_in_the_whole_cluster) {
  auto& first = connect("n1", "d1");
  wait(100ms);
  auto& second = connect("n2", "d1");
  wait(100ms);
  EXPECT_EQ(first.closed, ec::replaced);
  EXPECT_FALSE(second.closed);
  auto& third = connect("n3", "d1");
  wait(100ms);
  EXPECT_EQ(second.closed, ec::replaced);
  EXPECT_FALSE(third.closed);
}

TEST_F(remote_test, a_connection_that_came_and_went_before_anybody_heard_of_it_replaces_none) {
  auto& real = connect("n2", "d1");
  wait(100ms);
  now += 500;
  lose(connect("n1", "d1")); // as a node does that was stopped while the device gave it up
  wait(100ms);
  EXPECT_FALSE(real.closed);
  connect("n3", "d1");
  wait(100ms);
  EXPECT_EQ(real.closed, ec::replaced) << "nobody forgot that it is there";
}

TEST_F(remote_test, a_node_whose_clock_was_set_back_keeps_its_newer_connection) {
  auto& first = connect("n1", "d1");
  wait(1s);
  at("n2").sv->now_ms = [this] { return now - 240'000; };
  auto& second = connect("n2", "d1");
  wait(1s);
  EXPECT_FALSE(second.closed);
  at("n3").sv->now_ms = [this] { return now + 1; };
  auto& third = connect("n3", "d1");
  wait(1s);
  EXPECT_EQ(second.closed, ec::replaced);
  EXPECT_FALSE(third.closed);
  EXPECT_FALSE(first.closed) << "neither is sent away while nobody knows which is newer";
}

TEST_F(remote_test, the_newest_connection_wins_even_if_nobody_could_decide_it_at_the_time) {
  auto no = home(principal::device("d1"));
  resign(no);
  auto& first = connect("n1", "d1");
  wait(100ms);
  auto& second = connect("n2", "d1");
  wait(5s);
  EXPECT_FALSE(first.closed);
  lead(no, "n3");
  wait(2s);
  EXPECT_EQ(first.closed, ec::replaced);
  EXPECT_FALSE(second.closed);
}

TEST_F(remote_test, lists_devices_of_all_nodes_in_pages) {
  for (auto i = 0; i < 9; ++i)
    connect("n" + std::to_string(1 + i % 3), "d" + std::to_string(i));
  std::vector<std::string> seen;
  online_query q;
  q.app = app;
  q.limit = 4;
  for (auto more = true; more;) {
    auto page = ask<online_report>(at("n2").sv->where.hub(), atom::online::value, q);
    ASSERT_TRUE(page);
    EXPECT_EQ(page->total, 9u);
    for (auto& x : page->devices)
      seen.push_back(x->device);
    more = page->more;
    q.after = seen.back();
    ASSERT_LE(seen.size(), 9u);
  }
  EXPECT_EQ(seen, (texts{"d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8"}));
}

TEST_F(remote_test, shows_and_kicks_a_device_wherever_it_is) {
  auto user = user_at("n2");
  auto& d = online("n3", "d1", user, "CHAT");
  auto hub = at("n1").sv->where.hub();
  auto live = ask<device_status>(hub, atom::status::value, app, std::string{"d1"});
  ASSERT_TRUE(live);
  ASSERT_TRUE(live->info);
  EXPECT_EQ(live->info->user, user);
  ASSERT_EQ(live->feeds.size(), 1u);
  EXPECT_EQ(live->feeds[0].biz, "CHAT");
  auto kicked = ask<bool>(hub, atom::kick::value, app, std::string{"d1"});
  EXPECT_TRUE(kicked && *kicked);
  EXPECT_EQ(d.closed, ec::kicked);
  lose(d);
  kicked = ask<bool>(hub, atom::kick::value, app, std::string{"d1"});
  EXPECT_FALSE(kicked && *kicked);
  EXPECT_FALSE(ask<device_status>(hub, atom::status::value, app, std::string{"d1"})->info);
}

// -- everything at once --------------------------------------------------------------------------

TEST_F(remote_test, nothing_is_lost_or_doubled_while_partitions_move_and_links_break) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  auto pick = [&](std::size_t n) { return random() % n; };
  auto name = [&] { return "n" + std::to_string(1 + pick(3)); };
  std::vector<std::string> users;
  std::vector<test_device*> all;
  for (auto i = 0; i < 6; ++i) {
    users.push_back(user_at("n" + std::to_string(1 + i % 3), i / 3));
    all.push_back(&online(
        "n" + std::to_string(1 + (i + 1) % 3), "d" + std::to_string(i), users.back(), "CHAT"));
  }
  struct sent_op {
    std::string where, user, text;
    std::uint64_t call;
  };
  std::vector<sent_op> sent;
  for (auto round = 0; round < 60; ++round) {
    for (auto i = 0; i < 4; ++i) {
      auto& user = users[pick(users.size())];
      auto text = std::to_string(sent.size());
      auto where = name();
      sent.push_back(
          {where, user, text, send(where, {item(principal::user(user), "CHAT", text, text)})});
    }
    auto no = home(principal::user(users[pick(users.size())]));
    switch (pick(6)) {
    case 0:
      lead(no, name());
      break;
    case 1:
      resign(no);
      wait(std::chrono::milliseconds{10 * pick(30)});
      lead(no, name());
      break;
    case 2:
      net.break_link(name(), name());
      break;
    default:
      break;
    }
    wait(std::chrono::milliseconds{10 * pick(20)});
    ack(*all[pick(all.size())], "CHAT");
  }
  for (auto i = 0; i < 10; ++i) {
    wait(2s);
    for (auto* d : all)
      ack(*d, "CHAT");
  }
  std::map<std::string, std::map<std::string, std::uint64_t>> acknowledged;
  for (auto& x : sent) {
    auto& got = at(x.where).results[x.call];
    ASSERT_LE(got.size(), 1u) << x.text;
    if (got.empty()) // a partition of its own node ended with it: the API's timeout answers
      continue;
    if (got[0].code == ec::none)
      acknowledged[x.user][x.text] = got[0].at.id;
    else
      EXPECT_EQ(disposition_of(got[0].code), disposition::retry_later) << to_string(got[0].code);
  }
  for (std::size_t i = 0; i < users.size(); ++i) {
    auto& d = *all[i];
    EXPECT_FALSE(d.closed) << d.id;
    EXPECT_FALSE(d.gap) << d.id;
    auto ids = stored(principal::user(users[i]), "CHAT");
    for (std::size_t n = 0; n < ids.size(); ++n)
      ASSERT_EQ(ids[n], n + 1);
    EXPECT_EQ(d.ids("CHAT"), ids) << d.id;
    std::map<std::string, std::uint64_t> got;
    for (auto& op : d.ops["CHAT"])
      EXPECT_TRUE(got.emplace(op.payload, op.id).second) << "doubled " << op.payload;
    for (auto& [text, id] : acknowledged[users[i]])
      EXPECT_EQ(got[text], id) << d.id;
  }
}

} // namespace
} // namespace shoal::testing_support
