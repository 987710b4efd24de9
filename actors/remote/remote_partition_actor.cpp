// What a stand-in does for each message: most are questions to the leader. How those come there is
// in remote_partition.cpp, the data in remote_partition.hpp.
#include "actors/gateway/change.hpp"
#include "actors/registry/watched.hpp"
#include "actors/remote/remote_partition.hpp"
#include "actors/remote/wire_codec.hpp"

namespace shoal {

namespace {

using pointer = remote_partition_actor::stateful_pointer<remote_partition_state>;

// -- questions -----------------------------------------------------------------------------------

/// Asks the leader; `fill` reads its answer, a code says why there is none.
template <class Out, class Fill>
caf::result<Out> question(pointer self, std::shared_ptr<pb::Call> call, Fill fill) {
  auto promise = self->template make_response_promise<Out>();
  self->state.ask(std::move(call), [promise, fill](const pb::Answer* answer) mutable {
    Out out{};
    out.code = take_code(answer->code());
    if (!fill(*answer, out))
      out.code = ec::session_lost;
    promise.deliver(std::move(out));
  });
  return promise;
}

/// For questions that only the leader's own actors ask.
template <class Out>
Out not_here() {
  Out out{};
  out.code = ec::moving;
  return out;
}

caf::result<stream_report> report(pointer self, const stream_key& id) {
  auto call = std::make_shared<pb::Call>();
  put(*call->mutable_report(), id);
  return question<stream_report>(
      self, std::move(call), [](const pb::Answer& a, stream_report& out) {
        auto code = out.code;
        out = take(a.report());
        out.code = code;
        return true;
      });
}

caf::result<stored_cursor> cursor(pointer self, const cursor_query& q) {
  auto call = std::make_shared<pb::Call>();
  put(*call->mutable_cursor(), q);
  return question<stored_cursor>(
      self, std::move(call), [](const pb::Answer& a, stored_cursor& out) {
        if (out.code == ec::none && a.cursors().cursors_size() == 1)
          out = take(a.cursors().cursors(0));
        return true;
      });
}

caf::result<stored_cursors> cursors(pointer self, const cursor_query& q) {
  auto call = std::make_shared<pb::Call>();
  put(*call->mutable_cursors(), q);
  return question<stored_cursors>(
      self, std::move(call), [](const pb::Answer& a, stored_cursors& out) {
        for (auto& x : a.cursors().cursors())
          out.cursors.push_back(take(x));
        out.more = a.cursors().more();
        return true;
      });
}

caf::result<stored_page> page(pointer self, const page_query& q) {
  auto call = std::make_shared<pb::Call>();
  put(*call->mutable_page(), q);
  return question<stored_page>(self, std::move(call),
      [](const pb::Answer& a, stored_page& out) { return take(a.page(), out); });
}

caf::result<stored_device> stored(pointer self, app_no app, const std::string& device) {
  auto call = std::make_shared<pb::Call>();
  call->mutable_device()->set_app(raw(app));
  call->mutable_device()->set_device(device);
  return question<stored_device>(
      self, std::move(call), [](const pb::Answer& a, stored_device& out) {
        out.found = a.device().found();
        return !out.found || storage::decode(a.device().record(), {}, out.device);
      });
}

caf::result<storage::write_batch> rows(
    pointer self, const std::string& from, const std::string& to, std::uint32_t limit) {
  auto call = std::make_shared<pb::Call>();
  call->mutable_rows()->set_from(from);
  call->mutable_rows()->set_to(to);
  call->mutable_rows()->set_limit(limit);
  auto promise = self->make_response_promise<storage::write_batch>();
  self->state.ask(std::move(call), [promise](const pb::Answer* a) mutable {
    if (a->code() != 0)
      promise.deliver(caf::make_error(caf::sec::request_timeout));
    else
      promise.deliver(take(a->rows()));
  });
  return promise;
}

// -- changes -------------------------------------------------------------------------------------

caf::result<change_result> change(pointer self, const catalog_change& x) {
  auto call = std::make_shared<pb::Call>();
  put(*call->mutable_change(), x);
  return question<change_result>(self, std::move(call),
      [](const pb::Answer& a, change_result& out) { return take(a.changed(), out); });
}

caf::result<gateway_outcome_ptr> change_gateway(pointer self, const gateway_change_ptr& x) {
  auto call = std::make_shared<pb::Call>();
  put(*call->mutable_gateway(), *x);
  auto promise = self->make_response_promise<gateway_outcome_ptr>();
  self->state.ask(std::move(call), [promise](const pb::Answer* answer) mutable {
    auto out = std::make_shared<gateway::change_outcome>();
    out->code = take_code(answer->code());
    take(answer->gateway(), *out);
    promise.deliver(gateway_outcome_ptr{std::move(out)});
  });
  return promise;
}

/// A question that is one already.
void pass_on(pointer self, const remote_question& x) {
  self->state.ask(std::make_shared<pb::Call>(*x.call), [self, x](const pb::Answer* answer) {
    if (x.asker)
      self->send(x.asker, atom::answer::value,
          remote_answer{x.token, remote_answer::outcome::answered,
              std::make_shared<const pb::Answer>(*answer)});
  });
}

} // namespace

// -- the actor -----------------------------------------------------------------------------------

remote_partition_actor::behavior_type remote_partition(
    pointer self, services_ptr services, partition_no no) {
  self->state.sv = std::move(services);
  self->state.no = no;
  return {
      [self](atom::attach, const feed_sink_actor& sink, const attach_request& request) {
        self->state.attach(sink, request);
      },
      [self](atom::detach, const feed_sink_actor& sink, const detach_note& note) {
        self->state.detach(sink, note.feed);
      },
      // A feed talks to its source, not to us.
      [](atom::pull, const feed_sink_actor&, const pull_request&) {},
      [](atom::ack, const ack_note&) {},
      [self](atom::append, const append_call& call) { self->state.append(call); },
      [](atom::commit, const commit_client_actor& client, const commit_request& request) {
        caf::anon_send(client, atom::committed::value, commit_result{request.token, ec::moving});
      },
      [self](atom::commit, const commit_request& request) { self->state.commit(request); },
      [self](atom::report, const stream_key& id) { return report(self, id); },
      [](atom::stop, const principal_key&, std::uint64_t) {},
      [self](atom::tick) { self->state.tick(); },
      [self](atom::status) { return self->state.status(); },
      [](atom::load, const stream_key&) { return not_here<stored_stream>(); },
      [self](atom::load, const cursor_query& q) { return cursor(self, q); },
      [](atom::load, const key_query&) { return not_here<stored_keys>(); },
      [self](atom::page, const page_query& q) { return page(self, q); },
      [self](atom::cursors, const cursor_query& q) { return cursors(self, q); },
      [self](
          atom::load, app_no app, const std::string& device) { return stored(self, app, device); },
      [](atom::trim, const trim_query&) { return not_here<trim_plan>(); },
      [](atom::trim, partition_no, std::uint32_t) { return not_here<due_streams>(); },
      [self](atom::page, const std::string& from, const std::string& to, std::uint32_t limit) {
        return rows(self, from, to, limit);
      },
      [self](atom::answer, const remote_answer& x) { self->state.answered(x); },
      [self](atom::call, const remote_question& x) { pass_on(self, x); },
      [self](atom::change, const catalog_change& x) { return change(self, x); },
      [self](atom::change, const gateway_change_ptr& x) { return change_gateway(self, x); },
      [self](atom::view, const partition_view& x) { self->state.view_changed(x); },
      [self](atom::refused, const std::string& by, std::uint64_t epoch) {
        self->state.refused(by, epoch);
      },
  };
}

remote_partition_actor spawn_remote_partition(
    caf::actor_system& sys, const services_ptr& services, partition_no no, actor_registry* actors) {
  auto hdl = spawn_watched(sys, actors,
      below_root(actors, "partition " + to_string(no), "stand-in"), remote_partition, services, no);
  services->where.set_stand_in(
      no, caf::actor_cast<partition_actor>(hdl), caf::actor_cast<reader_actor>(hdl));
  services->remote->set_stand_in(no, hdl);
  return hdl;
}

} // namespace shoal
