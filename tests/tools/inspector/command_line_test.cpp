#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"
#include "tools/inspector/command_line.hpp"
#include "tools/inspector/printers.hpp"
#include "tools/inspector/redact.hpp"

namespace shoal::inspector {
namespace {

/// What nodes answer, by URL and the beginning of the target; nodes that are not here are silent.
struct fake_nodes {
  std::map<std::string, std::map<std::string, reply>> answers;
  std::vector<std::string> asked;
  std::vector<json> changed;
  std::mutex mutex;
};

struct fake_caller : caller {
  explicit fake_caller(fake_nodes& x) : nodes{x} {}

  reply find(const node_address& from, const std::string& target) {
    std::lock_guard lock{nodes.mutex};
    nodes.asked.push_back(from.url + target);
    auto i = nodes.answers.find(from.url);
    if (i == nodes.answers.end())
      throw unreachable{from.url + ": connection refused"};
    auto best = reply{404, R"({"code":"not_found","detail":"no such path"})"};
    std::size_t longest = 0;
    for (auto& [path, answer] : i->second)
      if (target.starts_with(path) && path.size() > longest) {
        longest = path.size();
        best = answer;
      }
    return best;
  }

  reply get(const node_address& from, const std::string& target) override {
    return find(from, target);
  }
  reply post(const node_address& to, const std::string& target, const std::string& body,
      const operator_key& by) override {
    auto out = find(to, target);
    nodes.changed.push_back({{"target", target}, {"body", json::parse(body)}, {"by", by.id}});
    return out;
  }

  fake_nodes& nodes;
};

constexpr auto n1 = "http://a:1", n2 = "http://b:2";

struct inspector : testing::Test {
  int run(std::vector<std::string> args, int waits = 0) {
    out.str("");
    err.str("");
    auto env = [this](std::string_view name) -> std::optional<std::string> {
      auto i = variables.find(name);
      return i == variables.end() ? std::nullopt : std::optional{i->second};
    };
    return run_command_line(
        std::move(args), {out, err, env, [this] { return std::make_unique<fake_caller>(nodes); },
                             [&](std::chrono::milliseconds) {
                               if (on_wait)
                                 on_wait();
                               return waits-- > 0;
                             },
                             terminal});
  }

  void answer(const char* url, const std::string& target, const std::string& body) {
    nodes.answers[url][target] = {200, body};
  }

  test::temp_dir dir;
  std::map<std::string, std::string, std::less<>> variables{{"SHOAL_NODE", "a:1,b:2"}};
  fake_nodes nodes;
  std::ostringstream out, err;
  bool terminal = false;
  std::function<void()> on_wait;
};

const std::string two_actors =
    R"({"node":"n1","total":2,"actors":[
      {"id":7,"kind":"stream","label":"shop/user:u1","state":"idle","depth":3,"age_us":1500,"handled":9,"up_s":65,"bytes":2048},
      {"id":8,"kind":"device","label":"evil\u001b[31m","state":"ready","depth":null,"age_us":250000,"handled":1,"up_s":1,"bytes":100}]})";

TEST_F(inspector, shows_a_table_for_people) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/actors", two_actors);
  ASSERT_EQ(run({"ls"}), 0) << err.str();
  EXPECT_EQ(out.str(), "NODE  ID  KIND    LABEL         STATE  DEPTH  AGE     HANDLED  UP\n"
                       "n1    7   stream  shop/user:u1  idle   3      1.5 ms  9        1m 5s\n"
                       "n1    8   device  evil?[31m     ready  ?      250 ms  1        1 s\n");
}

TEST_F(inspector, prints_json_yaml_and_names_of_the_same_data) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/actors", two_actors);
  ASSERT_EQ(run({"ls", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out.str())[0]["label"], "shop/user:u1");
  ASSERT_EQ(run({"ls", "-o", "yaml"}), 0);
  EXPECT_TRUE(
      out.str().starts_with("- node: n1\n  id: 7\n  kind: stream\n  label: \"shop/user:u1\"\n"))
      << out.str();
  EXPECT_NE(out.str().find("depth: null"), std::string::npos);
  ASSERT_EQ(run({"ls", "-o", "name"}), 0);
  EXPECT_EQ(out.str(), "n1/7\nn1/8\n");
  ASSERT_EQ(run({"ls", "-o", "wide"}), 0);
  EXPECT_NE(out.str().find("2 KB"), std::string::npos);
  EXPECT_EQ(run({"ls", "-o", "xml"}), 2);
}

