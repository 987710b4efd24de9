// CAF's clock for delayed messages and timeouts of requests, with a thread that sleeps as long as
// it can.
//
// CAF's own hands every new timeout to its thread, which wakes for each. Here who sets a timeout
// puts it into the schedule itself, under a lock, and the thread is woken only if it would sleep
// too long. Nearly all timeouts are later than the next one that is due anyway (ticks of devices
// and streams, bounds of requests that are answered in time), so it hardly ever is.
//
// Owned by the scheduler. Messages are shipped outside the lock, up to `grain` late. A timeout that
// is cancelled while it is being shipped arrives; CAF's actors ignore those by their numbers.
#pragma once

#include <condition_variable>
#include <mutex>

#include <caf/detail/simple_actor_clock.hpp>

namespace shoal {

class locked_clock : public caf::detail::simple_actor_clock {
public:
  using super = caf::detail::simple_actor_clock;

  /// The thread wakes at most this often.
  static constexpr auto grain = std::chrono::milliseconds{2};

  void set_ordinary_timeout(
      time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_multi_timeout(
      time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(
      time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) override;
  void schedule_message(
      time_point t, caf::group target, caf::strong_actor_ptr sender, caf::message content) override;
  void cancel_all() override;

  /// Ships what is due until `stop`, and forgets the rest then. For one thread.
  void run();
  void stop();

  /// How often the thread was told to look again.
  std::size_t wake_ups() const;

private:
  template <class Change>
  void locked(Change change);
  std::vector<unique_delayed_event_ptr> take_due(time_point now);

  mutable std::mutex mutex_; ///< guards the schedule, too
  std::condition_variable changed_;
  time_point sleeps_until_ = time_point::min(); ///< the thread is awake: nobody has to wake it
  std::size_t wake_ups_ = 0;
  bool stopping_ = false;
};

} // namespace shoal
