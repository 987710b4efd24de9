#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/config.hpp"

namespace shoal::cluster {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string problem_of(std::string_view text) {
  try {
    parse_config(text, "shoal.toml");
  } catch (const config_error& e) {
    return e.what();
  }
  return "(none)";
}

TEST(config, has_defaults_for_everything) {
  auto x = parse_config("", "shoal.toml");
  EXPECT_EQ(x, config{});
  EXPECT_EQ(x.listen.port, 8443);
  EXPECT_EQ(x.cluster.partitions, 64);
}

TEST(config, takes_what_is_given_and_keeps_the_rest) {
  auto x = parse_config(R"(
# a comment
[node]
name = "n7"
data_dir = '/var/lib/shoal'
[listen]
port = 0
io_loops = 4
[limits]
payload_max = 4_096
[log]
level = "debug"
)",
      "shoal.toml");
  auto expected = config{};
  expected.node = {"n7", "/var/lib/shoal"};
  expected.listen.port = 0;
  expected.listen.io_loops = 4;
  expected.limits.payload_max = 4096;
  expected.log.level = "debug";
  EXPECT_EQ(x, expected);
}

TEST(config, prints_what_it_can_read_again) {
  EXPECT_EQ(parse_config(dump(config{}), "dump"), config{});
  auto x = config{};
  x.node.name = "a \"quoted\" \\ name\n\x01 and ü";
  x.listen.certificate = "c.pem";
  x.listen.key = "k.pem";
  x.listen.max_connections = 1'000'000;
  x.listen.web_origins = {"https://shop.example.com", "http://localhost:8080"};
  x.limits.heartbeat_max_s = 86'400;
  x.log.format = "json";
  EXPECT_EQ(parse_config(dump(x), "dump"), x);
}

TEST(config, prints_meaning_bounds_unit_and_default) {
  auto x = config{};
  x.limits.ack_timeout_s = 77;
  EXPECT_THAT(dump(x), AllOf(HasSubstr("[limits]\n"), HasSubstr("\nack_timeout_s = 77\n"),
                           HasSubstr("# a whole number from 1 to 3600 (seconds); default 30\n"),
                           HasSubstr("one of \"kv\" \"json\"; default \"kv\"")));
}

TEST(config, names_file_line_option_and_what_was_expected) {
  EXPECT_EQ(problem_of("[node]\nname = \"n1\"\n\n[listen]\n  port = 70000\n"),
      "shoal.toml: line 5: [listen] port must be a whole number from 0 to 65535");
  EXPECT_EQ(problem_of("[limits]\nack_timeout_s = 0"),
      "shoal.toml: line 2: [limits] ack_timeout_s must be a whole number from 1 to 3600 (seconds)");
}

TEST(config, refuses_values_of_the_wrong_kind) {
  for (auto text : {"[listen]\nport = \"8443\"", "[listen]\nport = -1", "[listen]\nport = 1.5",
           "[listen]\nport = true", "[listen]\nport = [1]", "[listen.port]", "[[listen.port]]",
           "[listen]\nport = 2020-01-01", "[listen]\nport = {}"})
    EXPECT_THAT(problem_of(text), HasSubstr("port must be a whole number")) << text;
  for (auto text : {"[node]\nname = 1", "[node]\nname = \"\"", "[node]\nname = \"a\\u0000b\""})
    EXPECT_THAT(problem_of(text), HasSubstr("name must be a text in quotes, not empty")) << text;
  EXPECT_THAT(problem_of("[log]\nlevel = \"loud\""),
      HasSubstr("level must be one of \"trace\" \"debug\" \"info\" \"warn\" \"error\" \"off\""));
}

