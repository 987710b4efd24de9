// Housekeeping happens when nobody writes, once.
#include <gtest/gtest.h>

#include "storage/quiet_watch.hpp"

namespace shoal::storage {
namespace {

using namespace std::chrono_literals;

/// Counts actions; waits are bounded.
class counted {
public:
  void happened() {
    {
      auto guard = std::lock_guard{mutex_};
      ++times_;
    }
    changed_.notify_all();
  }
  bool wait_for(int times, std::chrono::milliseconds most = 20s) {
    auto guard = std::unique_lock{mutex_};
    return changed_.wait_for(guard, most, [&] { return times_ >= times; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int times_ = 0;
};

TEST(quiet_watch, acts_once_after_each_time_of_writing) {
  auto actions = counted{};
  auto watch = quiet_watch{5ms, 1, [&] { actions.happened(); }};
  EXPECT_FALSE(actions.wait_for(1, 50ms)) << "nothing was written";
  watch.wrote();
  watch.wrote();
  EXPECT_TRUE(actions.wait_for(1));
  EXPECT_FALSE(actions.wait_for(2, 50ms)) << "nothing was written since";
  watch.wrote();
  EXPECT_TRUE(actions.wait_for(2));
}

TEST(quiet_watch, acts_again_in_a_long_silence_but_not_for_ever) {
  auto actions = counted{};
  auto watch = quiet_watch{1ms, 3, [&] { actions.happened(); }};
  watch.wrote();
  EXPECT_TRUE(actions.wait_for(3));
  EXPECT_FALSE(actions.wait_for(4, 50ms));
}

TEST(quiet_watch, leaves_writers_alone_while_they_write) {
  auto actions = counted{};
  auto watch = quiet_watch{1h, 1, [&] { actions.happened(); }};
  for (auto i = 0; i < 1000; ++i)
    watch.wrote();
  EXPECT_FALSE(actions.wait_for(1, 50ms));
} // ends without waiting for the hour

TEST(quiet_watch, acts_again_for_what_is_written_while_it_acts) {
  auto actions = counted{};
  quiet_watch* self = nullptr;
  auto first = std::atomic<bool>{true};
  auto watch = quiet_watch{5ms, 1, [&] {
                             if (first.exchange(false))
                               self->wrote();
                             actions.happened();
                           }};
  self = &watch;
  watch.wrote();
  EXPECT_TRUE(actions.wait_for(2));
}

} // namespace
} // namespace shoal::storage
