// /inspect/dead, stuck, why, sched, snap, bundle: what is wrong, and where to look.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <unistd.h>

#include "actors/inspect/views.hpp"
#include "actors/log_control.hpp"
#include "actors/registry/monotonic.hpp"

namespace shoal::inspect {

namespace {

constexpr auto probe_patience = std::chrono::milliseconds{500};
constexpr std::size_t max_stuck = 200;
constexpr auto cpu_window = std::chrono::milliseconds{250};
constexpr std::uint64_t slow_us = 10'000;

struct thread_time {
  std::string name, state;
  std::uint64_t user = 0, system = 0; ///< clock ticks
};

std::map<int, thread_time> threads() {
  std::map<int, thread_time> out;
  std::error_code ignored;
  for (auto& x : std::filesystem::directory_iterator{"/proc/self/task", ignored}) {
    std::ifstream in{x.path() / "stat"};
    std::string line;
    std::getline(in, line);
    auto open = line.find('('), close = line.rfind(')');
    if (open == line.npos || close == line.npos)
      continue;
    std::istringstream rest{line.substr(close + 1)};
    thread_time t;
    t.name = line.substr(open + 1, close - open - 1);
    std::string skipped;
    rest >> t.state;
    for (auto field = 4; field < 14; ++field)
      rest >> skipped;
    rest >> t.user >> t.system;
    out[std::stoi(x.path().filename())] = std::move(t);
  }
  return out;
}

json kinds(context& c) {
  struct sum {
    std::uint64_t count = 0, running = 0, ready = 0, handled = 0, bytes = 0;
  };
  std::map<std::string, sum> by_kind;
  c.actors.walk(0, SIZE_MAX, nullptr, [&](actor_row&& x) {
    auto& s = by_kind[x.kind];
    ++s.count;
    s.running += x.running;
    s.ready += !x.idle && !x.running;
    s.handled += x.handled;
    s.bytes += x.bytes;
  });
  auto out = json::array();
  for (auto& [kind, s] : by_kind)
    out.push_back({{"kind", kind}, {"count", s.count}, {"running", s.running}, {"ready", s.ready},
        {"handled", s.handled}, {"bytes", s.bytes}});
  return out;
}

std::string verdict(const actor_row& x, const probe_answer& y) {
  if (!y.answered && x.running)
    return "is inside a handler and does not come back: what it does there is slow, or it waits";
  if (!y.answered && !x.idle)
    return "has messages and no thread runs it: workers are busy with others (see sched)";
  if (!y.answered)
    return "did not answer in time";
  if (y.awaited > 0)
    return "waits for an answer before it looks at anything else";
  if (y.waited_us >= slow_us && y.ahead == 0)
    return "had nothing else to do: it waited for a thread, or its thread for a core";
  if (y.waited_us >= slow_us)
    return "has " + std::to_string(y.ahead) + " messages before the newest one";
  if (y.pending > 0)
    return "is quick, but waits for " + std::to_string(y.pending) + " answers of others";
  return "is quick: nothing waits here";
}

/// Whom an actor's work depends on, by its kind: the actors it asks.
std::vector<actor_row> behind(context& c, const actor_row& x, const json& state) {
  std::set<caf::actor_id> ids;
  std::set<std::string> wanted;
  auto kind = std::string_view{x.kind};
  if (kind == "stream" || kind == "partition" || kind == "relay")
    wanted = {"reader"};
  else if (kind == "api")
    wanted = {"reader", "hub", "catalog-writer"};
  if (x.parent != 0)
    ids.insert(x.parent);
  if (state.is_object() && state.contains("feeds"))
    for (auto& feed : state["feeds"])
      if (auto source = feed.value("source", std::uint64_t{0}); source != 0 && ids.size() < 50)
        ids.insert(source);
  std::vector<actor_row> out;
  for (auto id : ids)
    if (auto row = c.actors.find(id))
      out.push_back(std::move(*row));
  if (!wanted.empty())
    c.actors.walk(
        0, 50, [&](const char* k, std::string_view) { return wanted.contains(std::string{k}); },
        [&](actor_row&& row) { out.push_back(std::move(row)); });
  return out;
}

} // namespace

json dead(context& c) {
  auto letters = json::array();
  for (auto& x : c.actors.undelivered())
    letters.push_back({{"message", x.message}, {"receiver", x.receiver}, {"why", x.why},
        {"count", x.count}, {"last_ms", x.last_ms}});
  auto deaths = json::array();
  for (auto& x : c.actors.deaths())
    deaths.push_back({{"time_ms", x.time_ms}, {"id", x.id}, {"kind", x.kind}, {"label", x.label},
        {"why", x.why}, {"handled", x.handled}});
  return {{"node", c.node.name}, {"letters", std::move(letters)}, {"deaths", std::move(deaths)}};
}

json stuck(context& c, std::string_view text) {
  auto q = api::query{text, "for_ms"};
  auto window = std::chrono::milliseconds{q.number("for_ms", 500, 2000)};
  std::vector<actor_row> before;
  c.actors.walk(0, SIZE_MAX, nullptr, [&](actor_row&& x) {
    if (!x.idle && std::string_view{x.kind} != "inspector")
      before.push_back(std::move(x));
  });
  std::this_thread::sleep_for(window); // this thread is nobody else's
  auto out = json::array();
  for (auto& x : before) {
    auto now = c.actors.find(x.id);
    if (!now || now->idle || now->handled != x.handled || out.size() == max_stuck)
      continue;
    auto row = row_json(*now, c.actors);
    row["for_ms"] = window.count();
    row["why"] = now->running ? "inside one handler all the time" : "ready, but not run";
    out.push_back(std::move(row));
  }
  return {{"node", c.node.name}, {"stuck", std::move(out)}};
}

json why_waiting(context& c, caf::actor_id id) {
  auto row = c.actors.find(id);
  if (!row)
    throw api::refusal{ec::not_found, "no living actor has this id"};
  auto steps = json::array();
  auto worst = std::pair<std::uint64_t, json>{0, nullptr};
  auto look = [&](const actor_row& x, detail_level level) {
    auto answer = c.actors.probe({x.id}, level, probe_patience).front();
    auto now = c.actors.find(x.id).value_or(x);
    auto waited = answer.answered
                      ? answer.waited_us
                      : static_cast<std::uint64_t>(probe_patience / std::chrono::microseconds{1});
    json step = {{"id", x.id}, {"kind", x.kind}, {"label", x.label}, {"waited_us", waited},
        {"answered", answer.answered}, {"ahead", answer.ahead}, {"pending", answer.pending},
        {"says", verdict(now, answer)}};
    if (waited >= slow_us && waited > worst.first)
      worst = {waited, step};
    steps.push_back(std::move(step));
    return json::parse(answer.state.empty() ? "null" : answer.state, nullptr, false);
  };
  auto state = look(*row, detail_level::full);
  for (auto& x : behind(c, *row, state))
    look(x, detail_level::brief);
  auto log = c.sv->log->stats();
  json out = {{"node", c.node.name}, {"id", id}, {"kind", row->kind}, {"label", row->label}};
  out["log"] = {{"queued_bytes", log.queued_bytes},
      {"sync_us", log.rounds == 0 ? 0 : log.sync_microseconds / log.rounds}};
  out["steps"] = std::move(steps);
  out["waits_at"] = worst.second;
  return out;
}

json scheduler(context& c) {
  auto before = threads();
  std::this_thread::sleep_for(cpu_window);
  auto now = threads();
  auto tick = 1e3 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  auto window_ms = static_cast<double>(cpu_window.count());
  auto list = json::array();
  for (auto& [id, t] : now) {
    auto used = t.user + t.system;
    auto i = before.find(id);
    auto then = i == before.end() ? used : i->second.user + i->second.system;
    list.push_back({{"thread", id}, {"name", t.name}, {"state", t.state},
        {"busy", static_cast<double>(used - then) * tick / window_ms},
        {"user_ms", static_cast<double>(t.user) * tick},
        {"system_ms", static_cast<double>(t.system) * tick}});
  }
  auto of_kinds = kinds(c);
  std::uint64_t ready = 0, running = 0;
  for (auto& x : of_kinds) {
    ready += x["ready"].get<std::uint64_t>();
    running += x["running"].get<std::uint64_t>();
  }
  return {{"node", c.node.name}, {"workers", c.system.scheduler().num_workers()},
      {"throughput", c.system.scheduler().max_throughput()}, {"actors_running", running},
      {"actors_ready", ready}, {"threads", std::move(list)}};
}

json snapshot(context& c) {
  json out = {{"node", c.node.name}, {"time_ms", c.sv->now_ms()}};
  out["facts"] = nodes(c);
  out["kinds"] = kinds(c);
  out["partitions"] = partitions(c)["partitions"];
  auto dead_now = dead(c);
  out["letters"] = dead_now["letters"];
  out["deaths"] = dead_now["deaths"];
  out["busiest"] = actor_list(c, "sort=handled&limit=100")["actors"];
  out["deepest"] = actor_list(c, "sort=depth&limit=20")["actors"];
  out["metrics"] = c.node.metrics ? c.node.metrics() : "";
  return out;
}

json bundle(context& c) {
  auto out = snapshot(c);
  out["config"] = c.node.config ? c.node.config() : "";
  out["tree"] = supervision_tree(c, "");
  out["sched"] = scheduler(c);
  out["stuck"] = stuck(c, "for_ms=200")["stuck"];
  out["warnings"] = log::recent_warnings();
  return out;
}

} // namespace shoal::inspect