TEST(config, suggests_the_nearest_name) {
  EXPECT_EQ(problem_of("[listen]\nprot = 1"),
      "shoal.toml: line 2: unknown option 'prot' in [listen], did you mean port?");
  EXPECT_EQ(problem_of("\n[limit]\n"),
      "shoal.toml: line 2: unknown section [limit], did you mean [limits]?");
  EXPECT_EQ(problem_of("[node]\nport = 1"),
      "shoal.toml: line 2: unknown option 'port' in [node], did you mean port in [listen]?");
  EXPECT_THAT(problem_of("[node]\nsomething_else_entirely = 1"), Not(HasSubstr("did you mean")));
  auto huge = std::string(100'000, 'x');
  EXPECT_THAT(problem_of("[node]\n" + huge + " = 1"), HasSubstr("unknown option"));
}

TEST(config, refuses_options_outside_of_a_section) {
  EXPECT_EQ(problem_of("port = 1"),
      "shoal.toml: line 1: 'port' is outside of any section, did you mean port in [listen]?");
  EXPECT_THAT(problem_of("listen = 1"), HasSubstr("[listen] must be a section"));
  EXPECT_THAT(problem_of("[[listen]]\nport = 1"), HasSubstr("[listen] must be a section"));
}

TEST(config, refuses_options_that_do_not_go_together) {
  EXPECT_THAT(problem_of("[limits]\nheartbeat_min_s = 100"), HasSubstr("in this order"));
  EXPECT_THAT(problem_of("[limits]\nheartbeat_max_s = 59"), HasSubstr("in this order"));
  EXPECT_THAT(problem_of("[listen]\nkey = \"k.pem\""), HasSubstr("given together"));
  EXPECT_THAT(problem_of("[listen]\ncertificate = \"c.pem\""), HasSubstr("given together"));
}

TEST(config, refuses_what_is_not_toml) {
  for (auto text : {"[", "[node", "name", "name =", "= 1", "[node]\nname = \"", "[node]\nname = '",
           "[node]\n[node]", "[node]\nname = \"a\"\nname = \"b\"", "[node]\nname = \"\\u12\"", "[]",
           "[a..b]", "x = {", "x = [1", "x = \"\"\"", "\xff\xfe",
           "[listen]\nport = 99999999999999999999"})
    EXPECT_THAT(problem_of(text), HasSubstr("shoal.toml: ")) << text;
}

TEST(config, counts_no_brackets_of_node_headers) {
  auto text = std::string{"[cluster]\nmeta = \"etcd\"\n[etcd]\nendpoints = [\"http://e:1\"]\n"
                          "[link]\nca = \"a\"\ncertificate = \"c\"\nkey = \"k\"\n"};
  for (auto i = 0; i < 1001; ++i) {
    if (i == 1000) {
      EXPECT_EQ(parse_config(text, "shoal.toml").nodes.size(), 1000u);
    }
    text += "[[nodes]]\nname = \"n" + std::to_string(i) + "\"\naddress = \"h:1\"\nlink = \"h" +
            std::to_string(i) + ":2\"\nadmin = \"h:3\"\n";
  }
  EXPECT_THAT(problem_of(text), HasSubstr("more than 1000 [[nodes]]"));
  auto nested = std::string{"x = [\n"};
  for (auto i = 0; i < 100'000; ++i)
    nested += "[[nodes]]\n";
  EXPECT_THAT(problem_of(nested), HasSubstr("not TOML"));
}

TEST(config, refuses_files_that_are_too_big_or_too_deep) {
  EXPECT_THAT(problem_of(std::string((1u << 20) + 1, '#')), HasSubstr("larger than 1 MiB"));
  EXPECT_THAT(problem_of("x = " + std::string(100'000, '[')), HasSubstr("more brackets"));
  EXPECT_THAT(problem_of("x = " + std::string(100'000, '{')), HasSubstr("more brackets"));
  auto disguised = std::string{"x = "};
  for (auto i = 0; i < 100'000; ++i)
    disguised += "[\"]\",";
  EXPECT_THAT(problem_of(disguised), HasSubstr("more brackets"));
  EXPECT_THAT(problem_of("x = " + std::string(500, '[')), HasSubstr("not TOML"));
}

TEST(config, of_mutated_text_never_crashes) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto whole = dump(config{}) + "x = [[1, 2], {a = \"b\", c = 1979-05-27T07:32:00Z}]\n";
  constexpr auto alphabet = std::string_view{"[]{}=\"'\\.,#\n -_019aeuUTZ:+\0\xff", 29};
  auto accepted = 0;
  for (auto round = 0; round < 4000; ++round) {
    // A window keeps the interesting places dense.
    auto begin = random() % whole.size();
    auto text = "[listen]\n" + whole.substr(begin, random() % 200);
    for (auto changes = random() % 6; changes > 0; --changes) {
      auto at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = alphabet[random() % alphabet.size()];
      else
        text.insert(at, 1, alphabet[random() % alphabet.size()]);
    }
    accepted += problem_of(text) == "(none)";
  }
  EXPECT_LT(accepted, 4000);
}

TEST(config, of_a_file_that_cannot_be_read_says_so) {
  EXPECT_THROW(load_config("/nowhere/shoal.toml"), config_error);
  EXPECT_THROW(load_config("/"), config_error);
  auto path = ::testing::TempDir() + "shoal-config-test.toml";
  std::ofstream{path} << "[node]\nname = \"from-file\"\n";
  EXPECT_EQ(load_config(path).node.name, "from-file");
  std::remove(path.c_str());
}

} // namespace
} // namespace shoal::cluster