TEST_F(inspector, asks_the_server_to_filter_and_sort) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/actors", two_actors);
  ASSERT_EQ(
      run({"ls", "--kind", "stream", "--label", "user:u 1&x", "--sort", "age", "--limit", "7"}), 0);
  EXPECT_EQ(nodes.asked[0],
      "http://a:1/inspect/actors?limit=7&kind=stream&label=user:u%201%26x&sort=age");
}

TEST_F(inspector, merges_what_several_nodes_sorted) {
  answer(
      n1, "/inspect/actors", R"({"node":"n1","actors":[{"id":1,"depth":5},{"id":2,"depth":1}]})");
  answer(
      n2, "/inspect/actors", R"({"node":"n2","actors":[{"id":1,"depth":9},{"id":3,"depth":2}]})");
  ASSERT_EQ(run({"ls", "--sort", "depth", "--limit", "3", "-o", "name"}), 0) << err.str();
  EXPECT_EQ(out.str(), "n2/1\nn1/1\nn2/3\n");
}

TEST_F(inspector, lists_by_node_and_id_as_many_as_were_asked_for) {
  answer(n1, "/inspect/actors", R"({"node":"n1","actors":[{"id":1},{"id":4}]})");
  answer(n2, "/inspect/actors", R"({"node":"n2","actors":[{"id":2},{"id":3}]})");
  ASSERT_EQ(run({"ls", "--limit", "3", "-o", "name"}), 0) << err.str();
  EXPECT_EQ(out.str(), "n1/1\nn2/2\nn2/3\n");
  EXPECT_TRUE(nodes.asked[0].ends_with("?limit=3&sort=id")) << nodes.asked[0];
  EXPECT_EQ(run({"ls", "--limit", "0"}), 2);
}

TEST_F(inspector, finds_nothing_with_exit_code_1_and_names_the_kinds_there_are) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/actors", R"({"node":"n1","actors":[],"kinds":["api","stream"]})");
  EXPECT_EQ(run({"ls", "--kind", "steam"}), 1);
  EXPECT_EQ(out.str(), "none\n");
  EXPECT_EQ(err.str(), "actor-inspector: no actor is of the kind steam; there are api, stream\n");
  EXPECT_EQ(run({"ls", "--kind", "stream", "--label", "nobody"}), 1);
  EXPECT_EQ(err.str(), "") << "the kind is right";
}

TEST_F(inspector, follows_cursors_up_to_the_limit) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/actors", R"({"node":"n1","actors":[{"id":1},{"id":2}],"cursor":"66"})");
  answer(n1, "/inspect/actors?limit=1000&cursor=66", R"({"node":"n1","actors":[{"id":3}]})");
  ASSERT_EQ(run({"ls", "--limit", "20000", "-o", "name"}), 0) << err.str();
  EXPECT_EQ(out.str(), "n1/1\nn1/2\nn1/3\n");
}

TEST_F(inspector, names_nodes_that_do_not_answer_and_shows_the_rest) {
  answer(n1, "/inspect/actors", two_actors);
  EXPECT_EQ(run({"ls"}), 3);
  EXPECT_NE(out.str().find("shop/user:u1"), std::string::npos);
  EXPECT_EQ(
      err.str(), "actor-inspector: no answer from http://b:2: http://b:2: connection refused\n");
  nodes.answers.clear();
  EXPECT_EQ(run({"ls"}), 3);
  EXPECT_EQ(out.str(), "");
}

TEST_F(inspector, says_that_an_answer_makes_no_sense_and_goes_on_living) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/actors", R"({"node":7,"actors":[null,1,[]]})");
  EXPECT_EQ(run({"ls"}), 3);
  EXPECT_NE(err.str().find("not what was asked for"), std::string::npos) << err.str();
  answer(n1, "/inspect/actors", "[" + std::string(200, '[') + std::string(200, ']') + "]");
  EXPECT_EQ(run({"ls"}), 3);
  answer(n1, "/inspect/why", R"({"node":"n1","steps":[{"kind":"stream"}]})");
  EXPECT_EQ(run({"why", "1"}), 0) << "a newer node may say less: " << err.str();
  answer(n1, "/inspect/tree", R"({"node":"n\u001b[31m1","children":[{"kind":"\u0007stream"}]})");
  EXPECT_EQ(run({"tree"}), 0);
  EXPECT_EQ(out.str().find('\x1b'), std::string::npos) << "data must not talk to the terminal";
  EXPECT_EQ(out.str().find('\a'), std::string::npos);
}

