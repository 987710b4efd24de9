#include "actors/inspect/changes.hpp"

#include "actors/api/request_auth.hpp"
#include "actors/catalog/remark.hpp"
#include "actors/log.hpp"
#include "actors/log_control.hpp"

namespace shoal::inspect {

namespace {

key_ptr operator_of(context& c, const http::request& request) {
  auto signer =
      api::authenticate(*c.sv->catalog.load(), request, c.sv->now_ms(), *c.sv->request_nonces);
  if (signer.code != ec::none)
    throw api::refusal{signer.code, "changes need the operator's signature"};
  if (signer.key->role != key_role::operator_)
    throw api::refusal{ec::forbidden, "changes need the operator's key"};
  return signer.key;
}

/// Recorded before it is done: what cannot be recorded is not done.
void record(
    context& c, const key_config& by, const char* what, const json& about, app_ptr app = nullptr) {
  auto change = change_of({what, c.node.name, about}, by.id, std::move(app));
  auto done = c.ask<change_result>(c.sv->where.catalog_writer(), atom::change::value, change);
  if (done.code != ec::none)
    throw api::refusal{done.code, "the audit record is not written, and nothing is done"};
  log::info("operator", {{"by", by.id}, {"what", what}, {"about", about.dump()}});
}

std::string field(const json& body, const char* name) {
  auto i = body.find(name);
  if (i == body.end() || !i->is_string() || i->get<std::string>().empty())
    throw api::refusal{ec::invalid_argument, std::string{name} + ": a text is needed"};
  return i->get<std::string>();
}

json kick(context& c, const key_config& by, const json& body) {
  auto app = c.sv->catalog.load()->app(field(body, "app"));
  if (!app)
    throw api::refusal{ec::not_found, "app: unknown"};
  auto device = field(body, "device");
  record(c, by, "device kicked", {{"app", app->id}, {"device", device}}, app);
  auto done = c.ask<bool>(c.node.hub(), atom::kick::value, app->no, device);
  if (!done)
    throw api::refusal{ec::not_found, "the device is not connected to this node"};
  return {{"node", c.node.name}, {"kicked", device}};
}

json drain(context& c, const key_config& by) {
  auto members = c.sv->where.membership();
  if (!members)
    throw api::refusal{ec::invalid_argument, "this node is alone: it has nowhere to drain to"};
  record(c, by, "node drained", {{"node", c.node.name}});
  auto done = c.ask<node_list>(members, atom::change::value, c.node.name, std::string{"draining"});
  if (done.code != ec::none)
    throw api::refusal{done.code, done.text};
  return {{"node", c.node.name}, {"draining", true}};
}

json set_log(context& c, const key_config& by, const json& body) {
  auto level = field(body, "level");
  if (!log::known_level(level))
    throw api::refusal{ec::invalid_argument, "level: trace, debug, info, warn, error or off"};
  record(c, by, "log level set", {{"level", level}});
  log::set_level(level);
  return {{"node", c.node.name}, {"level", level}};
}

} // namespace

json change(context& c, const http::request& request) {
  auto by = operator_of(c, request);
  if (request.method != "POST")
    throw api::refusal{ec::method_not_allowed, "changes are made with POST"};
  auto body = request.body.empty() ? json::object() : json::parse(request.body, nullptr, false);
  if (!body.is_object())
    throw api::refusal{ec::invalid_argument, "the body is not a JSON object"};
  if (request.path == "/inspect/kick")
    return kick(c, *by, body);
  if (request.path == "/inspect/drain")
    return drain(c, *by);
  if (request.path == "/inspect/set-log")
    return set_log(c, *by, body);
  throw api::refusal{ec::not_found, "no such change; tools/inspector/README.md lists them"};
}

} // namespace shoal::inspect
