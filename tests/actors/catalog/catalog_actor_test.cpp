#include <nlohmann/json.hpp>

#include "actors/catalog/catalog_actor.hpp"
#include "actors/catalog/catalog_codec.hpp"
#include "actors/catalog/new_key.hpp"
#include "actors/catalog/remark.hpp"
#include "storage/keys.hpp"
#include "tests/actors/fake_partition.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal {
namespace {

using kind = catalog_change::kind;

struct catalog_actor_test : testing_support::actor_test {
  void SetUp() override {
    services->now_ms = [this] { return now; };
    partition = keep(sys.spawn(fake_partition, log));
    services->where.set_partition(partition_no{0}, partition);
    writer = keep(spawn_catalog_writer(sys, services));
    sched.run();
  }

  void TearDown() override {
    services->where.clear();
    partition = nullptr;
    log->requests.clear();
    writer = nullptr;
    actor_test::TearDown();
  }

  catalog_change put_app(std::string id) {
    auto x = app_config{};
    x.id = std::move(id);
    auto out = catalog_change{};
    out.what = kind::put_app;
    out.app = std::make_shared<app_config>(x);
    out.create = true;
    out.actor = "ok_1";
    return out;
  }

  catalog_change put_biz(app_no app, std::string name) {
    auto x = biz_config{};
    x.app = app;
    x.name = std::move(name);
    auto out = catalog_change{};
    out.what = kind::put_biz;
    out.biz = std::make_shared<biz_config>(x);
    return out;
  }

  catalog_change put_key(key_config x, bool create = true) {
    auto out = catalog_change{};
    out.what = kind::put_key;
    out.key = std::make_shared<key_config>(std::move(x));
    out.create = create;
    return out;
  }

  // Asks without waiting for the answer; it lands in `answers`.
  void begin(const catalog_change& change) {
    auto asker = sys.spawn([this, change](caf::event_based_actor* me) {
      me->request(writer, std::chrono::seconds{3600}, atom::change::value, change)
          .then([this](const change_result& x) { answers.push_back(x); },
              [this](const caf::error&) {
                answers.push_back({ec::session_lost, "error", {}, {}, {}});
              });
    });
    sched.run();
  }

  change_result done(const catalog_change& change) {
    log->automatic = true;
    auto out = ask<change_result>(writer, atom::change::value, change);
    return out ? *out : change_result{ec::session_lost, "error", {}, {}, {}};
  }

  const catalog_ptr catalog_now() { return services->catalog.load(); }

  std::int64_t now = 1'000;
  services_ptr services = std::make_shared<shoal::services>(4);
  std::shared_ptr<fake_log> log = std::make_shared<fake_log>();
  partition_actor partition;
  catalog_actor writer;
  std::vector<change_result> answers;
};

TEST_F(catalog_actor_test, publishes_only_after_the_rows_are_durable) {
  begin(put_app("shop"));
  ASSERT_EQ(log->requests.size(), 1u);
  EXPECT_TRUE(answers.empty());
  EXPECT_FALSE(catalog_now()->app("shop"));
  log->answer(0, ec::none);
  sched.run();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, ec::none);
  EXPECT_EQ(answers[0].app->no, app_no{1});
  EXPECT_TRUE(catalog_now()->app("shop"));
}

TEST_F(catalog_actor_test, stores_the_entry_and_an_audit_record_together) {
  auto change = put_app("shop");
  auto app = *change.app;
  app.users.how = user_auth::mode::hmac;
  app.users.secret = "a secret of an app";
  change.app = std::make_shared<app_config>(app);
  change.note = "for the summer sale";
  ASSERT_EQ(done(change).code, ec::none);
  const auto& rows = log->requests.at(0).rows.rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].key, storage::object_key("app", "shop"));
  EXPECT_EQ(rows[1].key, storage::audit_key(app_no{1}, now, 0));
  auto text = std::string_view{};
  ASSERT_TRUE(open_row(rows[1].key, rows[1].value, text));
  auto audit = nlohmann::json::parse(text);
  EXPECT_EQ(audit["by"], "ok_1");
  EXPECT_EQ(audit["what"], "app created");
  EXPECT_EQ(audit["note"], "for the summer sale");
  EXPECT_EQ(audit["time_ms"], now);
  EXPECT_TRUE(audit["before"].is_null());
  EXPECT_EQ(audit["after"]["id"], "shop");
  EXPECT_EQ(text.find("a secret of an app"), std::string_view::npos);
}

