// One call made of several: which steps of an aggregate may start, what they are asked, and the
// answer put together from what they said. Pure: the flow that owns it makes the calls.
//
// Templates are JSON. A text that is nothing but "${name}" or "${name.path}" is replaced by that
// value: of "request" (the call's body) or of a step. A path is member names and array indices with
// dots between them; what is not there is null. There is nothing else to it: no expressions.
// A step starts when the steps in its `after`, and those that its request refers to, are over.
//
// Bounded: each answer and the whole by `max_bytes`, nesting by that of JSON texts, steps and their
// order by the definition (problem_of). Each step is asked once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

/// Names of the steps (or "request") that a template refers to, as often as it does.
std::vector<std::string> references_of(const json_text& in);

class aggregation {
public:
  static constexpr std::size_t max_bytes = 1024 * 1024;

  struct question {
    std::size_t step;
    std::string data; ///< its requestData
  };

  /// `api` must stay. `body` is one JSON value or nothing.
  aggregation(const api_definition& api, std::string_view body);

  /// Steps that may start now, in their order. Each is given once.
  std::vector<question> ready();

  /// What a step said. A failure that is not optional ends the whole.
  void on_answer(std::size_t step, answer&& x);

  /// The answer, when there is one: all steps are over, or one failed that must not.
  std::optional<answer> result() const;

private:
  struct state {
    bool asked = false, over = false;
    nlohmann::json said;
  };

  const nlohmann::json* find(std::string_view reference) const;
  bool write(const nlohmann::json& of, std::string& out) const;
  bool may_start(std::size_t step) const;
  bool is_over(std::string_view name) const;

  const api_definition& api_;
  nlohmann::json request_;
  std::vector<state> steps_;
  std::optional<answer> failed_;
};

} // namespace shoal::gateway
