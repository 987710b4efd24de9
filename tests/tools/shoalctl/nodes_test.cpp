#include <sstream>

#include <gtest/gtest.h>

#include "tools/shoalctl/command_line.hpp"

namespace shoal::ctl {
namespace {

/// Answers GET /v1/nodes with `nodes`, everything else with an object.
struct node_server : caller {
  node_server(const json& answer, std::vector<std::string>& calls) : nodes{answer}, seen{calls} {}
  reply call(std::string_view method, std::string_view target, std::string_view body) override {
    seen.push_back(std::string{method} + " " + std::string{target} + " " + std::string{body});
    return {200, method == "GET" ? json{{"nodes", nodes}}.dump() : R"({"name":"n3"})"};
  }
  reply plain(std::string_view, std::string_view, const header_list&, std::string_view) override {
    return {500, ""};
  }
  const json& nodes;
  std::vector<std::string>& seen;
};

json entry(const char* name, int leads, int holds, const char* state = "up", bool alive = true) {
  return {{"name", name}, {"state", state}, {"alive", alive}, {"leads", leads}, {"holds", holds}};
}

struct drain : testing::Test {
  int run(const json& known) {
    nodes = known;
    out.str("");
    err.str("");
    auto env = [](std::string_view name) -> std::optional<std::string> {
      return name == "SHOAL_KEY" || name == "SHOAL_SECRET" ? std::optional<std::string>{"x"}
                                                           : std::nullopt;
    };
    auto connect = [this](const settings&) -> std::unique_ptr<caller> {
      return std::make_unique<node_server>(nodes, calls);
    };
    return run_command_line({"node", "drain", "n3"}, {out, err, env, connect});
  }

  json nodes;
  std::vector<std::string> calls;
  std::ostringstream out, err;
};

TEST_F(drain, says_nothing_when_others_can_keep_every_copy) {
  ASSERT_EQ(
      run({entry("n1", 16, 48), entry("n2", 16, 48), entry("n3", 16, 48), entry("n4", 16, 48)}), 0);
  EXPECT_EQ(err.str(), "");
  EXPECT_EQ(calls.back(), R"(PUT /v1/nodes/n3/state {"state":"draining"})");
}

TEST_F(drain, warns_before_it_begins_that_fewer_copies_will_be_kept) {
  ASSERT_EQ(run({entry("n1", 22, 64), entry("n2", 21, 64), entry("n3", 21, 64)}), 0)
      << "it is the operator's decision";
  EXPECT_EQ(err.str(),
      "shoalctl: warning: only 2 other nodes can keep what has 3 copies now: until "
      "n3 is up again, or another node is added, there are 2, and if one more node "
      "goes away, writes to its partitions stop\n");
  EXPECT_EQ(calls.size(), 2u);
}

TEST_F(drain, counts_only_nodes_that_are_alive_and_up) {
  run({entry("n1", 32, 64), entry("n2", 0, 0, "draining"), entry("n3", 32, 64),
      entry("n4", 0, 64, "up", false)});
  EXPECT_NE(err.str().find("only 1 other node can keep what has 3 copies"), std::string::npos)
      << err.str();
}

TEST_F(drain, says_that_the_last_node_has_nowhere_to_go) {
  run({entry("n1", 0, 64, "up", false), entry("n3", 64, 64)});
  EXPECT_NE(err.str().find("no other node is up"), std::string::npos) << err.str();
}

TEST_F(drain, leaves_a_node_that_is_alone_to_the_server) {
  run({entry("n1", 64, 64)});
  EXPECT_EQ(err.str(), "");
}

} // namespace
} // namespace shoal::ctl
