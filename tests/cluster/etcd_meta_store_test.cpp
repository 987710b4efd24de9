// What a meta store in etcd does when etcd, or something in its place, misbehaves.
#include <atomic>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/etcd/http.hpp"
#include "cluster/etcd/wire.hpp"
#include "cluster/etcd_meta_store.hpp"
#include "protocol/signing.hpp"
#include "tests/cluster/hint_counter.hpp"
#include "tests/support/child_etcd.hpp"
#include "tests/support/scripted_server.hpp"

namespace shoal::cluster {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using test::scripted_server;
using ::testing::HasSubstr;

constexpr auto p1 = static_cast<partition_no>(1);

std::string kv(const std::string& key, const std::string& value, int revision = 1) {
  return R"({"key":")" + base64(key) + R"(","value":")" + base64(value) + R"(","mod_revision":")" +
         std::to_string(revision) + "\"}";
}

std::string range(const std::string& kvs, bool more = false) {
  return scripted_server::ok(
      R"({"header":{"revision":"7"},"kvs":[)" + kvs + (more ? R"(],"more":true})" : "]}"));
}

etcd_options options_for(std::vector<std::string> endpoints) {
  auto out = etcd_options{};
  out.endpoints = std::move(endpoints);
  out.prefix = "/t/";
  out.connect_timeout = 200ms;
  out.request_timeout = 1s;
  return out;
}

const auto nobody = std::string{"http://127.0.0.1:1"};

// -- something in its place -----------------------------------------------------------------------

TEST(etcd_meta_store, needs_an_endpoint) {
  EXPECT_THROW(make_etcd_meta_store({}), std::invalid_argument);
}

