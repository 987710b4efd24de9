#include "actors/catalog/catalog_actor.hpp"

#include <deque>
#include <optional>

#include "actors/catalog/catalog_change.hpp"
#include "actors/registry/watched.hpp"

namespace shoal {

namespace {

struct catalog_writer_state {
  static inline const char* name = "catalog-writer";
  using promise = caf::typed_response_promise<change_result>;

  explicit catalog_writer_state(catalog_writer_actor::pointer me) : self{me} {}

  caf::result<change_result> change(const catalog_change& x) {
    if (waiting.size() >= max_waiting_changes)
      return change_result{ec::overloaded, "too many changes of the catalog wait", {}, {}, {}};
    auto reply = self->make_response_promise<change_result>();
    waiting.emplace_back(x, reply);
    next();
    return reply;
  }

  void next() {
    while (!in_flight && !waiting.empty()) {
      auto [x, reply] = std::move(waiting.front());
      waiting.pop_front();
      auto planned = plan_change(*services->catalog.load(), x, services->now_ms(), audit_seq++);
      if (planned.result.code != ec::none) {
        reply.deliver(std::move(planned.result));
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
      services->catalog.store(in_flight->planned.next);
      finish(std::move(in_flight->planned.result));
    } else if (x.code == ec::moving) { // another node writes the catalog now: leave it alone
      auto first = in_flight->first_token == last_token;
      finish(
          {first ? ec::moving : ec::outcome_unknown, "another node became the writer", {}, {}, {}});
    } else if (in_flight->first_token == last_token) {
      finish({x.code, "the change was not stored", {}, {}, {}});
    }
    // else an earlier attempt may have been stored without our hearing of it: the next attempt will
    // tell.
  }

  void finish(change_result result) {
    if (!in_flight->told)
      in_flight->reply.deliver(std::move(result));
    in_flight.reset();
    next();
  }

  void overdue(std::uint64_t token) {
    if (!in_flight || token != last_token)
      return;
    if (!in_flight->told)
      in_flight->reply.deliver(change_result{ec::outcome_unknown,
          "the log did not answer in time; look before you repeat", {}, {}, {}});
    in_flight->told = true;
    submit();
  }

  struct flight {
    planned_change planned;
    promise reply;
    std::uint64_t first_token = 0;
    bool told = false; ///< the asker has its answer
  };

  catalog_writer_actor::pointer self;
  services_ptr services;
  std::deque<std::pair<catalog_change, promise>> waiting;
  std::optional<flight> in_flight;
  std::uint64_t last_token = 0;
  std::uint32_t audit_seq = 0;
};

catalog_writer_actor::behavior_type catalog_writer(
    catalog_writer_actor::stateful_pointer<catalog_writer_state> self, services_ptr services) {
  self->state.services = std::move(services);
  return {
      [self](atom::change, const catalog_change& x) { return self->state.change(x); },
      [self](atom::committed, const commit_result& x) { self->state.committed(x); },
      [self](atom::tick, std::uint64_t token) { self->state.overdue(token); },
  };
}

} // namespace

catalog_actor spawn_catalog_writer(
    caf::actor_system& sys, services_ptr services, actor_registry* actors) {
  return spawn_watched(sys, actors, below_root(actors, ""), catalog_writer, std::move(services));
}

} // namespace shoal