TEST_F(inspector, reads_the_nodes_of_a_cluster_from_its_configuration) {
  auto file = (dir.path() / "cluster.toml").string();
  std::ofstream{file}
      << "[[nodes]]\nname = \"n1\"\nadmin = \"a:1\"\n[[nodes]]\nname = \"n2\"\nadmin = \"b:2\"\n";
  answer(n1, "/inspect/actors", two_actors);
  EXPECT_EQ(run({"--cluster", file, "ls"}), 3);
  EXPECT_NE(err.str().find("no answer from n2"), std::string::npos);
  variables = {{"SHOAL_CLUSTER", file}};
  EXPECT_EQ(run({"ls"}), 3);
  std::ofstream{file} << "[[nodes]]\nname = \"n1\"\n";
  EXPECT_EQ(run({"ls"}), 2);
  EXPECT_NE(err.str().find("admin"), std::string::npos);
  EXPECT_EQ(run({"--cluster", (dir.path() / "absent").string(), "ls"}), 2);
}

TEST_F(inspector, picks_the_node_that_an_id_names) {
  auto file = (dir.path() / "cluster.toml").string();
  std::ofstream{file}
      << "[[nodes]]\nname = \"n1\"\nadmin = \"a:1\"\n[[nodes]]\nname = \"n2\"\nadmin = \"b:2\"\n";
  answer(n1, "/inspect/actors/5", R"({"node":"n1","id":5})");
  answer(n2, "/inspect/actors/5", R"({"node":"n2","id":5})");
  ASSERT_EQ(run({"--cluster", file, "describe", "n2/5", "-o", "json"}), 0) << err.str();
  EXPECT_EQ(json::parse(out.str())["node"], "n2");
  EXPECT_EQ(run({"--cluster", file, "describe", "n9/5"}), 2);
  EXPECT_EQ(run({"--cluster", file, "describe", "n1/6"}), 1) << "nobody knows it";
  EXPECT_NE(err.str().find("not_found"), std::string::npos);
}

TEST_F(inspector, takes_the_name_of_a_node_for_its_address_where_a_configuration_has_it) {
  auto file = (dir.path() / "cluster.toml").string();
  std::ofstream{file}
      << "[[nodes]]\nname = \"n1\"\nadmin = \"a:1\"\n[[nodes]]\nname = \"n2\"\nadmin = \"b:2\"\n";
  answer(n2, "/inspect/nodes", R"({"node":"n2","ready":true})");
  ASSERT_EQ(run({"--cluster", file, "--node", "n2", "nodes"}), 0) << err.str();
  EXPECT_EQ(nodes.asked, std::vector<std::string>{"http://b:2/inspect/nodes"});
  EXPECT_EQ(run({"--cluster", file, "--node", "n9", "nodes"}), 2);
  EXPECT_NE(err.str().find("no node of this name"), std::string::npos) << err.str();
  variables = {{"SHOAL_CLUSTER", file}};
  EXPECT_EQ(run({"--node", "n2", "nodes"}), 0) << err.str();
  variables = {{"SHOAL_CLUSTER", "/absent"}};
  EXPECT_EQ(run({"--node", "b:2", "nodes"}), 0) << "an address needs no file: " << err.str();
}

TEST_F(inspector, says_once_what_holds_for_all_nodes) {
  variables["SHOAL_KEY"] = "ak_1";
  variables["SHOAL_SECRET"] = "s";
  for (auto url : {n1, n2})
    nodes.answers[url]["/inspect/set-log"] = {403, R"({"code":"forbidden","detail":"not you"})"};
  EXPECT_EQ(run({"set-log", "debug"}), 1);
  EXPECT_EQ(err.str(), "actor-inspector: forbidden: not you\n");
  answer(n1, "/inspect/set-log", R"({"node":"n1","level":"debug"})");
  EXPECT_EQ(run({"set-log", "debug"}), 1);
  EXPECT_EQ(err.str(), "actor-inspector: http://b:2: forbidden: not you; done at http://a:1\n");
}

TEST_F(inspector, draws_the_tree_and_shouts_when_a_budget_runs_low) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/tree", R"({"node":"n1","total":9,"deaths":2,"children":[
    {"id":4,"kind":"node","label":"n1","state":"idle","restarts":0,"budget":{"used":12,"max":20},
     "children":[{"id":5,"kind":"hub","label":"","state":"running","restarts":2}],
     "more":[{"kind":"partition","count":61,"of":64,"running":0,"ready":0}]}],
    "more":[{"kind":"device","count":7,"of":10,"running":1,"ready":1}]})");
  ASSERT_EQ(run({"tree"}), 0) << err.str();
  EXPECT_EQ(out.str(), "n1  9 actors, 2 deaths since start\n"
                       "├─ node 4  n1  budget 8 of 20 LOW\n"
                       "│  ├─ hub 5  running  2 restarts\n"
                       "│  └─ and 61 more partition\n"
                       "└─ and 7 more device, 2 of all not idle\n");
  terminal = true;
  ASSERT_EQ(run({"tree"}), 0);
  EXPECT_NE(out.str().find("\x1b[31mbudget 8 of 20 LOW\x1b[0m"), std::string::npos);
  variables["NO_COLOR"] = "1";
  ASSERT_EQ(run({"tree"}), 0);
  EXPECT_EQ(out.str().find('\x1b'), std::string::npos);
}

