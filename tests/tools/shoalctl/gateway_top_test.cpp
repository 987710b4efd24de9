// gateway top: what it makes of what nodes count, and what it shows.
#include <sstream>

#include <gtest/gtest.h>

#include "tools/shoalctl/command_line.hpp"
#include "tools/shoalctl/gateway_figures.hpp"

namespace shoal::ctl {
namespace {

struct counted {
  std::string operation;
  int fast = 0, slow = 0; ///< within 1 ms, within 100 ms
  int refused = 0;        ///< 1002
};

std::string metrics(const std::vector<counted>& apis) {
  auto out = std::string{"# TYPE shoal_gateway_duration_seconds histogram\nshoal_devices 7\n"};
  for (auto& x : apis) {
    auto labels = "app=\"shop\",workspace=\"test\",operation=\"" + x.operation + "\"";
    auto line = [&](const std::string& name, const std::string& more, int value) {
      out += "shoal_gateway_" + name + "{" + labels + more + "} " + std::to_string(value) + "\n";
    };
    line("duration_seconds_bucket", ",le=\"0.001\"", x.fast);
    line("duration_seconds_bucket", ",le=\"0.1\"", x.fast + x.slow);
    line("duration_seconds_bucket", ",le=\"+Inf\"", x.fast + x.slow);
    line("duration_seconds_sum", "", 1);
    line("duration_seconds_count", "", x.fast + x.slow);
    if (x.refused != 0)
      line("refused_total", ",code=\"1002\"", x.refused);
  }
  return out;
}

TEST(gateway_figures, read_over_what_is_not_theirs_or_not_whole) {
  auto seen = read_metrics("shoal_gateway_duration_seconds_count{app=\"a\",workspace=\"w\","
                           "operation=\"say \\\"\\\\\\\"\"} 3\n"
                           "shoal_gateway_duration_seconds_count{app=\"a} 4\n"
                           "shoal_gateway_refused_total{app=\"a\"} many\n"
                           "shoal_gateway_refused_total{app=\"a\"} -1\nother{} 1\n\n{");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen.begin()->first.operation, "say \"\\\"");
  EXPECT_EQ(seen.begin()->second.calls, 3u);
}

TEST(gateway_figures, say_what_was_added_within_the_window) {
  auto added = difference(
      read_metrics(metrics({{"a", 100, 10, 5}})), read_metrics(metrics({{"a", 190, 20, 8}})));
  auto rows = top_rows(added, 2, "", top_order::rate, 10);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["calls"], 100);
  EXPECT_EQ(rows[0]["rate"], 50.0);
  EXPECT_EQ(rows[0]["errors"], 3);
  EXPECT_EQ(rows[0]["error_percent"], 3.0);
  EXPECT_EQ(rows[0]["codes"], json({{"1002", 3}}));
  EXPECT_EQ(rows[0]["p50_ms"], 1.0);
  EXPECT_EQ(rows[0]["p99_ms"], 100.0);
}

TEST(gateway_figures, a_node_that_began_again_has_added_all_it_says) {
  auto added = difference(
      read_metrics(metrics({{"a", 100, 10, 5}})), read_metrics(metrics({{"a", 3, 1, 1}})));
  auto rows = top_rows(added, 1, "", top_order::rate, 10);
  EXPECT_EQ(rows[0]["calls"], 4);
  EXPECT_EQ(rows[0]["errors"], 1);
}

