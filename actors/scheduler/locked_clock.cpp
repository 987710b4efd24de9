#include "actors/scheduler/locked_clock.hpp"

#include <utility>
#include <vector>

namespace shoal {

template <class Change>
void locked_clock::locked(Change change) {
  auto wake = false;
  {
    auto guard = std::lock_guard{mutex_};
    if (stopping_)
      return; // nothing will be shipped any more, and nothing may be held for it
    change();
    // `grain` is what everybody may be late.
    wake = !schedule_.empty() && schedule_.begin()->first + grain < sleeps_until_;
    if (wake) {
      sleeps_until_ = time_point::min();
      ++wake_ups_;
    }
  }
  if (wake)
    changed_.notify_one();
}

void locked_clock::set_ordinary_timeout(
    time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) {
  locked([&] { super::set_ordinary_timeout(t, self, type, id); });
}

void locked_clock::set_multi_timeout(
    time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) {
  locked([&] { super::set_multi_timeout(t, self, type, id); });
}

void locked_clock::set_request_timeout(
    time_point t, caf::abstract_actor* self, caf::message_id id) {
  locked([&] { super::set_request_timeout(t, self, id); });
}

void locked_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  locked([&] { super::cancel_ordinary_timeout(self, type); });
}

void locked_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  locked([&] { super::cancel_request_timeout(self, id); });
}

void locked_clock::cancel_timeouts(caf::abstract_actor* self) {
  locked([&] { super::cancel_timeouts(self); });
}

void locked_clock::schedule_message(
    time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) {
  locked([&] { super::schedule_message(t, std::move(receiver), std::move(content)); });
}

void locked_clock::schedule_message(
    time_point t, caf::group target, caf::strong_actor_ptr sender, caf::message content) {
  locked([&] {
    super::schedule_message(t, std::move(target), std::move(sender), std::move(content));
  });
}

void locked_clock::cancel_all() {
  locked([&] { super::cancel_all(); });
}

std::vector<locked_clock::unique_delayed_event_ptr> locked_clock::take_due(time_point now) {
  auto out = std::vector<unique_delayed_event_ptr>{};
  for (auto i = schedule_.begin(); i != schedule_.end() && i->first <= now;
       i = schedule_.erase(i)) {
    if (i->second->backlink != actor_lookup_.end())
      actor_lookup_.erase(i->second->backlink);
    out.push_back(std::move(i->second));
  }
  return out;
}

void locked_clock::run() {
  auto guard = std::unique_lock{mutex_};
  while (!stopping_) {
    if (auto due = take_due(now()); !due.empty()) {
      guard.unlock();
      for (auto& x : due)
        ship(*x);
      due.clear(); // may end actors, which cancel their timeouts
      guard.lock();
      continue;
    }
    sleeps_until_ = schedule_.empty() ? time_point::max() : schedule_.begin()->first + grain;
    if (schedule_.empty())
      changed_.wait(guard);
    else
      changed_.wait_until(guard, sleeps_until_);
    sleeps_until_ = time_point::min();
  }
  // Messages hold their receivers, and a detached actor keeps its thread, for which the system
  // waits, as long as somebody holds it.
  auto never_shipped = take_due(time_point::max());
  guard.unlock();
  never_shipped.clear();
}

void locked_clock::stop() {
  {
    auto guard = std::lock_guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
}

std::size_t locked_clock::wake_ups() const {
  auto guard = std::lock_guard{mutex_};
  return wake_ups_;
}

} // namespace shoal
