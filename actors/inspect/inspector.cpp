#include "actors/inspect/inspector.hpp"

#include <charconv>

#include "actors/api/problem.hpp"
#include "actors/inspect/changes.hpp"
#include "actors/log.hpp"
#include "protocol/signing.hpp"

namespace shoal {

namespace {

using inspect::json;

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> out;
  std::string byte;
  while (!path.empty()) {
    path.remove_prefix(1);
    auto end = std::min(path.find('/'), path.size());
    std::string text;
    for (std::size_t i = 0; i < end; ++i) {
      if (path[i] == '%' && i + 2 < end && unhex(path.substr(i + 1, 2), byte)) {
        text += byte;
        i += 2;
      } else {
        text += path[i];
      }
    }
    out.push_back(std::move(text));
    path.remove_prefix(end);
  }
  return out;
}

caf::actor_id id_of(const std::string& text) {
  caf::actor_id out = 0;
  auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (err != std::errc{} || end != text.data() + text.size())
    throw api::refusal{ec::invalid_argument, "the id of an actor is a number"};
  return out;
}

json read(inspect::context& c, const http::request& x) {
  auto s = segments_of(x.path);
  auto is = [&](std::size_t n, std::string_view what) { return s.size() == n && s[1] == what; };
  if (is(2, "actors"))
    return inspect::actor_list(c, x.query);
  if (is(3, "actors"))
    return inspect::one_actor(c, id_of(s[2]));
  if (is(3, "why"))
    return inspect::why_waiting(c, id_of(s[2]));
  if (is(2, "tree"))
    return inspect::supervision_tree(c, x.query);
  if (is(4, "streams"))
    return inspect::one_stream(c, s[2], s[3]);
  if (is(4, "cursors"))
    return inspect::stored_cursors_of(c, s[2], s[3], x.query);
  if (is(4, "devices"))
    return inspect::one_device(c, s[2], s[3]);
  if (is(2, "partitions"))
    return inspect::partitions(c);
  if (is(2, "nodes"))
    return inspect::nodes(c);
  if (is(2, "dead"))
    return inspect::dead(c);
  if (is(2, "stuck"))
    return inspect::stuck(c, x.query);
  if (is(2, "sched"))
    return inspect::scheduler(c);
  if (is(2, "snap"))
    return inspect::snapshot(c);
  if (is(2, "trace"))
    return inspect::trace(c, x.query);
  if (is(2, "bundle"))
    return inspect::bundle(c);
  throw api::refusal{ec::not_found, "no such path; tools/inspector/README.md lists them"};
}

http::response answer(int status, const json& x) {
  http::response out;
  out.status = status;
  out.body = x.dump(-1, ' ', false, json::error_handler_t::replace);
  return out;
}

} // namespace

void inspector_state::serve(const api_call& call) {
  ++served;
  auto now = view->sv->now_ms();
  try {
    auto reading = call.request.method == "GET" || call.request.method == "HEAD";
    call.respond(
        answer(200, reading ? read(*view, call.request) : inspect::change(*view, call.request)));
  } catch (const api::refusal& why) {
    call.respond(api::problem(why.code, why.detail, now));
  } catch (const std::exception& e) {
    log::error(
        "inspection failed", {{"path", call.request.path.substr(0, 200)}, {"error", e.what()}});
    call.respond(api::problem(ec::session_lost, "the server made a mistake; it is logged", now));
  }
}

inspector_actor::behavior_type inspector(
    inspector_actor::stateful_pointer<inspector_state> self, inspector_options options) {
  auto& st = self->state;
  auto started = options.services->steady_ms();
  auto& actors = *options.actors;
  st.view.reset(new inspect::context{std::move(options.services), actors, self->system(),
      std::move(options.node), {}, started, self->id()});
  return {
      [self](atom::call, const api_call& x) { self->state.serve(x); },
      [self](atom::status) {
        return inspect::json{{"served", self->state.served}}.dump();
      },
  };
}

} // namespace shoal
