// The local backend "sync": what becomes of a call, and what of the partition's answer.
#include "actors/gateway/sync_backend.hpp"
#include "tests/actors/fake_partition.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal::gateway {
namespace {

using mgw::result;

constexpr std::int64_t now_ms = 1'760'000'000'000;
constexpr std::uint32_t payload_max = 1'000;

biz_config biz(std::uint32_t no, const std::string& name, biz_target target) {
  auto x = biz_config{};
  x.no = biz_no{no};
  x.app = app_no{7};
  x.name = name;
  x.target = target;
  x.retention_s = 60;
  x.payload_max = 100;
  x.online = true;
  return x;
}

catalog known() {
  auto app = app_config{};
  app.no = app_no{7};
  app.id = "shop@test";
  auto out = catalog{}.with(std::make_shared<const app_config>(app));
  auto closed = biz(3, "CLOSED", biz_target::user);
  closed.online = false;
  auto everybody = biz(4, "NEWS", biz_target::user);
  everybody.scope = biz_scope::global;
  for (auto& x : {biz(1, "ORDER-READ", biz_target::user), biz(2, "STATE", biz_target::device),
           closed, everybody})
    out = out.with(std::make_shared<const biz_config>(x));
  return out;
}

local_request request(const std::string& path) {
  auto x = local_request{};
  x.number = app_no{7};
  x.method = "POST";
  x.path = path;
  x.body = "[1]";
  x.user = "anna";
  x.device = "d1";
  x.deadline_us = INT64_MAX;
  return x;
}

append_item op(const local_request& x) {
  auto made = op_of(x, known(), now_ms, payload_max);
  if (auto* flaw = std::get_if<local_answer>(&made)) {
    ADD_FAILURE() << static_cast<unsigned>(flaw->code) << " " << flaw->memo;
    return {};
  }
  return std::get<append_item>(std::move(made));
}

result refusal(const local_request& x) {
  auto made = op_of(x, known(), now_ms, payload_max);
  auto* flaw = std::get_if<local_answer>(&made);
  return flaw ? flaw->code : result::success;
}

TEST(sync_backend_rules, the_op_goes_to_the_caller_as_the_biz_wants_it) {
  auto to_user = op(request("/sync/ORDER-READ"));
  EXPECT_EQ(to_user.who, principal::user("anna"));
  EXPECT_EQ(to_user.biz->no, biz_no{1});
  EXPECT_EQ(to_user.op.payload, "[1]");
  EXPECT_EQ(to_user.op.valid_until_ms, now_ms + 60'000);
  EXPECT_EQ(op(request("/STATE")).who, principal::device("d1"));
}

TEST(sync_backend_rules, nobody_who_is_not_proven_appends) {
  auto x = request("/ORDER-READ");
  x.user = "";
  x.headers = {{"UserId", "anna"}};
  EXPECT_EQ(refusal(x), result::not_logged_in);
  x.user = "no id";
  EXPECT_EQ(refusal(x), result::not_logged_in);
  auto y = request("/STATE");
  y.device = "";
  EXPECT_EQ(refusal(y), result::not_logged_in);
}

TEST(sync_backend_rules, only_a_biz_that_is_online_and_not_for_everybody_takes_calls) {
  for (auto path : {"/CLOSED", "/NEWS", "/NONE", "/", "", "/ORDER-READ/"})
    EXPECT_EQ(refusal(request(path)), result::target_service_missing) << path;
  auto elsewhere = request("/ORDER-READ");
  elsewhere.number = app_no{8};
  EXPECT_EQ(refusal(elsewhere), result::target_service_missing);
}

TEST(sync_backend_rules, payloads_are_bounded) {
  auto x = request("/ORDER-READ");
  x.body = std::string(100, 'x');
  EXPECT_EQ(refusal(x), result::success);
  x.body += 'x';
  EXPECT_EQ(refusal(x), result::malformed_request);
  x.body = "";
  EXPECT_EQ(refusal(x), result::request_data_empty);
}

TEST(sync_backend_rules, a_clients_key_cannot_be_a_servers) {
  auto x = request("/ORDER-READ");
  x.headers = {{"idempotency-key", "order-17"}};
  EXPECT_EQ(op(x).op.client_key, "call:order-17");
  x.headers = {{"Idempotency-Key", std::string(90, 'k')}};
  EXPECT_LE(op(x).op.client_key.size(), 99u);
  x.headers = {{"Idempotency-Key", std::string(91, 'k')}};
  EXPECT_EQ(refusal(x), result::malformed_request);
}

TEST(sync_backend_rules, the_answer_says_what_became_of_the_op) {
  auto good = answer_of_append({0, ec::none, {3, 7}, false, 2});
  EXPECT_EQ(good.code, result::success);
  EXPECT_EQ(good.body, R"({"id":7,"epoch":3,"repeated":false,"online":2})");
  EXPECT_EQ(answer_of_append({0, ec::overloaded, {}, false, 0}).code, result::limit_exceeded);
  EXPECT_EQ(answer_of_append({0, ec::storage_full, {}, false, 0}).code, result::backend_failed);
}

struct sync_backend_test : testing_support::actor_test {
  void SetUp() override {
    services->now_ms = [] { return now_ms; };
    services->catalog.store(std::make_shared<const catalog>(known()));
    services->where.set_partition(partition_no{0}, keep(sys.spawn(fake_partition, log)));
    backend = keep(sys.spawn(sync_backend, services));
    sched.run();
  }

  void TearDown() override {
    services->where.clear();
    *log = {};
    backend = nullptr;
    actor_test::TearDown();
  }

  void call(std::chrono::milliseconds patience = std::chrono::seconds{3}) {
    auto x = request("/ORDER-READ");
    x.deadline_us = std::chrono::duration_cast<std::chrono::microseconds>(
        sched.clock().now().time_since_epoch() + patience)
                        .count();
    auto way_back = [this](local_answer&& said) { answers.push_back(std::move(said)); };
    tell(backend, atom::call::value,
        local_call{std::make_shared<const local_request>(std::move(x)), local_promise{way_back}});
  }

  void say(std::size_t i, ec code) {
    auto& x = log->appends.at(i);
    tell(x.client, atom::appended::value, append_answer{x.call, {{0, code, {3, 7}, false, 1}}});
  }

  services_ptr services = std::make_shared<shoal::services>(std::uint16_t{1});
  std::shared_ptr<fake_log> log = std::make_shared<fake_log>();
  sync_backend_actor backend;
  std::vector<local_answer> answers;
};

TEST_F(sync_backend_test, answers_when_the_op_is_durable) {
  call();
  ASSERT_EQ(log->appends.size(), 1u);
  EXPECT_EQ(log->appends[0].app, app_no{7});
  ASSERT_EQ(log->appends[0].items.size(), 1u);
  EXPECT_EQ(log->appends[0].items[0].who, principal::user("anna"));
  EXPECT_TRUE(answers.empty());
  say(0, ec::none);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, result::success);
  say(0, ec::none);
  EXPECT_EQ(answers.size(), 1u) << "a second answer is nobody's";
}

TEST_F(sync_backend_test, hands_in_again_what_was_moving) {
  call();
  say(0, ec::moving);
  EXPECT_TRUE(answers.empty());
  advance(std::chrono::milliseconds{100});
  ASSERT_EQ(log->appends.size(), 2u);
  say(1, ec::none);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, result::success);
}

TEST_F(sync_backend_test, waits_for_a_partition_that_has_no_home_just_now) {
  services->where.set_partition(partition_no{0}, partition_actor{});
  call();
  EXPECT_TRUE(log->appends.empty());
  services->where.set_partition(partition_no{0}, keep(sys.spawn(fake_partition, log)));
  advance(std::chrono::milliseconds{100});
  EXPECT_EQ(log->appends.size(), 1u);
}

TEST_F(sync_backend_test, forgets_a_call_whose_time_is_over) {
  call(std::chrono::milliseconds{150});
  advance(std::chrono::milliseconds{100});
  EXPECT_TRUE(answers.empty());
  advance(std::chrono::milliseconds{100});
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, result::backend_timeout);
  say(0, ec::none);
  EXPECT_EQ(answers.size(), 1u);
}

TEST_F(sync_backend_test, does_nothing_for_a_call_that_comes_too_late) {
  call(std::chrono::milliseconds{0});
  EXPECT_TRUE(log->appends.empty());
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, result::backend_timeout);
}

} // namespace
} // namespace shoal::gateway
