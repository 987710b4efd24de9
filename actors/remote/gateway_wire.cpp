// Changes of the gateway's definitions as nodes say them to each other (wire_codec.hpp).
#include "actors/gateway/change.hpp"
#include "actors/remote/wire_codec.hpp"

namespace shoal {

namespace {

bool has_definition(const gateway::entry& x) {
  return x.settings || x.group || x.api || x.authorizer || x.proto;
}

storage::write_batch::row row_of(app_no app, const gateway::entry& x) {
  auto in = gateway::world_name{app, x.in.app};
  if (x.settings)
    return gateway::row_of(in, *x.settings);
  if (x.group)
    return gateway::row_of(in, *x.group);
  if (x.api)
    return gateway::row_of(in, *x.api);
  if (x.authorizer)
    return gateway::row_of(in, *x.authorizer);
  if (x.proto)
    return gateway::row_of(in, *x.proto);
  return {gateway::row_key_of(app, x.kind, x.name), "", true};
}

} // namespace

void put(pb::GatewayChange& to, const gateway::change& x) {
  to.set_app(raw(x.app));
  to.set_actor(x.actor);
  to.set_note(x.note);
  for (auto& edit : x.edits) {
    auto& out = *to.add_edits();
    auto row = row_of(x.app, edit.what);
    out.mutable_row()->set_key(row.key);
    out.mutable_row()->set_value(row.value);
    out.mutable_row()->set_erase(row.erase);
    out.set_expect(static_cast<std::uint32_t>(edit.before));
    out.set_version(edit.version);
  }
}

bool take(const pb::GatewayChange& from, gateway::change& out) {
  out.app = app_no{from.app()};
  out.actor = from.actor();
  out.note = from.note();
  if (static_cast<std::size_t>(from.edits_size()) > gateway::max_edits)
    return false;
  for (auto& x : from.edits()) {
    auto& edit = out.edits.emplace_back();
    if (x.expect() > static_cast<std::uint32_t>(gateway::edit::expect::present))
      return false;
    edit.before = static_cast<gateway::edit::expect>(x.expect());
    edit.version = x.version();
    auto& what = edit.what;
    if (x.row().erase()
            ? !gateway::read_row_key(x.row().key(), what)
            : !gateway::read_row(x.row().key(), x.row().value(), what) || !has_definition(what))
      return false;
    if (what.in.no != out.app)
      return false;
  }
  return true;
}

void put(pb::GatewayChanged& to, const gateway::change_outcome& x) {
  to.set_text(x.text);
  to.set_revision(x.revision);
  put(*to.mutable_rows(), x.rows);
}

void take(const pb::GatewayChanged& from, gateway::change_outcome& out) {
  out.text = from.text();
  out.revision = from.revision();
  out.rows = take(from.rows());
}

void put(pb::ServiceBeat& to, const gateway::service_beat& x) {
  to.set_app(raw(x.app));
  to.set_service(x.service);
  to.set_address(x.where.address);
  to.set_weight(x.where.weight);
  for (auto& [name, value] : x.where.tags)
    (*to.mutable_tags())[name] = value;
  to.set_ttl_ms(x.ttl_ms);
  to.set_said_ms(x.said_ms);
  to.set_leaves(x.leaves);
}

gateway::service_beat beat_of(const pb::ServiceBeat& x) {
  return {app_no{x.app()}, x.service(),
      {x.address(), x.weight(), {x.tags().begin(), x.tags().end()}}, x.ttl_ms(), x.said_ms(),
      x.leaves()};
}

} // namespace shoal
