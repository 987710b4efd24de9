// The only writer of something that all actors read as a snapshot: plans a change, makes it durable
// through partition 0's log, then publishes it.
//
// Changes are handled one at a time, in order of arrival; at most `max_waiting_changes` wait, more
// are refused with `overloaded`. An asker hears `outcome_unknown` when the log has not answered
// within `limits.call_timeout`; the change is then submitted again (its rows are absolute, so twice
// is once) until its fate is known, because the next change has to build on it.
//
// `Rules` say what is written:
//   change, result, planned       types of messages; `planned` has `rows` (none: nothing to store)
//   plan(services&, change, seq)  -> planned; `seq` makes audit records of one ms distinct
//   refused(planned&)             whether it is
//   publish(services&, planned&)  called when the rows are durable
//   take_result(planned&), failed(ec, text)   -> result
#pragma once

#include <deque>
#include <optional>

#include "actors/services.hpp"

namespace shoal {

constexpr std::size_t max_waiting_changes = 64;

template <class Change, class Result>
using single_writer_actor = typename caf::typed_actor<
    typename caf::replies_to<atom::change, Change>::template with<Result>>::
    template extend<
        // From partition 0: the rows of the change are durable, or not.
        caf::reacts_to<atom::committed, commit_result>,
        // INTERNAL: the attempt with this token has had its time.
        caf::reacts_to<atom::tick, std::uint64_t>>;

template <class Rules>
struct single_writer_state {
  static inline const char* name = Rules::name;
  using change_type = typename Rules::change;
  using result_type = typename Rules::result;
  using planned_type = typename Rules::planned;
  using actor_type = single_writer_actor<change_type, result_type>;
  using promise = caf::typed_response_promise<result_type>;

  explicit single_writer_state(typename actor_type::pointer me) : self{me} {}

  caf::result<result_type> change(const change_type& x) {
    if (waiting.size() >= max_waiting_changes)
      return Rules::failed(ec::overloaded, "too many changes wait");
    auto reply = self->template make_response_promise<result_type>();
    waiting.emplace_back(x, reply);
    next();
    return reply;
  }

  void next() {
    while (!in_flight && !waiting.empty()) {
      auto [x, reply] = std::move(waiting.front());
      waiting.pop_front();
      auto planned = Rules::plan(*services, x, audit_seq++);
      if (Rules::refused(planned) || planned.rows.empty()) {
        reply.deliver(Rules::take_result(planned));
        continue;
      }
      in_flight.emplace(flight{std::move(planned), std::move(reply), last_token + 1});
      submit();
    }
  }

  void submit() {
    auto token = ++last_token;
    if (auto partition = services->where.partition(partition_no{0}))
      self->send(partition, atom::commit::value, commit_client_actor{self},
          commit_request{in_flight->planned.rows, token});
    self->delayed_send(self, services->limit.call_timeout, atom::tick::value, token);
  }

  void committed(const commit_result& x) {
    if (!in_flight || x.token < in_flight->first_token)
      return;
    if (x.code == ec::none) {
      Rules::publish(*services, in_flight->planned);
      finish(Rules::take_result(in_flight->planned));
    } else if (x.code == ec::moving) { // another node writes now: leave it alone
      auto first = in_flight->first_token == last_token;
      finish(Rules::failed(
          first ? ec::moving : ec::outcome_unknown, "another node became the writer"));
    } else if (in_flight->first_token == last_token) {
      finish(Rules::failed(x.code, "the change was not stored"));
    }
    // else an earlier attempt may have been stored without our hearing of it: the next attempt will
    // tell.
  }

  void finish(result_type result) {
    if (!in_flight->told)
      in_flight->reply.deliver(std::move(result));
    in_flight.reset();
    next();
  }

  void overdue(std::uint64_t token) {
    if (!in_flight || token != last_token)
      return;
    if (!in_flight->told)
      in_flight->reply.deliver(Rules::failed(
          ec::outcome_unknown, "the log did not answer in time; look before you repeat"));
    in_flight->told = true;
    submit();
  }

  struct flight {
    planned_type planned;
    promise reply;
    std::uint64_t first_token = 0;
    bool told = false; ///< the asker has its answer
  };

  typename actor_type::pointer self;
  services_ptr services;
  std::deque<std::pair<change_type, promise>> waiting;
  std::optional<flight> in_flight;
  std::uint64_t last_token = 0;
  std::uint32_t audit_seq = Rules::first_audit_seq;
};

/// The behaviour of an actor with this state.
template <class Rules>
typename single_writer_state<Rules>::actor_type::behavior_type single_writer(
    typename single_writer_state<Rules>::actor_type::template stateful_pointer<
        single_writer_state<Rules>>
        self,
    const services_ptr& services) {
  self->state.services = services;
  return {
      [self](atom::change, const typename Rules::change& x) { return self->state.change(x); },
      [self](atom::committed, const commit_result& x) { self->state.committed(x); },
      [self](atom::tick, std::uint64_t token) { self->state.overdue(token); },
  };
}

} // namespace shoal