TEST_F(inspector, shows_one_window_of_top_and_more_when_asked) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/actors?sort=busy",
      R"({"node":"n1","total":3,"window_ms":2000,"actors":[{"id":7,"kind":"stream","label":"x","rate":12.5,"busy":0.031,"handled":9}]})");
  ASSERT_EQ(run({"top"}, 1), 0) << err.str();
  EXPECT_EQ(out.str(), "n1: 3 actors, over the last 2 s\n"
                       "NODE  ID  KIND    LABEL  RATE  BUSY  HANDLED\n"
                       "n1    7   stream  x      12/s  3.1%  9\n");
  EXPECT_EQ(nodes.asked.size(), 2u) << "one look begins the window, one ends it";
  ASSERT_EQ(run({"top", "--count", "2", "-o", "json"}, 2), 0);
  EXPECT_EQ(run({"top", "--sort", "memory"}), 2);
  terminal = true;
  EXPECT_EQ(run({"top", "--once"}, 5), 0);
  EXPECT_EQ(out.str().find("\x1b[H"), std::string::npos) << "no screen is cleared for one window";
}

TEST_F(inspector, follows_traced_ops_until_it_has_enough) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/trace", R"({"node":"n1","ops":[]})");
  EXPECT_EQ(run({"trace"}, 2), 1) << "nothing came by";
  EXPECT_EQ(run({"trace", "--next", "x"}), 2);
}

TEST_F(inspector, shows_both_parts_of_the_way_of_an_op_that_came_in_elsewhere) {
  // The leader's part is seen first.
  answer(n1, "/inspect/trace", R"({"node":"n1","ops":[]})");
  answer(n2, "/inspect/trace", R"({"node":"n2","ops":[]})");
  auto looks = 0;
  on_wait = [&] {
    if (++looks == 1)
      answer(n2, "/inspect/trace", R"({"node":"n2","ops":[{"began_ns":9,"stream":"user:u1","id":4,
          "total_us":500,"steps":[{"what":"partition","actor":7}]}]})");
    else
      answer(n1, "/inspect/trace", R"({"node":"n1","ops":[
          {"began_ns":5,"stream":"user:u1","id":4,"total_us":900,"steps":[{"what":"api","actor":3}]},
          {"began_ns":6,"stream":"user:u1","id":5,"total_us":900,"steps":[{"what":"api","actor":3}]}]})");
  };
  ASSERT_EQ(run({"trace", "--next", "1", "-o", "json"}, 5), 0) << err.str();
  auto ops = json::parse(out.str());
  ASSERT_EQ(ops.size(), 2u) << "one op, on two nodes";
  EXPECT_EQ(ops[0]["node"], "n1") << "where it came in";
  EXPECT_EQ(ops[1]["node"], "n2");
}

TEST_F(inspector, finds_the_active_stream_among_the_nodes) {
  answer(n1, "/inspect/cursors/", R"({"node":"n1","cursors":[],"more":false})");
  answer(n1, "/inspect/streams/shop/user:u1", R"({"node":"n1","active":false})");
  answer(n2, "/inspect/streams/shop/user:u1",
      R"({"node":"n2","active":true,"bizs":[{"biz":"B","last":3,"devices":[{"device":"d1","acked":2}]}]})");
  ASSERT_EQ(run({"stream", "shop/user:u1"}), 0) << err.str();
  EXPECT_NE(out.str().find("DEVICE  ACKED\nd1      2\n"), std::string::npos) << out.str();
  EXPECT_EQ(run({"stream", "u1"}), 2);
}

