// actor-inspector against a real node: every command, as a user would type it.
#include <fstream>
#include <future>
#include <sstream>

#include "tests/scenarios/real_node.hpp"
#include "tools/inspector/command_line.hpp"

namespace shoal::faults {
namespace {

using inspector::json;

class inspected_node : public real_node {
protected:
  void SetUp() override {
    real_node::SetUp();
    auto& device = connected.emplace(node.port());
    say(device, frame_type::hello, hello("d1"));
    subscribe(device, "ALL");
    ASSERT_TRUE(wait_until(10'000, [&] { return node.metric("shoal_devices").value_or(0) == 1; }));
  }

  int run(std::vector<std::string> args) {
    out.str("");
    err.str("");
    auto env = [this](std::string_view name) -> std::optional<std::string> {
      if (name == "SHOAL_NODE")
        return "127.0.0.1:" + std::to_string(node.admin_port());
      if (name == "SHOAL_KEY" && with_key)
        return node.operator_key().id;
      if (name == "SHOAL_SECRET" && with_key)
        return node.operator_key().secret;
      return std::nullopt;
    };
    auto wait = [](std::chrono::milliseconds x) {
      std::this_thread::sleep_for(x); // real nodes need real time
      return true;
    };
    return inspector::run_command_line(
        std::move(args), {out, err, env, inspector::make_http_caller, wait, false});
  }

  json data(std::vector<std::string> args) {
    args.insert(args.end(), {"-o", "json"});
    EXPECT_EQ(run(std::move(args)), 0) << err.str();
    return json::parse(out.str(), nullptr, false);
  }

  void send_to_user(const std::string& user) {
    api->must(
        "POST", app.path("/sync"), R"({"biz":"EACH","user":")" + user + R"(","payload":"x"})");
  }

  std::optional<test::tls_client> connected;
  std::ostringstream out, err;
  bool with_key = true;
};

TEST_F(inspected_node, lists_actors_with_what_they_are_about) {
  send_to_user("u1");
  auto streams = data({"ls", "--kind", "stream", "--label", "user:u1"});
  ASSERT_EQ(streams.size(), 1u);
  EXPECT_EQ(streams[0]["label"], "first/user:u1");
  EXPECT_GE(streams[0]["handled"], 1);
  auto devices = data({"ls", "--kind", "device"});
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0]["label"], "first/d1");
  auto everybody = data({"ls", "--limit", "5000"});
  std::map<std::string, int> kinds;
  for (auto& x : everybody)
    ++kinds[x["kind"]];
  EXPECT_EQ(kinds["partition"], 64);
  EXPECT_EQ(kinds["node"], 1);
  for (auto kind : {"hub", "reader", "verifier", "catalog-writer", "api", "relay", "inspector"})
    EXPECT_GE(kinds[kind], 1) << kind;
  for (auto sort : {"id", "depth", "age", "rate", "busy", "handled", "memory", "up"})
    EXPECT_EQ(data({"ls", "--sort", sort, "--limit", "3"}).size(), 3u) << sort;
  EXPECT_EQ(run({"ls", "--sort", "beauty"}), 1);
  EXPECT_EQ(run({"ls", "--kind", "steam"}), 1);
  EXPECT_NE(err.str().find("stream"), std::string::npos) << err.str();
}

TEST_F(inspected_node, pages_are_complete) {
  auto target = std::string{"/inspect/actors?limit=7"};
  auto cursor = std::string{};
  std::set<std::uint64_t> seen;
  std::size_t total = 0;
  do {
    auto page = json::parse(node.admin(target + (cursor.empty() ? "" : "&cursor=" + cursor)).body);
    for (auto& x : page["actors"])
      EXPECT_TRUE(seen.insert(x["id"].get<std::uint64_t>()).second);
    total = page["total"];
    cursor = page.value("cursor", "");
  } while (!cursor.empty());
  EXPECT_EQ(seen.size(), total);
}

TEST_F(inspected_node, describes_an_actor_with_its_own_words) {
  auto id = data({"ls", "--kind", "device"})[0]["id"].get<std::uint64_t>();
  auto x = data({"describe", std::to_string(id)});
  EXPECT_EQ(x["status"]["device"], "d1");
  EXPECT_EQ(x["status"]["feeds"][0]["biz"], "ALL");
  EXPECT_TRUE(x["answered"]);
  EXPECT_FALSE(x["accepts"].empty());
  EXPECT_EQ(run({"describe", "999999"}), 1);
  EXPECT_EQ(run({"describe", "nobody"}), 1);
}

TEST_F(inspected_node, shows_streams_awake_and_asleep) {
  EXPECT_FALSE(data({"stream", "first/user:sleeper"})["active"]);
  send_to_user("u1");
  auto x = data({"stream", "first/user:u1"});
  EXPECT_TRUE(x["active"]);
  EXPECT_EQ(x["bizs"][0]["biz"], "EACH");
  EXPECT_EQ(x["bizs"][0]["last"], 1);
  auto global = data({"stream", "first/global"});
  EXPECT_EQ(global["bizs"][0]["devices"][0]["device"], "(relay)");
  EXPECT_EQ(global["relays"][0]["biz"], "ALL");
  EXPECT_EQ(global["relays"][0]["listeners"], 1);
  EXPECT_EQ(run({"stream", "nobody/user:u1"}), 1);
  EXPECT_EQ(run({"stream", "first/what:u1"}), 1);
}

TEST_F(inspected_node, shows_how_far_a_device_is_that_is_away_of_a_stream_that_sleeps) {
  put_biz("OWN", R"({"target":"device","online":true})");
  subscribe(*connected, "OWN");
  auto own = app.path("/sync");
  for (auto i = 0; i < 3; ++i)
    api->must("POST", own, R"({"biz":"OWN","device":"d1","payload":"x"})");
  std::uint64_t epoch = 0;
  for (std::uint64_t upto = 0; upto < 3;) {
    auto x = connected->read_frame();
    ASSERT_TRUE(x) << "the ops come";
    auto ops = wire::Ops{};
    if (x->type != frame_type::ops || !ops.ParseFromString(x->body) || ops.biz() != "OWN")
      continue;
    epoch = ops.epoch();
    upto = ops.upto();
  }
  auto ack = wire::Ack{};
  auto& entry = *ack.add_entries();
  entry.set_biz("OWN");
  entry.set_epoch(epoch);
  entry.set_id(2);
  say(*connected, frame_type::ack, ack);
  auto cursor = [&] {
    auto x = data({"stream", "first/device:d1"})["cursors"];
    return x.empty() ? json::object() : x[0];
  };
  ASSERT_TRUE(wait_until(10'000, [&] { return cursor().value("position", 0) == 2; }));
  EXPECT_EQ(cursor()["backlog"], 1);
  EXPECT_EQ(cursor()["attached"], true);
  connected->close();
  ASSERT_TRUE(wait_until(10'000, [&] { return cursor().value("attached", true) == false; }));
  EXPECT_EQ(cursor()["position"], 2);
  // After a start nobody is awake.
  node.stop();
  node.start();
  api = std::make_unique<api_caller>(node.port(), app.admin);
  auto x = data({"stream", "first/device:d1"});
  EXPECT_EQ(x["active"], false);
  EXPECT_EQ(x["owner"], "n1");
  EXPECT_EQ(x["bizs"][0]["biz"], "OWN");
  EXPECT_EQ(x["bizs"][0]["last"], 3);
  ASSERT_EQ(x["cursors"].size(), 1u);
  EXPECT_EQ(x["cursors"][0]["device"], "d1");
  EXPECT_EQ(x["cursors"][0]["position"], 2);
  EXPECT_EQ(x["cursors"][0]["backlog"], 1);
  EXPECT_EQ(x["cursors"][0]["attached"], false);
  EXPECT_EQ(data({"stream", "first/device:d1"})["active"], false) << "looking wakes nobody";
}

TEST_F(inspected_node, shows_devices_online_and_gone) {
  auto x = data({"device", "first/d1"});
  EXPECT_TRUE(x["online"]);
  EXPECT_EQ(x["feeds"][0]["biz"], "ALL");
  connected->close();
  ASSERT_TRUE(wait_until(10'000, [&] { return node.metric("shoal_devices").value_or(1) == 0; }));
  ASSERT_TRUE(wait_until(10'000, [&] { return run({"device", "first/d1", "-o", "json"}) == 0; }));
  EXPECT_FALSE(json::parse(out.str())["online"]);
  EXPECT_EQ(run({"device", "first/never"}), 1);
}

TEST_F(inspected_node, draws_its_supervision) {
  ASSERT_EQ(run({"tree"}), 0) << err.str();
  EXPECT_NE(out.str().find("└─ "), std::string::npos);
  EXPECT_NE(out.str().find("budget 20 of 20"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("device"), std::string::npos);
}

TEST_F(inspected_node, shows_the_way_of_an_op) {
  auto traced = std::async(std::launch::async, [&] {
    return run({"trace", "--stream", "first/user:u7", "--next", "1", "-o", "json"});
  });
  // Ops go on until the trace, which may begin a little later, has had one.
  while (traced.wait_for(std::chrono::milliseconds{20}) != std::future_status::ready)
    send_to_user("u7");
  ASSERT_EQ(traced.get(), 0) << err.str();
  auto ops = json::parse(out.str());
  ASSERT_EQ(ops.size(), 1u);
  EXPECT_EQ(ops[0]["stream"], "user:u7");
  std::set<std::string> steps;
  for (auto& x : ops[0]["steps"])
    steps.insert(x["what"]);
  for (auto step : {"api", "partition", "stream", "disk", "stream commits", "api answers"})
    EXPECT_TRUE(steps.contains(step)) << step;
  EXPECT_GT(ops[0]["total_us"], 0);
}

TEST_F(inspected_node, finds_nothing_wrong_with_a_node_that_is_well) {
  EXPECT_EQ(run({"stuck"}), 0) << out.str();
  EXPECT_EQ(run({"check"}), 0) << out.str();
  EXPECT_TRUE(data({"dead"})["deaths"].empty());
  auto partition = data({"ls", "--kind", "partition"})[0]["id"].get<std::uint64_t>();
  // On a machine that is busy with others somebody may wait for a core now and then, not always.
  EXPECT_TRUE(wait_until(20'000, [&] {
    return run({"why", std::to_string(partition)}) == 0 &&
           out.str().find("Nothing waits.") != std::string::npos;
  })) << out.str();
  auto sched = data({"sched"})[0];
  EXPECT_GE(sched["workers"], 2);
  EXPECT_GE(sched["threads"].size(), 4u);
  EXPECT_EQ(data({"partitions"}).size(), 64u);
  auto nodes = data({"nodes"});
  EXPECT_EQ(nodes[0]["devices"], 1);
  EXPECT_GT(nodes[0]["rss"], 1'000'000);
}

TEST_F(inspected_node, shows_who_was_busy) {
  auto top = std::async(std::launch::async, [&] {
    return run({"top", "--sort", "rate", "--every", "1000", "--limit", "5", "-o", "json"});
  });
  while (top.wait_for(std::chrono::milliseconds{5}) != std::future_status::ready)
    send_to_user("u1");
  ASSERT_EQ(top.get(), 0) << err.str();
  auto rows = json::parse(out.str())["actors"];
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_GT(rows[0]["rate"], 1);
  EXPECT_GT(rows[0]["busy"], 0);
}

TEST_F(inspected_node, compares_before_and_after) {
  auto a = (folder.path() / "a.json").string(), b = (folder.path() / "b.json").string();
  ASSERT_EQ(run({"snap", a}), 0) << err.str();
  send_to_user("u1");
  ASSERT_EQ(run({"snap", b}), 0) << err.str();
  ASSERT_EQ(run({"diff", a, b}), 0) << err.str();
  EXPECT_NE(out.str().find("shoal_appends_total"), std::string::npos) << out.str();
}

TEST_F(inspected_node, bundles_without_the_operators_secret) {
  auto file = (folder.path() / "bundle.json").string();
  ASSERT_EQ(run({"bundle", file}), 0) << err.str();
  std::stringstream text;
  text << std::ifstream{file}.rdbuf();
  EXPECT_EQ(text.str().find(node.operator_key().secret), std::string::npos);
  EXPECT_EQ(text.str().find(app.admin.secret), std::string::npos);
  auto bundle = json::parse(text.str())["nodes"]["n1"];
  for (auto part : {"config", "metrics", "tree", "busiest", "warnings", "sched", "kinds"})
    EXPECT_TRUE(bundle.contains(part)) << part;
  EXPECT_FALSE(bundle["warnings"].empty()) << "a development certificate is a warning";
  EXPECT_NE(bundle["config"].get<std::string>().find("[node]"), std::string::npos);
}

TEST_F(inspected_node, kicks_only_for_the_operator_and_writes_it_down) {
  with_key = false;
  EXPECT_EQ(run({"kick", "first/d1"}), 2);
  with_key = true;
  EXPECT_EQ(run({"kick", "first/nobody"}), 1);
  ASSERT_EQ(run({"kick", "first/d1"}), 0) << err.str();
  EXPECT_EQ(closing_code(*connected), ec::kicked);
  EXPECT_EQ(run({"set-log", "loud"}), 1);
  EXPECT_EQ(run({"set-log", "error"}), 0) << err.str();
  auto trail = json::parse(api->must("GET", app.path("/audit"), {}, "limit=1000"));
  auto kicks = std::count_if(trail["records"].begin(), trail["records"].end(),
      [](auto& x) { return x["what"] == "device kicked" && x["after"]["device"] == "d1"; });
  EXPECT_EQ(kicks, 1);
  api_caller as_operator{node.port(), node.operator_key()};
  trail = json::parse(as_operator.must("GET", "/v1/audit", {}, "limit=1000"));
  auto levels = std::count_if(trail["records"].begin(), trail["records"].end(), [&](auto& x) {
    return x["what"] == "log level set" && x["after"]["level"] == "error" &&
           x["by"] == node.operator_key().id;
  });
  EXPECT_EQ(levels, 1) << "the refused one is not in it";
}

TEST_F(inspected_node, refuses_changes_that_nobody_signed) {
  auto plain = test::tls_client{node.admin_port(), test::client_options{.tls = false}};
  auto answer = plain.ask("POST /inspect/kick HTTP/1.1\r\nHost: x\r\nContent-Length: 29\r\n\r\n"
                          R"({"app":"first","device":"d1"})");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(node.admin("/inspect/nonsense").status, 404);
  EXPECT_EQ(node.admin("/inspect/actors?limit=x").status, 400);
  EXPECT_EQ(node.admin("/inspect/actors?color=red").status, 400);
  EXPECT_EQ(node.admin("/inspect/").status, 404);
  EXPECT_EQ(node.admin("/inspect/actors/%zz").status, 400);
  EXPECT_EQ(data({"ls", "--kind", "device"}).size(), 1u) << "it is still there";
}

} // namespace
} // namespace shoal::faults
