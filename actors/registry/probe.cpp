#include "actors/registry/probe.hpp"

#include "actors/registry/monotonic.hpp"

namespace shoal {

std::pair<std::uint64_t, std::shared_ptr<probes::board>> probes::start(std::size_t n) {
  auto x = std::make_shared<board>(n);
  std::lock_guard lock{mutex_};
  auto first = ++last_ * max_questions;
  boards_.emplace(last_, x);
  return {first, x};
}

void probes::finish(std::uint64_t first_ticket) {
  std::lock_guard lock{mutex_};
  boards_.erase(first_ticket / max_questions);
}

void probes::take(const probe_ticket& ticket, probe_answer& answer) {
  std::shared_ptr<board> to;
  {
    std::lock_guard lock{mutex_};
    auto i = boards_.find(ticket.number / max_questions);
    if (i == boards_.end())
      return; // too late
    to = i->second;
  }
  auto place = ticket.number % max_questions;
  std::lock_guard lock{to->mutex};
  if (place >= to->answers.size() || to->answers[place].answered)
    return;
  auto before = to->answers[place].ahead; // handled when it was asked
  answer.answered = true;
  answer.waited_us = (monotonic_ns() - to->asked_ns[place]) / 1000;
  answer.ahead = answer.ahead > before ? answer.ahead - before : 0;
  to->answers[place] = std::move(answer);
  if (--to->open == 0)
    to->all_there.notify_all();
}

caf::message probes::message_for(std::uint64_t ticket, detail_level level) {
  return caf::make_message(level == detail_level::full ? full_verb : brief_verb, ticket);
}

} // namespace shoal
