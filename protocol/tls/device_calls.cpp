#include "protocol/tls/device_calls.hpp"

#include <algorithm>

namespace shoal::tls {

device_calls::device_calls(alarm_clock& clock, std::function<void(std::uint64_t)> late)
    : clock_{clock}, late_{std::move(late)} {}

device_calls::outcome device_calls::begin(
    std::uint64_t id, std::chrono::milliseconds deadline, std::uint32_t& ticket) {
  if (std::ranges::any_of(entries_, [id](auto& x) { return x->wanted && x->id == id; }))
    return outcome::known;
  if (entries_.size() >= most)
    return outcome::too_many;
  auto& made = *entries_.emplace_back(std::make_unique<entry>());
  made.owner = this;
  made.id = id;
  made.ticket = ticket = ++newest_;
  if (deadline.count() > 0)
    clock_.set(made, deadline);
  return outcome::begun;
}

void device_calls::cancel(std::uint64_t id) {
  auto found = std::ranges::find_if(entries_, [id](auto& x) { return x->wanted && x->id == id; });
  if (found == entries_.end())
    return;
  clock_.cancel(**found);
  give_up(**found);
}

/// What it calls may finish the call, and so destroy the entry.
void device_calls::give_up(entry& x) {
  x.wanted = false;
  if (auto then = std::exchange(x.given_up, nullptr))
    then();
}

void device_calls::when_given_up(std::uint32_t ticket, std::function<void()> then) {
  auto found = std::ranges::find_if(entries_, [ticket](auto& x) { return x->ticket == ticket; });
  if (found == entries_.end() || !(*found)->wanted)
    return then();
  (*found)->given_up = std::move(then);
}

void device_calls::give_all_up() {
  auto all = std::vector<std::function<void()>>{};
  for (auto& x : entries_) {
    x->wanted = false;
    clock_.cancel(*x);
    if (x->given_up)
      all.push_back(std::exchange(x->given_up, nullptr));
  }
  for (auto& then : all)
    then();
}

std::optional<std::uint64_t> device_calls::finish(std::uint32_t ticket) {
  auto found = std::ranges::find_if(entries_, [ticket](auto& x) { return x->ticket == ticket; });
  if (found == entries_.end())
    return {};
  auto out = (*found)->wanted ? std::optional{(*found)->id} : std::nullopt;
  std::swap(*found, entries_.back());
  entries_.pop_back();
  return out;
}

void device_calls::entry::on_alarm() {
  if (!wanted)
    return;
  auto whose = owner;
  auto late = id;
  give_up(*this); // may destroy this
  whose->late_(late);
}

} // namespace shoal::tls
