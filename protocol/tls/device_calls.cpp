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
  (*found)->wanted = false;
  clock_.cancel(**found);
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
  if (std::exchange(wanted, false))
    owner->late_(id);
}

} // namespace shoal::tls
