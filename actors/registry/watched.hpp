// How actors are spawned so that they have a seat: `spawn_watched` instead of `system.spawn`,
// `spawn_child` instead of `self->spawn`. The actor's own code does not change.
//
// The implementation class of an actor is wrapped: per message its seat is told, a probe (see
// registry.hpp) is answered before the behavior sees it, messages that nobody will read are
// counted. A state that has `std::string describe() const` (JSON) is asked for it by probes, in its
// own thread; one that has `std::size_t memory() const` tells how much it holds.
#pragma once

#include <type_traits>
#include <utility>

#include <caf/all.hpp>

#include "actors/registry/handover.hpp"
#include "actors/registry/registry.hpp"
#include "actors/registry/seat.hpp"

namespace shoal {

template <class Impl>
concept describes_itself =
    std::is_same_v<decltype(std::declval<Impl&>().state.describe()), std::string>;
template <class Impl>
concept tells_status = std::is_same_v<decltype(std::declval<Impl&>().state.status()), std::string>;
template <class Impl>
concept tells_memory = std::is_same_v<decltype(std::declval<Impl&>().state.memory()), std::size_t>;

template <class Impl>
class watched final : public Impl, public seat {
public:
  watched(caf::actor_config& cfg, actor_registry* in, seat_facts facts)
      : Impl(cfg), seat(in, facts) {
    set_bytes(sizeof(*this));
    enter(facts.kind); // last: from here on others read it, and call `actor`
  }

  ~watched() override {
    take_over(this);
    leave({}); // one that was never run has not been cleaned up
  }

  caf::scheduled_actor& actor() override { return *this; }

  using Impl::enqueue;

  void enqueue(caf::mailbox_element_ptr x, caf::execution_unit* eu) override {
    if (auto* in = registry(); in != nullptr) {
      if (this->mailbox().closed()) [[unlikely]]
        in->undelivered(*x, kind(), "receiver had ended");
      else if (in->traced()) [[unlikely]]
        in->trace().queued(*x, *this);
    }
    hand_over(x.get());
    Impl::enqueue(std::move(x), eu);
  }

  using Impl::consume;

  caf::invoke_message_result consume(caf::mailbox_element& x) override {
    take_over(&x);
    take_over(this);
    auto out = consume_taken(x);
    hand_over(this);
    return out;
  }

  bool cleanup(caf::error&& why, caf::execution_unit* host) override {
    take_over(this);
    count_unread();
    leave(why);
    auto out = Impl::cleanup(std::move(why), host);
    hand_over(this);
    return out;
  }

private:
  caf::invoke_message_result consume_taken(caf::mailbox_element& x) {
    turn lines_name{*this};
    if (auto ticket = actor_registry::probe_of(x.content())) [[unlikely]] {
      answer(*ticket);
      return caf::invoke_message_result::consumed;
    }
    auto began = begin(x);
    auto out = Impl::consume(x);
    end(x, began);
    return out;
  }

  void count_unread() {
    if (auto* in = registry(); in != nullptr && !this->mailbox().closed()) {
      if (!this->mailbox().blocked())
        this->mailbox().fetch_more();
      auto drop = [&](const caf::mailbox_element& x) {
        if (!actor_registry::probe_of(x.content()))
          in->undelivered(x, kind(), "receiver ended");
      };
      this->get_urgent_queue().peek_all(drop);
      this->get_normal_queue().peek_all(drop);
    }
  }

  void answer(const probe_ticket& ticket) {
    if (registry() == nullptr)
      return;
    probe_answer out;
    out.ahead = handled();
    out.behind = this->mailbox().size();
    out.pending = this->multiplexed_responses_.size();
    for (auto i = this->awaited_responses_.begin(); i != this->awaited_responses_.end(); ++i)
      ++out.awaited;
    out.bytes = sizeof(*this);
    if constexpr (tells_memory<Impl>)
      out.bytes += this->state.memory();
    set_bytes(out.bytes);
    if (ticket.full)
      out.state = description();
    registry()->answered(ticket, std::move(out));
  }

  std::string description() {
    if constexpr (describes_itself<Impl>)
      return this->state.describe();
    else if constexpr (tells_status<Impl>)
      return this->state.status();
    else
      return {};
  }
};

/// What is known of an actor that the node's root supervisor watches.
inline seat_facts below_root(
    const actor_registry* in, std::string label, const char* kind = nullptr) {
  return {std::move(label), in == nullptr ? 0 : in->root(), kind};
}

/// Spawns an actor with a seat. `in` may be null: then it has none, and costs what it did.
template <caf::spawn_options Os = caf::no_spawn_options, class F, class... Ts>
auto spawn_watched(
    caf::actor_system& system, actor_registry* in, seat_facts facts, F fun, Ts&&... xs) {
  using impl = caf::infer_impl_from_fun_t<F>;
  static_assert(caf::detail::spawnable<F, impl, Ts...>(), "these arguments do not fit");
  caf::detail::init_fun_factory<impl, F> make;
  caf::actor_config cfg;
  cfg.init_fun = make(std::move(fun), std::forward<Ts>(xs)...);
  return system.spawn_class<watched<impl>, Os>(cfg, in, std::move(facts));
}

/// The same from an actor, which monitors the new one and is its parent.
template <class Self, class F, class... Ts>
auto spawn_child(Self* self, actor_registry* in, std::string label, F fun, Ts&&... xs) {
  using impl = caf::infer_impl_from_fun_t<F>;
  static_assert(caf::detail::spawnable<F, impl, Ts...>(), "these arguments do not fit");
  caf::detail::init_fun_factory<impl, F> make;
  caf::actor_config cfg{self->context()};
  cfg.init_fun = make(std::move(fun), std::forward<Ts>(xs)...);
  auto out = self->system().template spawn_class<watched<impl>, caf::no_spawn_options>(
      cfg, in, seat_facts{std::move(label), self->id()});
  self->monitor(out);
  return out;
}

} // namespace shoal
