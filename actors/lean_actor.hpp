// For actors of which there are very many: all instances of a kind share one behavior.
//
// CAF allocates a behavior per actor, because handlers usually capture `self`. Handlers of a lean
// actor capture nothing and ask `running()` for the state of the actor that is handling a message
// on this thread. So a device or a stream costs half a kilobyte less, and one allocation less when
// it is spawned.
//
//   device_actor::behavior_type device(device_pointer self, device_options options) {
//     …
//     static const device_actor::behavior_type shared{
//         [](atom::lost) { device_pointer::running().lost(); }, …};
//     return shared;
//   }
//
// Only handlers of such a behavior may use `running()`: everything else (response handlers, down
// handlers) captures what it needs as usual.
#pragma once

#include <caf/all.hpp>

namespace shoal {

template <class Handle, class State>
class lean_actor : public caf::stateful_actor<State, typename Handle::base> {
public:
  using super = caf::stateful_actor<State, typename Handle::base>;

  explicit lean_actor(caf::actor_config& cfg) : super(cfg) {}

  typename super::resume_result resume(caf::execution_unit* where, std::size_t most) override {
    struct scope {
      explicit scope(lean_actor* now) : before{running_} { running_ = now; }
      ~scope() { running_ = before; }
      scope(const scope&) = delete;
      scope& operator=(const scope&) = delete;
      lean_actor* before; // the deterministic scheduler may resume one actor inside another
    } running{this};
    return super::resume(where, most);
  }

  /// The actor whose handler this thread is in.
  static lean_actor& running() { return *running_; }

private:
  static inline thread_local lean_actor* running_ = nullptr;
};

} // namespace shoal
