#include <gmock/gmock.h>

#include "actors/remote/wire_codec.hpp"

namespace shoal {
namespace {

template <class Message>
Message over_the_wire(const Message& x) {
  Message out;
  EXPECT_TRUE(out.ParseFromString(x.SerializeAsString()));
  return out;
}

const stream_key chat{app_no{3}, principal::user("u1"), biz_no{7}};

std::shared_ptr<biz_config> a_biz() {
  auto x = std::make_shared<biz_config>();
  x->no = biz_no{7};
  x->app = app_no{3};
  x->name = "CHAT";
  return x;
}

storage::op_ptr an_op(std::uint64_t id) {
  auto x = std::make_shared<storage::op_record>();
  x->id = id;
  x->time_ms = 5;
  x->valid_until_ms = 99;
  x->client_key = "k" + std::to_string(id);
  x->filter.os = "ios";
  x->payload = std::string("\0\xff payload", 10);
  return x;
}

TEST(wire_codec, an_attach_says_the_same_at_the_other_end) {
  attach_request x;
  x.stream = chat;
  x.subject = std::string("d1\0u1", 5);
  x.device = "d1";
  x.at = position{7, 42};
  pb::Attach m;
  put(m, x);
  attach_request y;
  ASSERT_TRUE(take(over_the_wire(m), y));
  EXPECT_EQ(y.stream, chat);
  EXPECT_EQ(y.subject, x.subject);
  EXPECT_EQ(y.device, "d1");
  EXPECT_EQ(y.at, x.at);
}

TEST(wire_codec, names_from_outside_are_checked) {
  attach_request out;
  for (auto& id : {std::string{}, std::string{"a b"}, std::string(129, 'x')}) {
    pb::Attach m;
    put(m, attach_request{chat, nullptr, "", "", {}, 0});
    m.mutable_stream()->mutable_who()->set_id(id);
    EXPECT_FALSE(take(m, out)) << id;
  }
  pb::Attach m;
  put(m, attach_request{chat, nullptr, std::string(400, 'x'), "", {}, 0});
  EXPECT_FALSE(take(m, out)) << "no subject is that long";
  put(m, attach_request{chat, nullptr, "", "no device", {}, 0});
  EXPECT_FALSE(take(m, out));
  pb::Principal who;
  for (auto kind : {0u, 4u, 77u}) {
    who.set_kind(kind);
    principal p;
    EXPECT_FALSE(take(who, p)) << kind;
  }
  who.set_kind(3);
  who.set_id("global has no id");
  principal p;
  EXPECT_FALSE(take(who, p));
}

TEST(wire_codec, ops_keep_filters_validity_and_bytes) {
  auto biz = a_biz();
  auto batch = std::make_shared<const op_batch>(
      biz, 7, 3, 6, std::vector<storage::op_ptr>{an_op(4), an_op(6)});
  pb::Ops m;
  put(m, feed_ops{1, batch, true, 9, ec::none});
  op_batch_ptr out;
  ASSERT_TRUE(take(over_the_wire(m), biz, out));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->epoch, 7u);
  EXPECT_EQ(out->after, 3u);
  EXPECT_EQ(out->upto, 6u);
  ASSERT_EQ(out->ops.size(), 2u);
  EXPECT_EQ(*out->ops[0], *an_op(4));
  EXPECT_EQ(*out->ops[1], *an_op(6));
}

TEST(wire_codec, ops_that_do_not_fit_their_interval_are_refused) {
  auto biz = a_biz();
  for (auto ids : {std::vector<std::uint64_t>{3}, {7}, {5, 5}, {6, 4}}) {
    std::vector<storage::op_ptr> ops;
    for (auto id : ids)
      ops.push_back(an_op(id));
    pb::Ops m;
    put(m, feed_ops{1, std::make_shared<const op_batch>(biz, 7, 3, 6, ops), false, 9, ec::none});
    op_batch_ptr out;
    EXPECT_FALSE(take(m, biz, out)) << ids.front();
  }
  pb::Ops m;
  m.set_after(5);
  m.set_upto(4);
  op_batch_ptr out;
  EXPECT_FALSE(take(m, biz, out));
  m.set_upto(6);
  m.add_ops("damaged");
  EXPECT_FALSE(take(m, biz, out));
}

TEST(wire_codec, a_pull_that_failed_has_no_batch) {
  pb::Ops m;
  put(m, feed_ops{1, nullptr, true, 9, ec::quarantined});
  op_batch_ptr out;
  EXPECT_TRUE(take(over_the_wire(m), a_biz(), out));
  EXPECT_FALSE(out);
  EXPECT_EQ(take_code(m.code()), ec::quarantined);
}

TEST(wire_codec, a_code_of_a_newer_node_is_some_error) {
  EXPECT_EQ(take_code(0), ec::none);
  EXPECT_EQ(take_code(2001), ec::overloaded);
  EXPECT_EQ(take_code(2999), ec::session_lost);
  EXPECT_EQ(take_code(0x10000), ec::session_lost) << "not cut to 0";
}

TEST(wire_codec, appends_look_their_biz_up_where_they_arrive) {
  auto app = std::make_shared<app_config>();
  app->no = app_no{3};
  app->id = "demo";
  auto known = catalog{}.with(app_ptr{app}).with(biz_ptr{a_biz()});
  append_call x;
  x.app = app_no{3};
  x.items.push_back({4, chat.who, a_biz(), *an_op(0), true});
  x.items.push_back({5, principal::global(), a_biz(), *an_op(0), false});
  pb::Append m;
  put(m, x);
  m.mutable_items(1)->set_biz(8);
  append_call y;
  ASSERT_TRUE(take(over_the_wire(m), known, y));
  ASSERT_EQ(y.items.size(), 2u);
  EXPECT_EQ(y.items[0].index, 4u);
  EXPECT_EQ(y.items[0].who, chat.who);
  EXPECT_EQ(y.items[0].biz->name, "CHAT");
  EXPECT_EQ(y.items[0].op, *an_op(0));
  EXPECT_TRUE(y.items[0].check_online);
  EXPECT_FALSE(y.items[1].biz) << "this catalog does not know it";
  m.mutable_items(0)->set_op("damaged");
  EXPECT_FALSE(take(m, known, y));
}

TEST(wire_codec, results_keep_their_index) {
  pb::AppendResult m;
  put(m, append_result{9, ec::none, {7, 42}, true, 3});
  auto x = take(over_the_wire(m));
  EXPECT_EQ(x.index, 9u);
  EXPECT_EQ(x.at, (position{7, 42}));
  EXPECT_TRUE(x.repeated);
  EXPECT_EQ(x.online, 3u);
}

TEST(wire_codec, questions_are_cut_to_what_one_answer_may_have) {
  pb::ReadPage page;
  put(page, page_query{chat, 1, UINT32_MAX, UINT32_MAX});
  page_query q;
  ASSERT_TRUE(take(page, q));
  EXPECT_LE(q.max_ops, 10'000u);
  EXPECT_LE(q.max_bytes, 8u << 20);
  pb::ReadCursors cursors;
  put(cursors, cursor_query{chat, "", UINT32_MAX, ""});
  cursor_query c;
  ASSERT_TRUE(take(cursors, c));
  EXPECT_LE(c.limit, 10'000u);
}

TEST(wire_codec, a_change_carries_entries_that_have_no_number_yet) {
  catalog_change x;
  x.what = catalog_change::kind::put_biz;
  auto biz = a_biz();
  biz->no = biz_no{0};
  biz->retention_s = 77;
  x.biz = biz;
  x.actor = "ok_1";
  pb::Change m;
  put(m, x);
  catalog_change y;
  ASSERT_TRUE(take(over_the_wire(m), y));
  ASSERT_TRUE(y.biz);
  EXPECT_EQ(y.biz->name, "CHAT");
  EXPECT_EQ(y.biz->retention_s, 77u);
  EXPECT_EQ(y.actor, "ok_1");
  EXPECT_FALSE(y.app);
  m.mutable_biz()->set_value("{}");
  EXPECT_FALSE(take(m, y)) << "no checksum";
  put(m, x);
  m.set_what(9);
  EXPECT_FALSE(take(m, y));
}

TEST(wire_codec, a_device_is_described_the_same_at_the_other_end) {
  device_status x;
  auto info = std::make_shared<device_info>();
  info->app = app_no{3};
  info->device = "d1";
  info->user = "u1";
  info->user_verified = true;
  info->tags = {{"a", "b"}};
  info->connected_ms = 5;
  x.info = info;
  x.feeds.push_back({"CHAT", 7, 3, 2, 9, true});
  pb::DeviceStatus m;
  put(m, x);
  auto y = take(over_the_wire(m), app_no{3});
  ASSERT_TRUE(y.info);
  EXPECT_EQ(y.info->device, "d1");
  EXPECT_EQ(y.info->tags, info->tags);
  EXPECT_TRUE(y.info->user_verified);
  ASSERT_EQ(y.feeds.size(), 1u);
  EXPECT_EQ(y.feeds[0].latest, 9u);
  EXPECT_TRUE(y.feeds[0].catching_up);
  EXPECT_FALSE(take(pb::DeviceStatus{}, app_no{3}).info);
}

} // namespace
} // namespace shoal
