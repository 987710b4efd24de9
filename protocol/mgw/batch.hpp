// Several calls in one request: `POST /mgw/batch` read into calls, and their answers put together.
// README.md, "Several calls at once". Pure.
//
// A call keeps its own signature and its own answer: what is wrong with one says nothing about the
// others. Only what makes the request unreadable as a whole refuses the whole.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "protocol/mgw/request.hpp"

namespace shoal::mgw {

inline constexpr std::size_t max_batch_calls = 32;

struct batch_call {
  call what;                   ///< not to be carried out if there is a flaw
  std::optional<failure> flaw; ///< this call's own
};

/// Appends the calls in their order. On failure nothing of `into` may be carried out.
std::optional<failure> read_batch(
    const http::request& from, const call_limits& limits, std::vector<batch_call>& into);

/// Their answers, in the order of the calls, as they come.
class batch_answers {
public:
  /// Bytes of all results; a result that does not fit becomes backend_failed.
  static constexpr std::size_t max_bytes = std::size_t{8} << 20;

  explicit batch_answers(std::size_t calls) : texts_(calls), missing_{calls} {}

  /// True: that was the last one. Each index once.
  bool add(std::size_t index, answer x);

  /// `{"results":[…]}`; only after the last one.
  std::string body() const;

private:
  std::vector<std::string> texts_;
  std::size_t missing_, bytes_ = 0;
};

} // namespace shoal::mgw