TEST(etcd_meta_store, calls_nonsense_a_failure) {
  for (const auto& nonsense :
      std::vector<std::string>{"", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", scripted_server::ok(""),
          scripted_server::ok("{}"), scripted_server::ok("[]"), scripted_server::ok("null"),
          scripted_server::ok("<html>"), scripted_server::ok(std::string(100'000, '[')),
          "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
          "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
          scripted_server::ok(R"({"header":{},"kvs":{}})"), range("1"), range("{}"),
          range(R"({"key":"!","mod_revision":"1"})"), range(R"({"key":7,"mod_revision":"1"})"),
          range(R"({"key":"L3Qvdmlldy8x","mod_revision":"x"})"),
          range(R"({"key":"L3Qvdmlldy8x","mod_revision":1})"),
          range(R"({"key":"L3Qvdmlldy8x","mod_revision":"-1"})"),
          range(R"({"key":"L3Qvdmlldy8x","mod_revision":"1","value":[]})"), range(kv("/other", "")),
          range(kv("/t/view/1", "") + "," + kv("/t/view/1", "")), range(kv("/t/view/1", "{}"))}) {
    auto server = scripted_server{[&](auto&, auto&) { return nonsense; }};
    auto store = make_etcd_meta_store(options_for({server.url()}));
    auto x = view{};
    auto all = meta_contents{};
    EXPECT_EQ(store->get_view(p1, x), meta_result::failed) << nonsense.substr(0, 200);
    EXPECT_EQ(x, view{});
    EXPECT_EQ(store->read_all(all), meta_result::failed) << nonsense.substr(0, 200);
    EXPECT_EQ(store->swap_view(p1, 0, {1, "n1", {"n1"}}), meta_result::failed);
  }
}

TEST(etcd_meta_store, calls_a_swap_answered_with_nonsense_unknown) {
  for (const auto& nonsense : {std::string{}, scripted_server::ok("{}"), scripted_server::ok("[]"),
           std::string{"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"}}) {
    auto server = scripted_server{[&](const std::string& path, auto&) {
      return path == "/v3/kv/txn" ? nonsense : range("");
    }};
    auto store = make_etcd_meta_store(options_for({server.url()}));
    EXPECT_EQ(store->swap_view(p1, 0, {1, "n1", {"n1"}}), meta_result::failed);
    EXPECT_EQ(server.requests(), 2) << "a read and one swap";
  }
}

TEST(etcd_meta_store, takes_no_more_of_an_answer_than_its_limit) {
  auto server = scripted_server{[](auto&, auto&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + std::string(20'000'000, ' ');
  }};
  auto options = options_for({server.url()});
  options.request_timeout = 5s;
  auto store = make_etcd_meta_store(options);
  auto x = view{};
  EXPECT_EQ(store->get_view(p1, x), meta_result::failed);
  EXPECT_THAT(store->problem(), HasSubstr("writing"));
}

TEST(etcd_meta_store, leaves_a_list_that_never_ends) {
  auto server = scripted_server{[](auto&, auto&) { return range("", true); }};
  auto store = make_etcd_meta_store(options_for({server.url()}));
  auto views = std::map<partition_no, view>{};
  EXPECT_EQ(store->list_views(views), meta_result::failed);
  auto repeating = scripted_server{[](auto&, auto&) { return range(kv("/t/view/1", "{}"), true); }};
  store = make_etcd_meta_store(options_for({repeating.url()}));
  EXPECT_EQ(store->list_views(views), meta_result::failed);
  EXPECT_EQ(repeating.requests(), 2);
}

TEST(etcd_meta_store, waits_no_longer_than_its_limit) {
  auto server = scripted_server{[](auto&, auto&) { return "hang"; }};
  auto store = make_etcd_meta_store(options_for({server.url()}));
  auto x = view{};
  auto begin = clock::now();
  EXPECT_EQ(store->get_view(p1, x), meta_result::failed);
  EXPECT_GE(clock::now() - begin, 250ms);
  EXPECT_LT(clock::now() - begin, 10s);
  EXPECT_THAT(store->problem(), HasSubstr("etcd: "));
}

TEST(etcd_meta_store, reads_from_the_next_member_when_one_does_not_answer) {
  auto silent = scripted_server{[](auto&, auto&) { return "hang"; }};
  auto leaderless = scripted_server{
      [](auto&, auto&) { return "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"; }};
  auto good = scripted_server{[](auto&, auto&) { return range(""); }};
  auto store =
      make_etcd_meta_store(options_for({nobody, silent.url(), leaderless.url(), good.url()}));
  auto x = view{};
  for (auto i = 0; i < 5; ++i)
    EXPECT_EQ(store->get_view(p1, x), meta_result::missing);
  EXPECT_EQ(good.requests(), 5);
  EXPECT_EQ(silent.requests(), 1) << "remembers who answered";
}

TEST(etcd_meta_store, never_sends_a_swap_twice) {
  auto swaps = std::atomic<int>{0};
  auto forgetful = [&](const std::string& path, auto&) {
    swaps += path == "/v3/kv/txn" ? 1 : 0;
    return path == "/v3/kv/txn" ? std::string{} : range("");
  };
  auto first = scripted_server{forgetful};
  auto second = scripted_server{forgetful};
  auto store = make_etcd_meta_store(options_for({nobody, first.url(), second.url()}));
  EXPECT_EQ(store->swap_view(p1, 0, {1, "n1", {"n1"}}), meta_result::failed);
  EXPECT_EQ(swaps, 1);
}

TEST(etcd_meta_store, sends_a_swap_to_the_next_member_if_it_was_not_sent) {
  auto second = scripted_server{[](const std::string& path, auto&) {
    return path == "/v3/kv/txn" ? scripted_server::ok(R"({"header":{},"succeeded":true})")
                                : range("");
  }};
  auto values = make_etcd_key_value(options_for({nobody, second.url()}));
  EXPECT_EQ(values->swap("view/1", std::nullopt, "x"), meta_result::done);
}

TEST(etcd_meta_store, compares_the_value_too_because_revisions_may_go_back) {
  auto request = std::string{};
  auto server = scripted_server{[&](const std::string& path, const std::string& body) {
    if (path != "/v3/kv/txn")
      return range(kv("/t/view/1", R"({"epoch":4,"leader":"n1","replicas":["n1"]})", 9));
    request = body;
    return scripted_server::ok(R"({"header":{}})");
  }};
  auto store = make_etcd_meta_store(options_for({server.url()}));
  EXPECT_EQ(store->swap_view(p1, 4, {5, "n1", {"n1"}}), meta_result::conflict);
  EXPECT_THAT(request, HasSubstr(R"("mod_revision":"9")"));
  EXPECT_THAT(request, HasSubstr(base64(R"({"epoch":4,"leader":"n1","replicas":["n1"]})")));
}

TEST(etcd_meta_store, watches_garbage_without_harm) {
  auto random = std::mt19937{7};
  auto server = scripted_server{[&](auto&, auto&) {
    auto lines = std::string{};
    for (auto i = 0; i < 20; ++i)
      lines += R"({"result":{"created":true,"events":[{}]}})" + std::string{"\n"};
    lines[random() % lines.size()] = static_cast<char>(random());
    return "HTTP/1.1 200 OK\r\n\r\n" + lines;
  }};
  auto values = make_etcd_key_value(options_for({server.url()}));
  auto hints = hint_counter{};
  auto watch = values->watch(hints.hint());
  EXPECT_TRUE(hints.wait_for_more_than(10));
}

TEST(etcd_meta_store, hints_now_and_then_while_nobody_answers_and_stops_at_once) {
  auto options = options_for({nobody});
  options.reread = 20ms;
  auto values = make_etcd_key_value(options);
  auto hints = hint_counter{};
  auto watch = values->watch(hints.hint());
  EXPECT_TRUE(hints.wait_for_more_than(5));
  auto begin = clock::now();
  watch.reset();
  EXPECT_LT(clock::now() - begin, 1s);
}

TEST(etcd_meta_store, stops_a_silent_watch_at_once) {
  auto server = scripted_server{[](auto&, auto&) { return "hang"; }};
  auto options = options_for({server.url()});
  options.request_timeout = 60s;
  options.reread = 60s;
  auto values = make_etcd_key_value(options);
  auto watch = values->watch([] {});
  while (server.requests() == 0)
    std::this_thread::yield();
  auto begin = clock::now();
  watch.reset();
  EXPECT_LT(clock::now() - begin, 1s);
}

TEST(etcd_meta_store, fails_soon_when_it_is_interrupted) {
  auto server = scripted_server{[](auto&, auto&) { return "hang"; }};
  auto options = options_for({server.url(), server.url()});
  options.request_timeout = 60s;
  auto store = make_etcd_meta_store(options);
  auto waiting = std::thread{[&] {
    auto x = view{};
    EXPECT_EQ(store->get_view(p1, x), meta_result::failed);
  }};
  while (server.requests() == 0)
    std::this_thread::yield();
  auto begin = clock::now();
  store->interrupt();
  waiting.join();
  auto x = view{};
  EXPECT_EQ(store->get_view(p1, x), meta_result::failed);
  EXPECT_LT(clock::now() - begin, 5s);
  EXPECT_EQ(server.requests(), 1) << "nobody else was asked";
}

// -- words on the wire ----------------------------------------------------------------------------

TEST(etcd_wire, ends_a_prefix_at_the_next_key) {
  EXPECT_EQ(etcd::end_of("/a/"), "/a0");
  EXPECT_EQ(etcd::end_of("a\xff"), "b");
  EXPECT_EQ(etcd::end_of("\xff\xff"), std::string(1, '\0'));
}

TEST(etcd_wire, understands_what_a_watch_says) {
  using etcd::watch_event;
  EXPECT_EQ(etcd::parse_watch(R"({"result":{"created":true}})"), watch_event::created);
  EXPECT_EQ(etcd::parse_watch(R"({"result":{"events":[{}]}})"), watch_event::changed);
  EXPECT_EQ(etcd::parse_watch(R"({"result":{"header":{}}})"), watch_event::none);
  EXPECT_EQ(etcd::parse_watch(R"({"result":{"canceled":true,"compact_revision":"9"}})"),
      watch_event::ended);
  EXPECT_EQ(etcd::parse_watch(R"({"error":{"message":"no"}})"), watch_event::ended);
  for (auto text : {"", "{}", "[]", "{\"result\":7}", "\xff", "{"})
    EXPECT_EQ(etcd::parse_watch(text), watch_event::garbage) << text;
}

TEST(etcd_wire, of_mutated_answers_never_crashes) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto whole = R"({"header":{"revision":"7"},"kvs":[)" + kv("/t/a", "b") + "," + kv("/t/c", "d") +
               R"(],"more":true,"count":"2","succeeded":true})";
  for (auto round = 0; round < 5000; ++round) {
    auto text = whole;
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      text[random() % text.size()] = static_cast<char>(random());
    auto answer = etcd::range_answer{};
    auto succeeded = false;
    if (etcd::parse(text, answer)) {
      EXPECT_LE(answer.values.size(), 2u);
    }
    etcd::parse_swap(text, succeeded);
    etcd::parse_watch(text);
  }
}

// -- a real one -----------------------------------------------------------------------------------

class real_etcd : public ::testing::Test {
public:
  void SetUp() override {
    if (!test::child_etcd::is_installed())
      GTEST_SKIP() << "etcd is not installed: tools/dev setup";
    etcd = std::make_unique<test::child_etcd>();
    options = etcd->options("/shoal/c1/");
    options.reread = 60s;
    store = make_etcd_meta_store(options);
  }

  /// Forgets all history up to now.
  void compact(etcd::http& members) {
    auto range = members.post("/v3/kv/range", R"({"key":"YQ=="})", etcd::kind::read);
    auto at = range.body.find(R"("revision":")") + 12;
    auto revision = range.body.substr(at, range.body.find('"', at) - at);
    members.post("/v3/kv/compaction", R"({"revision":")" + revision + "\"}", etcd::kind::write);
  }

  std::unique_ptr<test::child_etcd> etcd;
  etcd_options options;
  std::unique_ptr<meta_store> store;
};

TEST_F(real_etcd, loses_nothing_that_was_swapped_when_it_is_killed) {
  auto epoch = std::uint64_t{0};
  for (auto round = 0; round < 3; ++round) {
    for (auto i = 0; i < 10; ++i, ++epoch)
      ASSERT_EQ(store->swap_view(p1, epoch, {epoch + 1, "n1", {"n1"}}), meta_result::done);
    etcd->kill();
    auto x = view{};
    EXPECT_EQ(store->get_view(p1, x), meta_result::failed);
    EXPECT_EQ(store->swap_view(p1, epoch, {epoch + 1, "n1", {"n1"}}), meta_result::failed);
    EXPECT_NE(store->problem(), "");
    etcd->start();
    ASSERT_EQ(store->get_view(p1, x), meta_result::done) << store->problem();
    EXPECT_EQ(x.epoch, epoch);
  }
}

TEST_F(real_etcd, watch_comes_back_after_a_restart) {
  auto hints = hint_counter{};
  auto watch = store->watch(hints.hint());
  ASSERT_TRUE(hints.wait_for_more_than(0));
  etcd->kill();
  auto before = hints.count();
  etcd->start();
  EXPECT_TRUE(hints.wait_for_more_than(before)) << "something may have changed meanwhile";
  before = hints.count();
  ASSERT_EQ(store->swap_view(p1, 0, {1, "n1", {"n1"}}), meta_result::done);
  EXPECT_TRUE(hints.wait_for_more_than(before));
}

TEST_F(real_etcd, watch_survives_a_compaction_every_few_milliseconds) {
  auto stop = std::atomic<bool>{false};
  auto compactions = std::atomic<int>{0};
  auto compactor = std::thread{[&] {
    auto members = etcd::http{options};
    for (; !stop; ++compactions)
      compact(members);
  }};
  auto hints = hint_counter{};
  auto watch = store->watch(hints.hint());
  ASSERT_TRUE(hints.wait_for_more_than(0));
  for (auto epoch = 1u; epoch <= 100; ++epoch) {
    auto before = hints.count();
    EXPECT_EQ(store->swap_view(p1, epoch - 1, {epoch, "n1", {"n1"}}), meta_result::done);
    EXPECT_TRUE(hints.wait_for_more_than(before)) << epoch;
  }
  stop = true;
  compactor.join();
  EXPECT_GT(compactions, 10);
}

TEST_F(real_etcd, that_is_paused_leaves_a_swap_unknown_and_a_read_tells) {
  ASSERT_EQ(store->swap_view(p1, 0, {1, "n1", {"n1"}}), meta_result::done);
  auto impatient = options;
  impatient.request_timeout = 300ms;
  auto values = make_etcd_key_value(impatient);
  auto current = stored_value{};
  ASSERT_EQ(values->get("view/1", current), meta_result::done);
  etcd->pause();
  EXPECT_EQ(values->swap("view/1", current, R"({"epoch":2,"leader":"n2","replicas":["n2"]})"),
      meta_result::failed);
  etcd->resume();
  // It may happen even after a read that did not see it: only a swap settles it.
  auto x = view{};
  auto result = meta_result::failed;
  for (auto tries = 0; tries < 10 && result != meta_result::done; ++tries)
    if (store->get_view(p1, x) == meta_result::done)
      result = store->swap_view(p1, x.epoch, {x.epoch + 1, "n3", {"n3"}});
  EXPECT_EQ(result, meta_result::done);
  EXPECT_EQ(store->get_view(p1, x), meta_result::done);
  EXPECT_EQ(x.leader, "n3");
}

TEST_F(real_etcd, refuses_clients_without_a_certificate_if_it_is_told_to) {
  auto secure = test::child_etcd{true};
  auto with = secure.options("/shoal/c1/");
  auto x = view{};
  EXPECT_EQ(make_etcd_meta_store(with)->get_view(p1, x), meta_result::missing);
  auto without = with;
  without.certificate = without.key = "";
  EXPECT_EQ(make_etcd_meta_store(without)->get_view(p1, x), meta_result::failed);
  auto wrong = with;
  wrong.ca = "";
  auto store_of_others = make_etcd_meta_store(wrong);
  EXPECT_EQ(store_of_others->get_view(p1, x), meta_result::failed);
  EXPECT_THAT(store_of_others->problem(), HasSubstr("certificate"));
}

} // namespace
} // namespace shoal::cluster
