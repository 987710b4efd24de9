// A kept history must say what the run saw: who judges it later finds the same, or hears that it is
// not all there. That each broken promise is found again is in history_test.cpp.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "tests/faults/history.hpp"
#include "tests/faults/history_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::faults {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const auto random_payload = std::string("w1-7-\x00\xff\n\"", 9);

class kept_history : public testing::Test {
protected:
  kept_history() { run.tell(&file); }

  // One op with random bytes, from its writer to a device.
  void one_op() {
    run.expect_reader("s", "d1", sharing::each);
    run.attempted("s", "k1", random_payload);
    run.acknowledged("s", random_payload, 1);
    run.handed("s", "d1", 1, random_payload);
    run.stored("s", {1, "k1", random_payload});
    run.cursor("s", "d1", 1);
  }

  /// What was kept without the lines that have this text.
  std::string without(const std::string& text) const {
    auto in = std::istringstream{kept.str()};
    auto out = std::string{};
    for (auto line = std::string{}; std::getline(in, line);)
      if (line.find(text) == std::string::npos)
        out += line + "\n";
    return out;
  }

  static std::vector<std::string> violations(const std::string& text) {
    auto in = std::istringstream{text};
    auto again = history{};
    auto said = replay(in, again);
    EXPECT_EQ(said.trouble, "");
    return again.violations(said.ended);
  }

  std::stringstream kept;
  history_file file{kept};
  history run;
};

TEST_F(kept_history, says_the_same_as_the_run) {
  one_op();
  file.end();
  auto again = history{};
  auto said = replay(kept, again);
  EXPECT_EQ(said.events, 7u);
  EXPECT_TRUE(said.ended);
  EXPECT_THAT(again.violations(true), IsEmpty());
  EXPECT_EQ(again.count().acknowledged, 1u);
  EXPECT_EQ(again.count().handed, 1u);
  EXPECT_EQ(again.position_of("s", "d1"), 1u);
}

TEST_F(kept_history, convicts_a_server_that_lost_an_op) {
  one_op();
  file.end();
  EXPECT_THAT(
      violations(without("stored")), testing::Contains(HasSubstr("acknowledged op 1 is lost")));
}

TEST_F(kept_history, tells_payloads_apart_by_all_of_their_bytes) {
  one_op();
  auto other = random_payload;
  other.back() = 'x';
  run.handed("s", "d2", 1, other);
  file.end();
  EXPECT_THAT(violations(kept.str()), ElementsAre("s at d2: op 1 came with other bytes"));
}

TEST_F(kept_history, misses_nothing_that_an_unfinished_run_did_not_read) {
  one_op();
  EXPECT_THAT(violations(without("stored")), IsEmpty());
}

TEST_F(kept_history, forgives_a_last_line_without_its_end) {
  one_op();
  auto whole = kept.str();
  auto cut = std::istringstream{whole.substr(0, whole.size() - 5)};
  auto again = history{};
  auto said = replay(cut, again);
  EXPECT_EQ(said.trouble, "");
  EXPECT_EQ(said.events, 5u);
  EXPECT_FALSE(said.ended);
}

TEST_F(kept_history, names_the_line_that_is_no_event) {
  for (auto* nonsense : {"{}", "", "[]", "no json", R"({"event":"invented"})",
           R"({"event":"cursor","stream":"s","device":"d1","id":"one"})",
           R"({"event":"reader","stream":"s","device":"d1","sharing":"two"})"}) {
    auto text = std::istringstream{R"({"event":"broken","text":"x"})"
                                   "\n" +
                                   std::string{nonsense} + "\n"};
    auto again = history{};
    EXPECT_EQ(replay(text, again).trouble, "line 2 is no event") << nonsense;
  }
}

TEST_F(kept_history, keeps_what_the_run_saw_itself) {
  run.broken("said \xff");
  file.end();
  EXPECT_THAT(violations(kept.str()), ElementsAre(HasSubstr("said ")));
}

TEST_F(kept_history, is_judged_from_its_file) {
  one_op();
  file.end();
  auto folder = test::temp_dir{};
  auto path = (folder.path() / "history").string();
  auto verdict = [&](const std::string& text) {
    std::ofstream{path} << text;
    auto out = std::ostringstream{};
    auto code = judge(path, out);
    return std::to_string(code) + " " + out.str();
  };
  EXPECT_EQ(verdict(kept.str()),
      "0 7 events: 1 attempted, 1 acknowledged, 1 stored, 1 handed, 0 violations\n");
  EXPECT_THAT(verdict(without("stored")), HasSubstr("VIOLATION s: acknowledged op 1 is lost"));
  EXPECT_THAT(verdict(without("end")), HasSubstr("did not come to its end"));
  EXPECT_THAT(verdict(""), HasSubstr("holds no history"));
  EXPECT_THAT(verdict("nonsense\n"), testing::StartsWith("2 "));
}

} // namespace
} // namespace shoal::faults