TEST_F(inspector, shows_the_backlog_of_everybody_who_has_a_position) {
  answer(n1, "/inspect/streams/", R"({"node":"n1","owner":"n2","active":false,"bizs":[]})");
  answer(n2, "/inspect/streams/", R"({"node":"n2","owner":"n2","active":false,"view_epoch":7,
    "bizs":[{"biz":"NEWS","epoch":5,"last":20,"floor":0}]})");
  answer(n1, "/inspect/cursors/", R"({"node":"n1","more":false,"cursors":[
    {"biz":"NEWS","device":"d2","epoch":5,"position":20,"time_ms":1,"attached":true,"place":"43b"}]})");
  answer(n2, "/inspect/cursors/", R"({"node":"n2","more":false,"cursors":[
    {"biz":"NEWS","device":"d1","epoch":5,"position":8,"time_ms":1,"attached":false,"place":"43a"},
    {"biz":"NEWS","device":"d2","epoch":5,"position":20,"time_ms":1,"attached":true,"place":"43b"},
    {"biz":"NEWS","device":"d3","epoch":4,"position":99,"time_ms":1,"attached":false,"place":"43c"}]})");
  ASSERT_EQ(run({"stream", "shop/global", "-o", "json"}), 0) << err.str();
  auto x = json::parse(out.str());
  EXPECT_EQ(x["view_epoch"], 7) << "who leads it knows best, also while the stream sleeps";
  ASSERT_EQ(x["cursors"].size(), 3u) << "by place, and each once, whoever leads it";
  EXPECT_EQ(x["cursors"][0]["device"], "d1");
  EXPECT_EQ(x["cursors"][0]["backlog"], 12);
  EXPECT_EQ(x["cursors"][1]["backlog"], 0);
  EXPECT_TRUE(x["cursors"][2]["backlog"].is_null()) << "a position of another history";
  EXPECT_FALSE(x.contains("next_after"));
  ASSERT_EQ(run({"stream", "shop/global"}), 0);
  EXPECT_NE(out.str().find("BIZ   DEVICE  POSITION  BACKLOG  EPOCH  ATTACHED  TIME\n"
                           "NEWS  d1      8         12       5      false     "),
      std::string::npos)
      << out.str();
}

TEST_F(inspector, pages_through_positions_of_all_nodes_and_leaves_none_out) {
  answer(n1, "/inspect/streams/", R"({"node":"n1","owner":"n1","active":false})");
  answer(n2, "/inspect/streams/", R"({"node":"n2","owner":"n1","active":false})");
  answer(n1, "/inspect/cursors/", R"({"node":"n1","more":false,"cursors":[
    {"biz":"B","device":"d1","place":"01"},{"biz":"B","device":"d4","place":"04"}]})");
  answer(n2, "/inspect/cursors/", R"({"node":"n2","more":true,"next_after":"03","cursors":[
    {"biz":"B","device":"d2","place":"02"},{"biz":"B","device":"d3","place":"03"}]})");
  ASSERT_EQ(run({"stream", "shop/global", "-o", "json"}), 0) << err.str();
  auto x = json::parse(out.str());
  ASSERT_EQ(x["cursors"].size(), 3u) << "n2 may have something before d4";
  EXPECT_EQ(x["next_after"], "03");
  ASSERT_EQ(run({"stream", "shop/global", "--limit", "2", "--after", "00", "-o", "json"}), 0);
  EXPECT_EQ(nodes.asked.back().substr(nodes.asked.back().find('?')), "?limit=2&after=00");
  x = json::parse(out.str());
  ASSERT_EQ(x["cursors"].size(), 2u);
  EXPECT_EQ(x["next_after"], "02");
  ASSERT_EQ(run({"stream", "shop/global", "--limit", "2"}), 0);
  EXPECT_NE(out.str().find("There are more: --after 02\n"), std::string::npos) << out.str();
}

TEST_F(inspector, shows_the_relays_of_all_nodes_under_a_global_stream) {
  answer(n1, "/inspect/cursors/", R"({"node":"n1","cursors":[],"more":false})");
  answer(n1, "/inspect/streams/shop/global", R"({"node":"n1","active":false,"relays":[
    {"id":7,"biz":"NEWS","latest":360,"listeners":3,"caught_up":2,"least_acked":350}]})");
  answer(n2, "/inspect/streams/shop/global", R"json({"node":"n2","active":true,
    "bizs":[{"biz":"NEWS","last":360,"devices":[{"device":"(relay)","sent":360}]}],
    "relays":[{"id":9,"biz":"NEWS","latest":360,"listeners":1,"caught_up":1,"least_acked":360}]})json");
  ASSERT_EQ(run({"stream", "shop/global"}), 0) << err.str();
  EXPECT_NE(out.str().find("NODE  ID  BIZ   LATEST  LISTENERS  CAUGHT UP  LEAST ACKED\n"
                           "n1    7   NEWS  360     3          2          350\n"
                           "n2    9   NEWS  360     1          1          360\n"),
      std::string::npos)
      << out.str();
}

