// The judge of the gateway's clients must be able to fail, and must not be too kind either.
#include <deque>

#include <gtest/gtest.h>

#include "tests/faults/gateway_caller.hpp"

namespace shoal::faults {
namespace {

using answer = gateway_wire::answer;

struct scripted_wire : gateway_wire {
  scripted_wire(std::initializer_list<answer> x) : says{x} {}

  answer call(const std::string&) override {
    ++calls;
    if (says.empty())
      return {};
    auto out = says.front();
    says.pop_front();
    return out;
  }

  std::deque<answer> says;
  int calls = 0;
};

const auto body = std::string{R"({"n":"a-1"})"};

TEST(gateway_caller, is_content_with_the_first_answer_that_is_its_own) {
  auto first = scripted_wire{answer{1000, body}}, second = scripted_wire{answer{1000, body}};
  auto fate = call_politely(first, second, body);
  EXPECT_EQ(fate.error, "");
  EXPECT_FALSE(fate.repeated);
  EXPECT_EQ(second.calls, 0);
}

TEST(gateway_caller, asks_another_node_once_when_no_answer_came) {
  auto first = scripted_wire{}, second = scripted_wire{answer{1000, body}};
  auto fate = call_politely(first, second, body);
  EXPECT_EQ(fate.error, "");
  EXPECT_TRUE(fate.repeated);
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(second.calls, 1);
}

TEST(gateway_caller, sees_an_error_when_the_second_node_gives_no_answer_either) {
  auto first = scripted_wire{}, second = scripted_wire{answer{}, answer{1000, body}};
  EXPECT_NE(call_politely(first, second, body).error, "");
  EXPECT_EQ(second.calls, 1);
}

TEST(gateway_caller, does_not_ask_again_for_an_answer_that_is_an_error) {
  for (auto code : {503u, 1002u, 3000u, 4002u}) {
    auto first = scripted_wire{answer{code, ""}}, second = scripted_wire{answer{1000, body}};
    EXPECT_NE(call_politely(first, second, body).error, "") << code;
    EXPECT_EQ(second.calls, 0) << code;
  }
}

TEST(gateway_caller, sees_an_error_in_the_answer_to_another_call) {
  auto first = scripted_wire{answer{1000, R"({"n":"a-2"})"}}, second = scripted_wire{};
  EXPECT_NE(call_politely(first, second, body).error, "");
}

} // namespace
} // namespace shoal::faults