TEST_F(catalog_actor_test, a_remark_is_an_audit_record_and_nothing_else) {
  ASSERT_EQ(done(put_app("shop")).code, ec::none);
  auto before = catalog_now();
  auto about = nlohmann::json{{"device", "d1"}};
  ASSERT_EQ(
      done(change_of({"device kicked", "n2", about}, "ok_1", before->app("shop"))).code, ec::none);
  ASSERT_EQ(done(change_of({"node drained", "n2", {}}, "ok_1", nullptr)).code, ec::none);
  EXPECT_EQ(catalog_now(), before);
  ASSERT_EQ(log->requests.size(), 3u);
  const auto& rows = log->requests[1].rows.rows();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].key, storage::audit_key(app_no{1}, now, 1));
  auto text = std::string_view{};
  ASSERT_TRUE(open_row(rows[0].key, rows[0].value, text));
  auto audit = nlohmann::json::parse(text);
  EXPECT_EQ(audit["by"], "ok_1");
  EXPECT_EQ(audit["what"], "device kicked");
  EXPECT_EQ(audit["note"], "n2");
  EXPECT_EQ(audit["after"], about);
  EXPECT_EQ(log->requests[2].rows.rows().at(0).key, storage::audit_key(app_no{0}, now, 2));
}

TEST_F(catalog_actor_test, refuses_remarks_that_say_nothing) {
  auto change = change_of({"device kicked", "n2", {}}, "ok_1", nullptr);
  for (auto note : {"", "{}", "[1]", R"({"what":"","note":"n2","about":1})",
           R"({"what":1,"note":"n2","about":1})"}) {
    change.note = note;
    EXPECT_EQ(done(change).code, ec::invalid_argument) << note;
  }
  change = change_of({"device kicked", std::string(5'000, 'x'), {}}, "ok_1", nullptr);
  EXPECT_EQ(done(change).code, ec::invalid_argument);
  EXPECT_TRUE(log->requests.empty());
}

TEST_F(catalog_actor_test, a_failed_write_changes_nothing) {
  begin(put_app("shop"));
  log->answer(0, ec::storage_full);
  sched.run();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, ec::storage_full);
  EXPECT_FALSE(catalog_now()->app("shop"));
  EXPECT_EQ(done(put_app("shop")).app->no, app_no{1});
}

TEST_F(catalog_actor_test, handles_one_change_at_a_time_in_order) {
  begin(put_app("a"));
  begin(put_app("b"));
  begin(put_app("a"));
  EXPECT_EQ(log->requests.size(), 1u);
  log->answer(0, ec::none);
  sched.run();
  EXPECT_EQ(log->requests.size(), 2u);
  log->answer(1, ec::none);
  sched.run();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].app->no, app_no{1});
  EXPECT_EQ(answers[1].app->no, app_no{2});
  EXPECT_EQ(answers[2].code, ec::already_exists);
}

TEST_F(catalog_actor_test, refuses_more_changes_than_it_lets_wait) {
  for (auto i = std::size_t{0}; i <= max_waiting_changes; ++i)
    begin(put_app(std::string{"a"}.append(std::to_string(i))));
  EXPECT_TRUE(answers.empty());
  begin(put_app("more"));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, ec::overloaded);
}

TEST_F(catalog_actor_test, says_outcome_unknown_in_time_and_publishes_when_it_knows) {
  begin(put_app("shop"));
  advance(services->limit.call_timeout);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, ec::outcome_unknown);
  EXPECT_EQ(log->requests.size(), 2u) << "submits again";
  EXPECT_FALSE(catalog_now()->app("shop"));
  log->answer(0, ec::none);
  sched.run();
  EXPECT_TRUE(catalog_now()->app("shop"));
  EXPECT_EQ(answers.size(), 1u) << "answers once";
  log->answer(1, ec::none);
  sched.run();
  EXPECT_EQ(done(put_app("next")).app->no, app_no{2});
}

