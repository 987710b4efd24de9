// What the catalog share and the gateway share do alike: have a change made where it can be made,
// and answer it when the other nodes have it.
//
//   who asks ──change──> share ──┬─ another node leads partition 0: to its stand-in there
//                                ├─ led here, our rows are read: to this node's own writer
//                                └─ led here since just now: waits until they are read
//   made ──> announced to all; answered when all nodes that are connected say they have it, or
//            after `limits.catalog_patience`
//
// At most `max_waiting` changes wait for our rows; more are refused with `overloaded`. The leader
// announces what it has each second, too.
//
// A share derives from `share_state` and says what is shared, and how it is read:
//   noun                          what it is, in a sentence: "the catalog"
//   writer()                      this node's own writer
//   failed(ec, text) -> result
//   spreads(change)               whether other nodes have to hear of it once it is made,
//   is_done(result)               which it is
//   version_of(result)            what they name when they have it
//   announcement() -> pb::Control what this node has
//   hear(from, pb::Control)       what another node says
//   read()                        reads what this snapshot lacks, unless it does so already
//   set_known()                   the snapshot was that of the cluster once
#pragma once

#include <deque>
#include <set>

#include "actors/log.hpp"
#include "actors/remote/remote.hpp"
#include "actors/services.hpp"

namespace shoal {

template <class Derived, class Actor, class Writer, class Change, class Result>
struct share_state {
  using actor_type = Actor;
  using change_type = Change;
  using time_point = caf::actor_clock::time_point;
  using promise = caf::typed_response_promise<Result>;

  static constexpr auto announce_interval = std::chrono::seconds{1};
  static constexpr auto settle_interval = std::chrono::milliseconds{100};
  static constexpr std::size_t max_waiting = 64;

  /// A change that is made, and that others have to hear of before its asker.
  struct spreading {
    promise reply;
    Result result;
    std::uint64_t version = 0;
    std::set<std::string> missing;
    time_point deadline;
  };

  explicit share_state(typename Actor::pointer ptr) : self{ptr} {}

  // -- changes -----------------------------------------------------------------------------------

  caf::result<Result> change(const Change& x) {
    auto reply = self->template make_response_promise<Result>();
    auto epoch = led_epoch();
    if (epoch == 0) {
      forward(x, reply);
    } else if (epoch == led_since) {
      make(x, reply);
    } else if (waiting.size() < max_waiting) {
      waiting.emplace_back(x, reply);
      derived().tick();
    } else {
      static const auto text = "too many changes of " + std::string{Derived::noun} + " wait";
      reply.deliver(Derived::failed(ec::overloaded, text.c_str()));
    }
    return reply;
  }

  void forward(const Change& x, promise reply) {
    auto stand_in = caf::actor_cast<Writer>(sv->where.partition(partition_no{0}));
    self->request(stand_in, sv->limit.call_timeout, atom::change::value, x)
        .then([reply](const Result& done) mutable { reply.deliver(done); },
            [reply](caf::error&) mutable {
              reply.deliver(Derived::failed(ec::outcome_unknown,
                  "the leader did not answer in time; look before you repeat"));
            });
  }

  void make(const Change& x, promise reply) {
    self->request(derived().writer(), sv->limit.call_timeout, atom::change::value, x)
        .then(
            [this, reply, spreads = Derived::spreads(x)](const Result& done) mutable {
              if (spreads && Derived::is_done(done))
                made(done, reply);
              else
                reply.deliver(done);
            },
            [reply](caf::error&) mutable {
              reply.deliver(Derived::failed(
                  ec::outcome_unknown, "the log did not answer in time; look before you repeat"));
            });
  }

  void made(const Result& x, promise reply) {
    auto now = self->clock().now();
    spreading s{reply, x, derived().version_of(x), {}, now + sv->limit.catalog_patience};
    for (auto& [node, peer] : sv->remote->peers())
      if (sv->remote->ready(node))
        s.missing.insert(node);
    spread.push_back(std::move(s));
    announce();
    settle();
    remind();
  }

  void settle() {
    auto now = self->clock().now();
    std::erase_if(spread, [&](spreading& s) {
      std::erase_if(s.missing, [&](auto& node) { return !sv->remote->ready(node); });
      if (!s.missing.empty() && now < s.deadline)
        return false;
      s.reply.deliver(std::move(s.result));
      return true;
    });
  }

  /// Settles again soon, while something spreads.
  void remind() {
    if (!spread.empty() && !std::exchange(reminded, true))
      self->delayed_send(self, settle_interval, atom::frame::value, std::string{}, std::string{});
  }

  // -- what nodes say ----------------------------------------------------------------------------

  void frame(const std::string& from, const std::string& body) {
    if (from.empty()) { // our own reminder
      reminded = false;
      settle();
      return remind();
    }
    pb::Control in;
    if (!in.ParseFromString(body))
      return shoal::log::warn("a control frame cannot be read", {{"node", from}});
    derived().hear(from, in);
  }

  /// Whether what this node announces counts here.
  bool follows(const std::string& from, std::uint64_t epoch) {
    if (epoch < heard_epoch || led_epoch() != 0)
      return false;
    heard_epoch = epoch;
    announcer = from;
    return true;
  }

  /// A node has the changes for which `covered(version)` is true.
  template <class Covered>
  void has(const std::string& from, Covered covered) {
    for (auto& s : spread)
      if (covered(s.version))
        s.missing.erase(from);
    settle();
  }

  void announce() { tell_all(derived().announcement()); }

  void tell_all(const pb::Control& x) {
    auto body = x.SerializeAsString();
    for (auto& [node, peer] : sv->remote->peers())
      sv->remote->send(node, cluster::traffic::control, body);
  }

  void tell(const std::string& node, const pb::Control& x) {
    sv->remote->send(node, cluster::traffic::control, x.SerializeAsString());
  }

  // -- leading -----------------------------------------------------------------------------------

  /// Of partition 0; 0: it is led elsewhere.
  std::uint64_t led_epoch() const { return sv->where.led_epoch(partition_no{0}); }

  /// Our rows are read for this epoch.
  void lead(std::uint64_t epoch) {
    led_since = epoch;
    derived().set_known();
    announce();
    for (auto& [x, reply] : std::exchange(waiting, {}))
      make(x, reply);
  }

  void tick() {
    auto epoch = led_epoch();
    if (epoch == 0) {
      led_since = 0;
      for (auto& [x, reply] : std::exchange(waiting, {}))
        forward(x, reply);
    } else if (epoch == led_since) {
      announce();
    } else {
      derived().read();
    }
  }

  Derived& derived() { return static_cast<Derived&>(*this); }

  typename Actor::pointer self;
  services_ptr sv;
  std::uint64_t led_since = 0; ///< epoch of partition 0 for which this node's rows are read
  std::uint64_t heard_epoch = 0;
  std::string announcer;
  std::deque<std::pair<Change, promise>> waiting; ///< for our rows to be read
  std::deque<spreading> spread;
  bool reminded = false; ///< to settle
};

/// The behaviour of an actor with this state.
template <class State>
typename State::actor_type::behavior_type share(
    typename State::actor_type::template stateful_pointer<State> self,
    const services_ptr& services) {
  self->state.sv = services;
  self->delayed_send(self, State::announce_interval, atom::tick::value);
  return {
      [self](atom::change, const typename State::change_type& x) { return self->state.change(x); },
      [self](atom::frame, const std::string& from, const std::string& body) {
        self->state.frame(from, body);
      },
      [self](atom::tick) {
        self->state.tick();
        self->delayed_send(self, State::announce_interval, atom::tick::value);
      },
  };
}

} // namespace shoal