TEST_F(inspector, compares_two_snapshots) {
  variables["SHOAL_NODE"] = "a:1";
  auto snap = [&](const std::string& file, int time, int devices) {
    answer(n1, "/inspect/snap",
        R"({"node":"n1","time_ms":)" + std::to_string(time) + R"(,"facts":{"devices":)" +
            std::to_string(devices) + R"(},"kinds":[],"metrics":"# HELP x\nshoal_appends_total )" +
            std::to_string(devices * 10) + R"(\n"})");
    return run({"snap", (dir.path() / file).string()});
  };
  ASSERT_EQ(snap("a", 1000, 5), 0) << err.str();
  ASSERT_EQ(snap("b", 3000, 9), 0);
  ASSERT_EQ(
      run({"diff", (dir.path() / "a").string(), (dir.path() / "b").string(), "-o", "json"}), 0)
      << err.str();
  auto rows = json::parse(out.str());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["what"], "node devices");
  EXPECT_EQ(rows[0]["change"], 4);
  EXPECT_EQ(rows[1]["what"], "shoal_appends_total");
  EXPECT_EQ(rows[1]["per_second"], 20);
  EXPECT_EQ(run({"diff", (dir.path() / "a").string(), (dir.path() / "absent").string()}), 2);
}

TEST_F(inspector, writes_a_bundle_without_secrets) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/bundle",
      R"({"node":"n1","config":"key = \"k.pem\"\npassword = \"hunter2\"\n","warnings":["event=x secret=hunter2 peer=a"]})");
  auto file = (dir.path() / "bundle.json").string();
  ASSERT_EQ(run({"bundle", file}), 0) << err.str();
  std::stringstream text;
  text << std::ifstream{file}.rdbuf();
  EXPECT_EQ(text.str().find("hunter2"), std::string::npos);
  EXPECT_NE(text.str().find("peer=a"), std::string::npos);
  EXPECT_EQ(run({"bundle", (dir.path() / "absent" / "x").string()}), 2);
}

TEST_F(inspector, answers_monitoring_with_its_exit_codes) {
  auto well = [&](const char* url, const std::string& name, int depth) {
    answer(url, "/inspect/nodes", R"({"node":")" + name + R"(","ready":true,"queued_bytes":0})");
    answer(url, "/inspect/actors",
        R"({"node":")" + name + R"(","actors":[{"depth":)" + std::to_string(depth) +
            R"(,"age_us":5000}]})");
    answer(url, "/inspect/tree", R"({"node":")" + name + R"(","deaths":0})");
    answer(url, "/inspect/stuck", R"({"node":")" + name + R"(","stuck":[]})");
  };
  well(n1, "n1", 5);
  well(n2, "n2", 200);
  EXPECT_EQ(run({"check"}), 0) << out.str();
  EXPECT_TRUE(out.str().starts_with("SHOAL OK - 2 nodes are well | n1.depth=5")) << out.str();
  EXPECT_EQ(run({"check", "--warn", "depth=100"}), 1);
  EXPECT_TRUE(out.str().starts_with("SHOAL WARNING - n2: 200 messages in the deepest mailbox |"));
  EXPECT_EQ(run({"check", "--warn", "depth=1", "--crit", "depth=100"}), 2);
  EXPECT_EQ(run({"check", "--crit", "height=3"}), 2);
  EXPECT_EQ(run({"check", "--crit", "depth=many"}), 2);
  nodes.answers.erase(n2);
  EXPECT_EQ(run({"check"}), 2) << "a node is missing";
  nodes.answers.clear();
  EXPECT_EQ(run({"check"}), 3) << "nobody can tell";
}

TEST_F(inspector, warns_monitoring_when_nothing_can_fail_over) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/actors", R"({"node":"n1","actors":[]})");
  answer(n1, "/inspect/tree", R"({"node":"n1","deaths":0})");
  answer(n1, "/inspect/stuck", R"({"node":"n1","stuck":[]})");
  auto says = [&](const std::string& more) {
    answer(n1, "/inspect/nodes", R"({"node":"n1","ready":true,"state":"up",)" + more + "}");
    return run({"check"});
  };
  EXPECT_EQ(says(R"("meta_away_ms":0,"unserved":0,"short_of_copies":0)"), 0) << out.str();
  EXPECT_EQ(says(R"("meta_away_ms":90000)"), 1);
  EXPECT_TRUE(out.str().starts_with(
      "SHOAL WARNING - n1: 90 seconds without the meta store: nothing can change hands |"))
      << out.str();
  EXPECT_EQ(says(R"("short_of_copies":32)"), 1);
  EXPECT_EQ(says(R"("unserved":32)"), 1);
  EXPECT_TRUE(out.str().starts_with("SHOAL WARNING - n1: 32 partitions without a leader |"))
      << out.str();
  EXPECT_EQ(run({"check", "--crit", "unserved=1"}), 2);
  EXPECT_EQ(run({"check", "--warn", "unserved=100"}), 0);
}