TEST_F(catalog_actor_test, does_not_believe_a_failure_while_an_earlier_attempt_is_open) {
  begin(put_app("shop"));
  advance(services->limit.call_timeout);
  log->answer(1, ec::storage_failed);
  sched.run();
  begin(put_app("other"));
  EXPECT_EQ(log->requests.size(), 2u) << "the next change waits";
  advance(services->limit.call_timeout);
  ASSERT_EQ(log->requests.size(), 3u);
  log->answer(2, ec::none);
  sched.run();
  EXPECT_TRUE(catalog_now()->app("shop"));
  EXPECT_EQ(log->requests.size(), 4u);
}

TEST_F(catalog_actor_test, comes_through_a_missing_partition) {
  services->where.set_partition(partition_no{0}, partition_actor{});
  begin(put_app("shop"));
  services->where.set_partition(partition_no{0}, partition);
  advance(services->limit.call_timeout);
  EXPECT_EQ(answers.at(0).code, ec::outcome_unknown);
  log->answer(0, ec::none);
  sched.run();
  EXPECT_TRUE(catalog_now()->app("shop"));
}

TEST_F(catalog_actor_test, creates_and_replaces_bizs_under_the_same_number) {
  auto app = done(put_app("shop")).app->no;
  EXPECT_EQ(done(put_biz(app, "LOCK")).biz->no, biz_no{1});
  EXPECT_EQ(done(put_biz(app, "OTHER")).biz->no, biz_no{2});
  now = 2'000;
  auto again = done(put_biz(app, "LOCK"));
  EXPECT_EQ(again.biz->no, biz_no{1});
  EXPECT_EQ(again.biz->created_ms, 1'000);
  EXPECT_EQ(again.biz->updated_ms, 2'000);
}

TEST_F(catalog_actor_test, keeps_scope_and_target_of_a_biz_for_ever) {
  auto app = done(put_app("shop")).app->no;
  ASSERT_EQ(done(put_biz(app, "LOCK")).code, ec::none);
  auto change = put_biz(app, "LOCK");
  auto biz = *change.biz;
  biz.target = biz_target::device;
  change.biz = std::make_shared<biz_config>(biz);
  EXPECT_EQ(done(change).code, ec::invalid_argument);
}

TEST_F(catalog_actor_test, refuses_what_makes_no_sense) {
  EXPECT_EQ(done(put_app("Bad Id")).code, ec::invalid_argument);
  auto absent = put_app("absent");
  absent.create = false;
  EXPECT_EQ(done(absent).code, ec::not_found);
  EXPECT_EQ(done(put_biz(app_no{9}, "LOCK")).code, ec::not_found);
  EXPECT_EQ(done(put_key(new_key(app_no{9}, key_role::read, "", 1))).code, ec::not_found);
  EXPECT_EQ(done(catalog_change{}).code, ec::invalid_argument);
  auto app = done(put_app("shop")).app->no;
  EXPECT_EQ(done(put_biz(app, "lower")).code, ec::invalid_argument);
  EXPECT_EQ(done(put_key(new_key(app, key_role::operator_, "", 1))).code, ec::invalid_argument);
  EXPECT_EQ(done(put_key(new_key(app, key_role::read, std::string(257, 'x'), 1))).code,
      ec::invalid_argument);
  EXPECT_EQ(log->requests.size(), 1u) << "refused changes write nothing";
}

TEST_F(catalog_actor_test, keys_come_and_go_within_their_app) {
  auto app = done(put_app("shop")).app->no;
  auto other = done(put_app("other")).app->no;
  auto key = new_key(app, key_role::write, "", 1);
  ASSERT_EQ(done(put_key(key)).code, ec::none);
  EXPECT_EQ(done(put_key(key)).code, ec::already_exists);
  key.enabled = false;
  ASSERT_EQ(done(put_key(key, false)).code, ec::none);
  EXPECT_FALSE(catalog_now()->key(key.id)->enabled);
  auto removal = put_key(key);
  removal.what = kind::remove_key;
  auto foreign = key;
  foreign.app = other;
  auto foreign_removal = removal;
  foreign_removal.key = std::make_shared<key_config>(foreign);
  EXPECT_EQ(done(foreign_removal).code, ec::not_found);
  EXPECT_EQ(done(removal).code, ec::none);
  EXPECT_FALSE(catalog_now()->key(key.id));
  EXPECT_EQ(done(removal).code, ec::not_found);
  EXPECT_EQ(done(put_key(key, false)).code, ec::not_found)
      << "a late change does not bring a removed key back";
}

} // namespace
} // namespace shoal
