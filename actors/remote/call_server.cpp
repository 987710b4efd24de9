#include "actors/remote/call_server.hpp"

#include <algorithm>

#include "actors/gateway/change.hpp"
#include "actors/log.hpp"
#include "actors/registry/watched.hpp"
#include "actors/remote/wire_codec.hpp"
#include "storage/keys.hpp"

namespace shoal {

namespace {

constexpr std::size_t max_open = 50'000;
constexpr std::uint32_t max_rows = 10'000;
constexpr auto serve_patience = std::chrono::seconds{4};
constexpr auto tick_interval = std::chrono::milliseconds{200};

bool starts_with(const std::string& key, const std::string& prefix) {
  return key.compare(0, prefix.size(), prefix) == 0;
}

/// Other nodes write cursors and facts of devices, and nothing else.
bool lazy_row(partition_no no, const std::string& key) {
  auto any_device = storage::device_prefix(no, app_no{1});
  auto any_cursor = storage::cursor_prefix(no, {app_no{1}, principal::global(), biz_no{1}});
  auto head = std::size_t{1 + sizeof(std::uint16_t)}; // table and partition
  return key.size() > head && (starts_with(key, any_device.substr(0, head)) ||
                                  starts_with(key, any_cursor.substr(0, head)));
}

} // namespace

// -- in and out ----------------------------------------------------------------------------------

void call_server_state::reply(const remote_question& x, pb::Answer answer) const {
  if (x.asker)
    self->send(x.asker, atom::answer::value,
        remote_answer{x.token, remote_answer::outcome::answered,
            std::make_shared<const pb::Answer>(std::move(answer))});
}

void call_server_state::refuse(const remote_question& x, pb::Refusal why) {
  pb::Answer answer;
  answer.set_refusal(why);
  if (x.call->partition() < sv->where.partition_count())
    answer.set_epoch(sv->where.led_epoch(static_cast<partition_no>(x.call->partition())));
  reply(x, std::move(answer));
}

/// False: refused already.
bool call_server_state::accept(const remote_question& x) {
  auto& c = *x.call;
  if (appends.size() + open >= max_open) {
    refuse(x, pb::BUSY);
    return false;
  }
  if (c.what_case() >= pb::Call::kOnline && c.what_case() != pb::Call::kGateway)
    return true; // asked of this node, whatever it leads
  if (c.what_case() == pb::Call::WHAT_NOT_SET || c.partition() >= sv->where.partition_count()) {
    refuse(x, pb::INVALID);
    return false;
  }
  auto epoch = sv->where.led_epoch(static_cast<partition_no>(c.partition()));
  if (epoch == 0 || epoch < c.epoch()) {
    refuse(x, pb::NOT_OWNER);
    return false;
  }
  return true;
}

bool call_server_state::owns(const remote_question& x, app_no app, const principal& who) {
  if (raw(sv->where.number_of(app, who)) == x.call->partition())
    return true;
  refuse(x, pb::INVALID);
  return false;
}

void call_server_state::serve(const remote_question& x) {
  if (!accept(x))
    return;
  switch (x.call->what_case()) {
  case pb::Call::kAppend:
    return append(x);
  case pb::Call::kReport:
    return report(x);
  case pb::Call::kPage:
    return page(x);
  case pb::Call::kCursor:
    return cursor(x);
  case pb::Call::kCursors:
    return cursors(x);
  case pb::Call::kDevice:
    return device(x);
  case pb::Call::kRows:
    return rows(x);
  case pb::Call::kCommit:
    return commit(x);
  case pb::Call::kChange:
    return change(x);
  case pb::Call::kGateway:
    return change_gateway(x);
  case pb::Call::kOnline:
    return online(x);
  case pb::Call::kStatus:
    return status(x);
  case pb::Call::kKick:
    return kick(x);
  case pb::Call::kPresent:
  case pb::Call::kReplaced:
    if (auto hub = sv->remote->hub())
      return self->send(hub, atom::call::value, x);
    return refuse(x, pb::NOT_READY);
  default:
    return refuse(x, pb::INVALID);
  }
}

template <class Out, class Handle, class Fill, class... Ts>
void call_server_state::ask(
    const remote_question& x, const Handle& whom, Fill fill, Ts&&... message) {
  if (!whom)
    return refuse(x, pb::NOT_READY);
  ++open;
  self->request(whom, serve_patience, std::forward<Ts>(message)...)
      .then(
          [this, x, fill](const Out& out) {
            --open;
            pb::Answer answer;
            fill(out, answer);
            reply(x, std::move(answer));
          },
          [this, x](caf::error&) {
            --open;
            refuse(x, pb::NOT_READY);
          });
}

// -- appends -------------------------------------------------------------------------------------

void call_server_state::append(const remote_question& x) {
  append_call call;
  auto known = sv->catalog.load();
  if (!take(x.call->append(), *known, call))
    return refuse(x, pb::INVALID);
  if (call.items.size() > sv->limit.batch_items)
    return refuse(x, pb::INVALID);
  for (auto& item : call.items) {
    if (!item.biz)
      return refuse(x, pb::UNKNOWN_BIZ);
    if (item.op.payload.size() > sv->limit.payload_max)
      return refuse(x, pb::INVALID);
    if (!owns(x, call.app, item.who))
      return;
  }
  append_wait wait{x, {}, {}, self->clock().now() + serve_patience};
  for (auto& item : call.items)
    wait.open.insert(item.index);
  if (wait.open.empty())
    return reply(x, {});
  call.call = ++next_call;
  call.client = caf::actor_cast<append_client_actor>(self);
  appends.emplace(call.call, std::move(wait));
  auto no = static_cast<partition_no>(x.call->partition());
  self->send(sv->where.partition(no), atom::append::value, std::move(call));
  arm();
}

void call_server_state::appended(const append_answer& x) {
  auto i = appends.find(x.call);
  if (i == appends.end())
    return;
  auto& wait = i->second;
  for (auto& result : x.results) {
    if (wait.open.erase(result.index) == 0)
      continue;
    put(*wait.answer.mutable_appended()->add_results(), result);
  }
  if (!wait.open.empty())
    return;
  reply(wait.question, std::move(wait.answer));
  appends.erase(i);
}

void call_server_state::tick() {
  ticking = false;
  auto now = self->clock().now();
  while (!appends.empty() && appends.begin()->second.deadline <= now) {
    append_answer rest{appends.begin()->first, {}};
    for (auto index : appends.begin()->second.open)
      rest.results.push_back({index, ec::outcome_unknown, {}, false, 0});
    appended(rest);
  }
  arm();
}

void call_server_state::arm() {
  if (ticking || appends.empty())
    return;
  ticking = true;
  self->delayed_send(self, tick_interval, atom::tick::value);
}

// -- reads ---------------------------------------------------------------------------------------

void call_server_state::report(const remote_question& x) {
  stream_key id;
  if (!take(x.call->report(), id))
    return refuse(x, pb::INVALID);
  if (!owns(x, id.app, id.who))
    return;
  if (!sv->catalog.load()->biz(id.app, id.biz))
    return refuse(x, pb::UNKNOWN_BIZ);
  ask<stream_report>(
      x, sv->where.owner_of(id.app, id.who),
      [](const stream_report& out, pb::Answer& answer) {
        answer.set_code(static_cast<std::uint32_t>(out.code));
        put(*answer.mutable_report(), out);
      },
      atom::report::value, id);
}

void call_server_state::page(const remote_question& x) {
  page_query q;
  if (!take(x.call->page(), q))
    return refuse(x, pb::INVALID);
  if (!owns(x, q.stream.app, q.stream.who))
    return;
  ask<stored_page>(
      x, sv->where.reader(),
      [](const stored_page& out, pb::Answer& answer) {
        answer.set_code(static_cast<std::uint32_t>(out.code));
        put(*answer.mutable_page(), out);
      },
      atom::page::value, q);
}

void call_server_state::cursor(const remote_question& x) {
  cursor_query q;
  if (!take(x.call->cursor(), q))
    return refuse(x, pb::INVALID);
  if (!owns(x, q.stream.app, q.device.empty() ? q.stream.who : principal::device(q.device)))
    return;
  ask<stored_cursor>(
      x, sv->where.reader(),
      [](const stored_cursor& out, pb::Answer& answer) {
        put(*answer.mutable_cursors()->add_cursors(), out);
      },
      atom::load::value, q);
}

void call_server_state::cursors(const remote_question& x) {
  cursor_query q;
  if (!take(x.call->cursors(), q))
    return refuse(x, pb::INVALID);
  if (!owns(x, q.stream.app, q.device.empty() ? q.stream.who : principal::device(q.device)))
    return;
  ask<stored_cursors>(
      x, sv->where.reader(),
      [](const stored_cursors& out, pb::Answer& answer) {
        answer.set_code(static_cast<std::uint32_t>(out.code));
        for (auto& c : out.cursors)
          put(*answer.mutable_cursors()->add_cursors(), c);
        answer.mutable_cursors()->set_more(out.more);
      },
      atom::cursors::value, q);
}

void call_server_state::device(const remote_question& x) {
  auto app = app_no{x.call->device().app()};
  auto& device = x.call->device().device();
  if (!valid_external_id(device))
    return refuse(x, pb::INVALID);
  if (!owns(x, app, principal::device(device)))
    return;
  ask<stored_device>(
      x, sv->where.reader(),
      [](const stored_device& out, pb::Answer& answer) {
        answer.set_code(static_cast<std::uint32_t>(out.code));
        answer.mutable_device()->set_found(out.found);
        if (out.found)
          answer.mutable_device()->set_record(storage::encode(out.device, {}));
      },
      atom::load::value, app, device);
}

void call_server_state::rows(const remote_question& x) {
  auto& q = x.call->rows();
  auto table = [&](storage::table t) {
    auto from = static_cast<char>(t);
    return !q.from().empty() && q.from()[0] == from && !q.to().empty() &&
           q.to() <= std::string(1, static_cast<char>(from + 1));
  };
  if (x.call->partition() != 0 || q.from() > q.to() ||
      !(table(storage::table::object) || table(storage::table::gateway) ||
          table(storage::table::audit)))
    return refuse(x, pb::INVALID);
  ask<storage::write_batch>(
      x, sv->where.reader(),
      [](const storage::write_batch& out, pb::Answer& answer) { put(*answer.mutable_rows(), out); },
      atom::page::value, q.from(), q.to(), std::min(q.limit(), max_rows));
}

// -- writes --------------------------------------------------------------------------------------

void call_server_state::commit(const remote_question& x) {
  auto no = static_cast<partition_no>(x.call->partition());
  commit_request out;
  for (auto& row : x.call->commit().rows()) {
    if (!lazy_row(no, row.key()) || row.erase()) {
      shoal::log::warn("a node wants to write what it may not", {{"partition", raw(no)}});
      return refuse(x, pb::INVALID);
    }
    // Only here it is known when a device was first seen.
    storage::device_record facts, before;
    std::string old;
    if (row.key()[0] == static_cast<char>(storage::table::device) &&
        storage::decode(row.value(), row.key(), facts) &&
        sv->db->try_get(row.key(), old) == storage::lookup::found &&
        storage::decode(old, row.key(), before)) {
      facts.first_seen_ms = std::min(facts.first_seen_ms, before.first_seen_ms);
      out.rows.put(row.key(), storage::encode(facts, row.key()));
    } else {
      out.rows.put(row.key(), row.value());
    }
  }
  self->send(sv->where.partition(no), atom::commit::value, std::move(out));
}

void call_server_state::change(const remote_question& x) {
  catalog_change what;
  if (x.call->partition() != 0 || !take(x.call->change(), what))
    return refuse(x, pb::INVALID);
  ask<change_result>(
      x, sv->where.catalog_writer(),
      [](const change_result& out, pb::Answer& answer) {
        answer.set_code(static_cast<std::uint32_t>(out.code));
        put(*answer.mutable_changed(), out);
      },
      atom::change::value, std::move(what));
}

void call_server_state::change_gateway(const remote_question& x) {
  gateway::change what;
  if (x.call->partition() != 0 || !take(x.call->gateway(), what))
    return refuse(x, pb::INVALID);
  ask<gateway_outcome_ptr>(
      x, sv->where.gateway_writer(),
      [](const gateway_outcome_ptr& out, pb::Answer& answer) {
        answer.set_code(static_cast<std::uint32_t>(out->code));
        put(*answer.mutable_gateway(), *out);
      },
      atom::change::value, std::make_shared<const gateway::change>(std::move(what)));
}

// -- devices of this node ------------------------------------------------------------------------

void call_server_state::online(const remote_question& x) {
  ask<online_report>(
      x, sv->remote->local_hub(),
      [](const online_report& out, pb::Answer& answer) { put(*answer.mutable_online(), out); },
      atom::online::value, take(x.call->online()));
}

void call_server_state::status(const remote_question& x) {
  ask<device_status>(
      x, sv->remote->local_hub(),
      [](const device_status& out, pb::Answer& answer) { put(*answer.mutable_status(), out); },
      atom::status::value, app_no{x.call->status().app()}, x.call->status().device());
}

void call_server_state::kick(const remote_question& x) {
  ask<bool>(
      x, sv->remote->local_hub(),
      [](const bool& out, pb::Answer& answer) { answer.set_kicked(out); }, atom::kick::value,
      app_no{x.call->kick().app()}, x.call->kick().device());
}

// -- the actor -----------------------------------------------------------------------------------

call_server_actor::behavior_type call_server(
    call_server_actor::stateful_pointer<call_server_state> self, services_ptr services) {
  self->state.sv = std::move(services);
  return {
      [self](atom::call, const remote_question& x) { self->state.serve(x); },
      [self](atom::appended, const append_answer& x) { self->state.appended(x); },
      [self](atom::tick) { self->state.tick(); },
  };
}

call_server_actor spawn_call_server(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors) {
  auto hdl =
      spawn_watched(sys, actors, below_root(actors, "", "call-server"), call_server, services);
  services->remote->set_server(hdl);
  return hdl;
}

} // namespace shoal
