// Deadlines of many connections for the price of three words each. One per I/O loop; not
// thread-safe.
//
//   slot 0   1   2  ...  511        an entry sits in slot (due mod 512), in a ring through its
//   slot;
//        |       |                  entries due in a later turn stay where they are when the hand
//        passes e - e   e
//
// Scheduling and cancelling are O(1); `advance` visits the slots that the hand passes. Time is
// counted in ticks by the caller, so tests need no clock. Entries are linked, not owned: whoever
// owns one cancels it (or destroys it) first.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace shoal::tls {

class timing_wheel {
public:
  class entry {
  public:
    entry() = default;
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;
    ~entry() { unlink(); }

    bool scheduled() const { return next_ != nullptr; }
    std::uint64_t due() const { return due_; }

  private:
    friend class timing_wheel;

    void link_before(entry& other) {
      prev_ = other.prev_;
      next_ = &other;
      prev_->next_ = this;
      other.prev_ = this;
    }

    void unlink() {
      if (!next_)
        return;
      prev_->next_ = next_;
      next_->prev_ = prev_;
      prev_ = next_ = nullptr;
    }

    entry* prev_ = nullptr;
    entry* next_ = nullptr;
    std::uint64_t due_ = 0;
  };

  timing_wheel() {
    for (auto& slot : slots_)
      slot.prev_ = slot.next_ = &slot;
  }

  std::uint64_t now() const { return now_; }

  /// Nothing is scheduled. Looks at every slot: for a clock that wonders whether to go on ticking.
  bool empty() const {
    return std::ranges::all_of(slots_, [](auto& slot) { return slot.next_ == &slot; });
  }

  /// (Re)schedules. What is due now or earlier expires with the next tick.
  void schedule(entry& x, std::uint64_t due) {
    x.unlink();
    x.due_ = std::max(due, now_ + 1);
    x.link_before(slots_[x.due_ % slot_count]);
  }

  void cancel(entry& x) { x.unlink(); }

  /// Moves the hand to `now` and calls `expired(entry&)` for everything due by then. `expired` may
  /// schedule, cancel and destroy any entry.
  template <class F>
  void advance(std::uint64_t now, F&& expired) {
    auto first = now_ + 1;
    auto last = std::min(now, now_ + slot_count);
    now_ = std::max(now, now_);
    for (auto tick = first; tick <= last; ++tick)
      turn_over(slots_[tick % slot_count], expired);
  }

private:
  static constexpr std::size_t slot_count = 512;

  template <class F>
  void turn_over(entry& slot, F& expired) {
    if (slot.next_ == &slot)
      return;
    // Everything moves to a ring of its own first: what `expired` schedules into this slot must
    // wait a whole turn.
    auto ring = entry{};
    ring.prev_ = slot.prev_;
    ring.next_ = slot.next_;
    ring.prev_->next_ = ring.next_->prev_ = &ring;
    slot.prev_ = slot.next_ = &slot;
    while (ring.next_ != &ring) {
      auto& x = *ring.next_;
      x.unlink();
      if (x.due_ <= now_)
        expired(x);
      else
        x.link_before(slot);
    }
    ring.prev_ = ring.next_ = nullptr;
  }

  std::array<entry, slot_count> slots_;
  std::uint64_t now_ = 0;
};

} // namespace shoal::tls