TEST_F(inspector, shows_partitions_that_nobody_serves) {
  answer(n1, "/inspect/partitions", R"({"node":"n1","copies_wanted":3,
    "partitions":[{"partition":0,"leader":"n1","epoch":3,"copies":2}],
    "unserved":[{"partition":1,"leader":"n2","epoch":4,"why":"its leader n2 is not reached from here"},
                {"partition":2,"leader":"n9","epoch":5,"why":"its leader n9 is not reached from here"}]})");
  answer(n2, "/inspect/partitions", R"({"node":"n2","copies_wanted":3,
    "partitions":[{"partition":1,"leader":"n2","epoch":4,"copies":3}],"unserved":[]})");
  ASSERT_EQ(run({"partitions"}), 0) << err.str();
  EXPECT_EQ(out.str(),
      "NODE  PARTITION  LEADER  EPOCH  COPIES\n"
      "n1    0          n1      3      2\n"
      "n2    1          n2      4      3\n"
      "\n1 with fewer copies than wanted\n"
      "\nServed by nobody that was asked: 1\n"
      "PARTITION  LEADER  EPOCH  SAID BY  WHY\n"
      "2          n9      5      n1       its leader n9 is not reached from here\n")
      << "n2 serves what n1 does not reach";
  terminal = true;
  run({"partitions"});
  EXPECT_NE(out.str().find("\x1b[31mServed by nobody that was asked: 1\x1b[0m"), std::string::npos);
  ASSERT_EQ(run({"partitions", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out.str())[2]["node"], "(nobody)");
}

TEST_F(inspector, shows_a_leader_without_a_majority_as_one_that_does_not_serve) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/partitions", R"({"node":"n1","copies_wanted":3,
    "partitions":[{"partition":0,"leader":"n1","epoch":3,"copies":2}],
    "unserved":[{"partition":0,"leader":"n1","epoch":3,"why":"no writes"}]})");
  ASSERT_EQ(run({"partitions"}), 0) << err.str();
  EXPECT_NE(out.str().find("Served by nobody that was asked: 1\n"), std::string::npos) << out.str();
}

TEST_F(inspector, shows_which_node_drains_and_which_has_no_meta_store) {
  answer(n1, "/inspect/nodes", R"({"node":"n1","ready":true,"state":"draining","meta_away_ms":0})");
  answer(n2, "/inspect/nodes", R"({"node":"n2","ready":true,"state":"up","meta_away_ms":61000})");
  ASSERT_EQ(run({"nodes"}), 0) << err.str();
  EXPECT_EQ(out.str(), "NODE  STATE\nn1    draining\nn2    ready\n"
                       "n2: the meta store has not answered for 1m 1s; nothing can change hands\n");
}

TEST_F(inspector, puts_together_what_leaders_know_of_a_node_that_is_behind) {
  answer(n1, "/inspect/nodes", R"({"node":"n1","ready":true,"followers":[
    {"follower":"n2","replicas":3,"behind":1,"records":40,"most_records":40,"lag_ms":1500,"refilling":0,"unheard":0},
    {"follower":"n3","replicas":3,"behind":2,"records":5,"most_records":3,"lag_ms":90000,"refilling":0,"unheard":0}]})");
  answer(n2, "/inspect/nodes", R"({"node":"n2","ready":true,"followers":[
    {"follower":"n1","replicas":3,"behind":0,"records":0,"most_records":0,"lag_ms":0,"refilling":0,"unheard":0},
    {"follower":"n3","replicas":4,"behind":4,"records":7,"most_records":7,"lag_ms":100,"refilling":0,"unheard":1}]})");
  variables["SHOAL_NODE"] = "a:1,b:2";
  ASSERT_EQ(run({"nodes", "-o", "json"}), 0) << err.str();
  auto x = json::parse(out.str());
  EXPECT_EQ(x[0]["records_behind"], 0);
  EXPECT_EQ(x[1]["records_behind"], 40);
  EXPECT_EQ(x[1]["lag_ms"], 1500);
  ASSERT_EQ(run({"nodes"}), 0);
  EXPECT_NE(out.str().find("NODE  FOLLOWER  REPLICAS  BEHIND  RECORDS  MOST RECORDS  LAG     "
                           "REFILLING  UNHEARD\n"),
      std::string::npos)
      << out.str();
  nodes.answers.erase(n2); // also of one that does not answer any more
  auto file = (dir.path() / "cluster.toml").string();
  std::ofstream{file} << "[[nodes]]\nname = \"n1\"\nadmin = \"a:1\"\n"
                         "[[nodes]]\nname = \"n2\"\nadmin = \"b:2\"\n";
  variables.clear();
  EXPECT_EQ(run({"--cluster", file, "nodes", "-o", "json"}), 3);
  x = json::parse(out.str());
  EXPECT_EQ(x[1]["node"], "n2");
  EXPECT_EQ(x[1]["lag_ms"], 1500);
}