TEST(gateway_figures, sort_by_what_was_asked_and_leave_out_the_rest) {
  auto all = read_metrics(metrics({{"a", 10, 0, 0}, {"b", 5, 5, 0}, {"c", 7, 0, 7}}));
  auto first = [&](top_order by) { return top_rows(all, 1, "", by, 1)[0]["operation"]; };
  EXPECT_EQ(first(top_order::rate), "a");
  EXPECT_EQ(first(top_order::p99), "b");
  EXPECT_EQ(first(top_order::errors), "c");
  EXPECT_EQ(first(top_order::name), "a");
  EXPECT_EQ(top_rows(all, 1, "", top_order::rate, 2).size(), 2u);
  EXPECT_EQ(top_rows(all, 1, "shop@test", top_order::rate, 9).size(), 3u);
  EXPECT_EQ(top_rows(all, 1, "shop", top_order::rate, 9).size(), 3u);
  EXPECT_EQ(top_rows(all, 1, "other", top_order::rate, 9).size(), 0u);
}

/// Nodes by address, each with what it says one time after the other.
struct gateway_top : testing::Test {
  struct node : caller {
    explicit node(std::vector<std::string>& x) : says{x} {}
    reply call(std::string_view, std::string_view, std::string_view) override {
      throw unreachable{"nobody asked for a signed call"};
    }
    reply plain(
        std::string_view, std::string_view target, const header_list&, std::string_view) override {
      if (target != "/metrics" || says.empty())
        return {404, ""};
      auto out = says.front();
      says.erase(says.begin());
      return {200, out};
    }
    std::vector<std::string>& says;
  };

  int run(std::vector<std::string> args) {
    out.str("");
    err.str("");
    auto around = surroundings{out, err,
        [](std::string_view name) {
          return name == "SHOAL_ADMIN" ? std::optional<std::string>{"http://a"} : std::nullopt;
        },
        [this](const settings& to) { return std::make_unique<node>(nodes[to.url]); },
        [this](std::chrono::milliseconds x) {
          waited.push_back(x.count());
          return true;
        },
        terminal};
    return run_command_line(std::move(args), around);
  }

  std::map<std::string, std::vector<std::string>> nodes;
  std::vector<long> waited;
  bool terminal = false;
  std::ostringstream out, err;
};

TEST_F(gateway_top, adds_up_all_nodes) {
  nodes["http://a"] = {metrics({{"x", 10, 0}}), metrics({{"x", 20, 0}})};
  nodes["http://b"] = {metrics({}), metrics({{"x", 5, 5}, {"y", 1, 0}})};
  ASSERT_EQ(
      run({"gateway", "top", "--admin", "http://a,http://b", "--every", "1000", "-o", "json"}), 0)
      << err.str();
  auto said = json::parse(out.str());
  EXPECT_EQ(said["nodes"], 2);
  EXPECT_EQ(said["apis"][0]["operation"], "x");
  EXPECT_EQ(said["apis"][0]["rate"], 20.0);
  EXPECT_EQ(said["apis"][1]["operation"], "y");
  EXPECT_EQ(waited, std::vector<long>{1000});
}

TEST_F(gateway_top, is_drawn_again_on_a_terminal_until_told_to_end) {
  terminal = true;
  nodes["http://a"] = {metrics({}), metrics({{"x", 1, 0}}), metrics({{"x", 3, 0}})};
  ASSERT_EQ(run({"gateway", "top", "--count", "2"}), 0) << err.str();
  EXPECT_EQ(waited.size(), 2u);
  auto text = out.str();
  EXPECT_NE(text.find("OPERATION"), text.npos);
  EXPECT_NE(text.find("\x1b[2J"), text.rfind("\x1b[2J")) << "once for each window";
  nodes["http://a"] = {metrics({}), metrics({{"x", 1, 0}})};
  ASSERT_EQ(run({"gateway", "top", "--once"}), 0) << err.str();
}

TEST_F(gateway_top, says_what_is_wrong) {
  EXPECT_EQ(run({"gateway", "top", "--sort", "beauty"}), 2);
  EXPECT_EQ(run({"gateway", "top", "--every", "10"}), 2);
  EXPECT_EQ(run({"gateway", "top", "--limit", "-1"}), 2);
  EXPECT_EQ(run({"gateway", "top", "--admin", "http://nobody"}), 3);
}

} // namespace
} // namespace shoal::ctl
