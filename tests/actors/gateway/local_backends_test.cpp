// The directory of backends that are actors, and the way back of a call.
#include "actors/gateway/local_backends.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal::gateway {
namespace {

using handed = local_backend::outcome;
using kept_calls = std::shared_ptr<std::vector<local_call>>;

struct local_backends_test : testing_support::actor_test {
  /// An actor that keeps its calls until the test has decided what to say.
  local_backend_actor keeper() {
    auto fun = [to = calls](local_backend_actor::pointer) -> local_backend_actor::behavior_type {
      return {[to](atom::call, const local_call& x) { to->push_back(x); }};
    };
    return keep(sys.spawn(fun));
  }

  void end(const local_backend_actor& x) {
    caf::anon_send_exit(x, caf::exit_reason::kill);
    sched.run();
  }

  handed call(const std::string& name) {
    auto x = names.find(name)->call(std::make_shared<const local_request>(),
        [this](local_answer&& said) { answers.push_back(std::move(said)); });
    sched.run();
    return x;
  }

  void TearDown() override {
    names.clear();
    calls->clear();
    actor_test::TearDown();
  }

  local_backends names;
  std::vector<local_answer> answers;
  kept_calls calls = std::make_shared<std::vector<local_call>>();
};

TEST_F(local_backends_test, finds_an_actor_by_its_name) {
  EXPECT_EQ(names.add("greeter", keeper()), "");
  EXPECT_EQ(names.find("other"), nullptr);
  EXPECT_EQ(call("greeter"), handed::handed_over);
  ASSERT_EQ(calls->size(), 1u);
  auto said = local_answer{};
  said.body = "\"hello\"";
  calls->front().answer(said);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].body, "\"hello\"");
}

TEST_F(local_backends_test, refuses_a_name_that_is_taken_or_none) {
  EXPECT_EQ(names.add("greeter", keeper()), "");
  EXPECT_EQ(names.add("greeter", keeper()), "the name greeter is taken");
  EXPECT_NE(names.add("two words", keeper()), "");
  EXPECT_NE(names.add("", keeper()), "");
  EXPECT_NE(names.add("nobody", local_backend_actor{}), "");
  EXPECT_EQ(names.list().size(), 1u);
}

TEST_F(local_backends_test, gives_the_name_of_a_dead_actor_to_the_next) {
  auto first = keeper();
  EXPECT_EQ(names.add("greeter", first), "");
  end(first);
  EXPECT_EQ(call("greeter"), handed::dead);
  EXPECT_TRUE(answers.empty()) << "who is refused at once hears it from the outcome alone";
  EXPECT_EQ(names.add("greeter", keeper()), "");
  EXPECT_EQ(call("greeter"), handed::handed_over);
}

TEST_F(local_backends_test, has_room_for_so_many_and_no_more) {
  auto same = keeper();
  for (auto i = std::size_t{0}; i < local_backends::max_backends; ++i)
    ASSERT_EQ(names.add("b" + std::to_string(i), same), "");
  EXPECT_NE(names.add("one-more", same), "");
  names.remove("b7");
  EXPECT_EQ(names.add("one-more", same), "");
}

TEST_F(local_backends_test, bounds_the_calls_under_way_until_they_are_answered) {
  EXPECT_EQ(names.add("greeter", keeper(), 2), "");
  EXPECT_EQ(call("greeter"), handed::handed_over);
  EXPECT_EQ(call("greeter"), handed::handed_over);
  EXPECT_EQ(call("greeter"), handed::too_many);
  EXPECT_EQ(names.find("greeter")->under_way(), 2u);
  calls->front().answer({});
  EXPECT_EQ(call("greeter"), handed::handed_over);
  EXPECT_EQ(call("greeter"), handed::too_many);
}

TEST_F(local_backends_test, takes_the_first_answer_only) {
  EXPECT_EQ(names.add("greeter", keeper()), "");
  call("greeter");
  calls->front().answer({});
  calls->front().answer(local_failure(mgw::result::backend_failed, ""));
  calls->clear();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, mgw::result::success);
  EXPECT_EQ(names.find("greeter")->under_way(), 0u);
}

TEST_F(local_backends_test, fails_a_call_that_nobody_can_answer_any_more) {
  EXPECT_EQ(names.add("greeter", keeper()), "");
  call("greeter");
  auto copy = calls->front();
  calls->clear();
  EXPECT_TRUE(answers.empty()) << "the copy can";
  copy = {};
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, mgw::result::backend_failed);
  EXPECT_EQ(names.find("greeter")->under_way(), 0u);
}

TEST_F(local_backends_test, fails_the_calls_in_the_mailbox_of_an_actor_that_ends) {
  auto actor = keeper();
  EXPECT_EQ(names.add("greeter", actor), "");
  caf::anon_send_exit(actor, caf::exit_reason::kill); // it has not run since
  names.find("greeter")->call(std::make_shared<const local_request>(),
      [this](local_answer&& said) { answers.push_back(std::move(said)); });
  sched.run();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, mgw::result::backend_failed);
  EXPECT_TRUE(calls->empty());
}

} // namespace
} // namespace shoal::gateway