TEST_F(inspector, changes_only_with_the_operators_key) {
  variables["SHOAL_NODE"] = "a:1";
  answer(n1, "/inspect/kick", R"({"node":"n1","kicked":"d1"})");
  EXPECT_EQ(run({"kick", "shop/d1"}), 2);
  EXPECT_TRUE(nodes.changed.empty());
  variables["SHOAL_KEY"] = "ok_1";
  variables["SHOAL_SECRET"] = "s";
  ASSERT_EQ(run({"kick", "shop/d1"}), 0) << err.str();
  EXPECT_EQ(nodes.changed[0], (json{{"target", "/inspect/kick"},
                                  {"body", {{"app", "shop"}, {"device", "d1"}}}, {"by", "ok_1"}}));
  EXPECT_EQ(run({"kick", "d1"}), 2);
  variables["SHOAL_NODE"] = "a:1,b:2";
  EXPECT_EQ(run({"drain"}), 2) << "which of the two?";
}

TEST_F(inspector, has_examples_for_every_command_and_completes_their_options) {
  std::set<std::string_view> names;
  EXPECT_EQ(run({"completion"}), 0);
  auto completion = out.str();
  for (auto& c : commands()) {
    EXPECT_TRUE(names.insert(c.name).second);
    EXPECT_EQ(run({std::string{c.name}, "--help"}), 0);
    EXPECT_NE(out.str().find("Examples:"), std::string::npos) << c.name;
    EXPECT_NE(c.example.find("actor-inspector"), std::string_view::npos) << c.name;
    for (auto& a : c.args)
      if (a.name.starts_with("--")) {
        EXPECT_NE(completion.find(a.name), std::string::npos) << a.name;
      }
  }
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"nonsense"}), 2);
  EXPECT_EQ(run({"ls", "--knid", "stream"}), 2);
  EXPECT_TRUE(err.str().starts_with("actor-inspector: unexpected: --knid stream\n")) << err.str();
}

TEST(redaction, takes_out_what_is_secret_and_leaves_the_rest) {
  for (auto& [text, safe] :
      std::vector<std::pair<std::string, std::string>>{{"secret = \"abc\"", "secret = (removed)"},
          {"operator_secret=abc next=1", "operator_secret=(removed) next=1"},
          {R"({"token":"abc","x":1})", R"({"token":(removed),"x":1})"},
          {"Authorization: Bearer abc.def", "Authorization: (removed)"},
          {"PASSWORD=abc", "PASSWORD=(removed)"},
          {"-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- x", "(removed) x"},
          {"user eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "user (removed) end"},
          {"the key of a biz is DEVICE-LOCK", "the key of a biz is DEVICE-LOCK"}})
    EXPECT_EQ(redacted(text), safe);
  auto data = json{{"api_key", "abc"}, {"deep", {{{"password", "abc"}, {"n", 1}}}}};
  auto clean = redacted(data);
  EXPECT_EQ(clean.dump().find("abc"), std::string::npos);
  EXPECT_EQ(clean["deep"][0]["n"], 1);
}

TEST(units, are_chosen_for_people) {
  EXPECT_EQ(time_text(0), "0 us");
  EXPECT_EQ(time_text(1500), "1.5 ms");
  EXPECT_EQ(time_text(65e6), "1m 5s");
  EXPECT_EQ(time_text(3 * 3600e6 + 60e6), "3h 1m");
  EXPECT_EQ(time_text(50 * 3600e6), "2d 2h");
  EXPECT_EQ(bytes_text(512), "512 B");
  EXPECT_EQ(bytes_text(24.5 * 1024), "24 KB");
  EXPECT_EQ(bytes_text(3.5 * 1024 * 1024), "3.5 MB");
  EXPECT_EQ(cell_text("busy", 0.5), "50%");
  EXPECT_EQ(cell_text("last_ms", 1'000'000'000'000), "2001-09-09T01:46:40Z");
}

} // namespace
} // namespace shoal::inspector
