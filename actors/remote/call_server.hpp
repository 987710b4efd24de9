// The call server: answers what other nodes ask of this one. It checks that the question can be
// read, is within bounds and is for a partition that this node leads now, and asks whoever knows.
//
// Spawned by: the node.  Monitors: nobody.  Dies: on a bug only; askers have their timeouts.
// Each question is answered once, at the latest after `serve_patience`: items of an append whose
// stream died are `outcome_unknown` then. At most `max_open` questions wait, more are refused.
#pragma once

#include <map>
#include <unordered_set>

#include "actors/remote/remote.hpp"
#include "actors/services.hpp"

namespace shoal {

class actor_registry;

struct call_server_state {
  static inline const char* name = "call-server";
  using time_point = caf::actor_clock::time_point;

  struct append_wait {
    remote_question question;
    pb::Answer answer;
    std::unordered_set<std::uint32_t> open; ///< indices of items that are not answered
    time_point deadline;
  };

  explicit call_server_state(call_server_actor::pointer ptr) : self{ptr} {}

  void serve(const remote_question& x);
  bool accept(const remote_question& x);
  void refuse(const remote_question& x, pb::Refusal why);
  void reply(const remote_question& x, pb::Answer answer) const;

  void append(const remote_question& x);
  void appended(const append_answer& x);
  void report(const remote_question& x);
  void page(const remote_question& x);
  void cursor(const remote_question& x);
  void cursors(const remote_question& x);
  void device(const remote_question& x);
  void rows(const remote_question& x);
  void commit(const remote_question& x);
  void change(const remote_question& x);
  void change_gateway(const remote_question& x);
  void online(const remote_question& x);
  void status(const remote_question& x);
  void kick(const remote_question& x);
  bool owns(const remote_question& x, app_no app, const principal& who);

  template <class Out, class Handle, class Fill, class... Ts>
  void ask(const remote_question& x, const Handle& whom, Fill fill, Ts&&... message);

  void arm();
  void tick();

  call_server_actor::pointer self;
  services_ptr sv;
  std::map<std::uint64_t, append_wait> appends;
  std::uint64_t next_call = 0;
  std::size_t open = 0; ///< questions other than appends
  bool ticking = false;
};

call_server_actor::behavior_type call_server(
    call_server_actor::stateful_pointer<call_server_state> self, services_ptr services);

/// Spawns it and makes it known.
call_server_actor spawn_call_server(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors = nullptr);

} // namespace shoal
