// /inspect/actors: pages of all actors, and the first by depth, age, rate, busy time or memory.
#include <algorithm>
#include <cstdlib>
#include <regex>
#include <set>

#include <cxxabi.h>

#include "actors/inspect/views.hpp"
#include "actors/registry/monotonic.hpp"

namespace shoal::inspect {

namespace {

constexpr std::uint32_t max_rows = 10'000;
constexpr std::size_t max_candidates = 10'000;
constexpr auto probe_patience = std::chrono::milliseconds{250};
constexpr auto watch_for = std::chrono::seconds{15};

struct looked_at {
  actor_row row;
  probe_answer probe; ///< of those that are not idle
  sampler::rates rate;
};

using order = std::function<double(const looked_at&)>;

order order_of(const std::string& sort) {
  if (sort == "depth")
    return [](const looked_at& x) { return static_cast<double>(x.probe.ahead + x.probe.behind); };
  if (sort == "age")
    return [](const looked_at& x) {
      return x.row.idle         ? 0.0
             : x.probe.answered ? static_cast<double>(x.probe.waited_us)
                                : 1e18; // longer than anybody waited
    };
  if (sort == "rate")
    return [](const looked_at& x) { return x.rate.per_s; };
  if (sort == "busy")
    return [](const looked_at& x) { return x.rate.busy; };
  if (sort == "handled")
    return [](const looked_at& x) { return static_cast<double>(x.row.handled); };
  if (sort == "memory")
    return [](const looked_at& x) { return static_cast<double>(x.row.bytes); };
  if (sort == "up")
    return [](const looked_at& x) { return static_cast<double>(x.row.age_s); };
  if (sort == "id")
    return [](const looked_at& x) { return -static_cast<double>(x.row.id); };
  throw api::refusal{ec::invalid_argument,
      "sort: one of id, depth, age, rate, busy, handled, memory, up; or nothing, for pages"};
}

actor_registry::filter filter_of(const api::query& q) {
  auto kind = q.text("kind"), label = q.text("label");
  if (kind.empty() && label.empty())
    return nullptr;
  return [kind, label](const char* k, std::string_view l) {
    return (kind.empty() || kind == k) && (label.empty() || l.find(label) != l.npos);
  };
}

void probe(context& c, std::vector<looked_at>& rows) {
  std::vector<caf::actor_id> ids;
  for (auto& x : rows) {
    if (x.row.id == c.self)
      x.row.idle = true; // it is busy with this
    if (!x.row.idle)
      ids.push_back(x.row.id);
  }
  if (ids.empty())
    return;
  auto answers = c.actors.probe(ids, detail_level::brief, probe_patience);
  std::size_t next = 0;
  for (auto& x : rows)
    if (!x.row.idle)
      x.probe = std::move(answers[next++]);
}

/// The `limit` first in this order, of all actors. Depth and age are asked for from those that are
/// not idle; the others have none.
std::vector<looked_at> first_of_all(
    context& c, const api::query& q, const std::string& sort, std::size_t limit) {
  auto less = [by = order_of(sort)](const looked_at& x, const looked_at& y) {
    auto a = by(x), b = by(y);
    return a != b ? a > b : x.row.id < y.row.id;
  };
  auto of_queue = sort == "depth" || sort == "age";
  auto of_window = sort == "rate" || sort == "busy";
  if (of_window) {
    c.actors.watch(watch_for);
    std::vector<sampler::point> points;
    points.reserve(c.actors.size());
    c.actors.walk(0, SIZE_MAX, nullptr, [&](actor_row&& x) {
      points.push_back({x.id, x.handled, x.busy_ns});
    });
    c.samples.add(monotonic_ns(), std::move(points));
  }
  std::vector<looked_at> best, waiting;
  c.actors.walk(0, SIZE_MAX, filter_of(q), [&](actor_row&& row) {
    auto x = looked_at{std::move(row), {}, {}};
    if (of_queue && !x.row.idle && waiting.size() < max_candidates) {
      waiting.push_back(std::move(x));
      return;
    }
    if (of_window)
      x.rate = c.samples.of({x.row.id, x.row.handled, x.row.busy_ns});
    if (best.size() == limit && !less(x, best.front()))
      return;
    best.push_back(std::move(x));
    std::ranges::push_heap(best, less);
    if (best.size() > limit) {
      std::ranges::pop_heap(best, less);
      best.pop_back();
    }
  });
  probe(c, of_queue ? waiting : best);
  std::ranges::move(waiting, std::back_inserter(best));
  std::ranges::sort(best, less);
  best.resize(std::min(best.size(), limit));
  return best;
}

json shown(const looked_at& x, const actor_registry& in, bool with_rates) {
  auto out = row_json(x.row, in);
  if (x.row.idle) {
    out["depth"] = 0;
    out["age_us"] = 0;
  } else if (x.probe.answered) {
    out["depth"] = x.probe.ahead + x.probe.behind;
    out["age_us"] = x.probe.waited_us;
  } else {
    out["depth"] = nullptr; // it did not get to the probe in time
    out["age_us"] = probe_patience / std::chrono::microseconds{1};
    out["late"] = true;
  }
  if (with_rates) {
    out["rate"] = x.rate.per_s;
    out["busy"] = x.rate.busy;
  }
  return out;
}

/// "append append_call" for what CAF calls caf::replies_to<append,<invalid-type[typeid
/// N5shoal…E]>>.
std::string readable(const std::string& signature) {
  static const auto type = std::regex{R"(<invalid-type\[typeid ([^\]]+)\]>)"};
  static const auto space = std::regex{R"(shoal::(?:\w+::)*)"};
  std::string out;
  auto rest = signature;
  for (std::smatch m; std::regex_search(rest, m, type); rest = m.suffix()) {
    out += m.prefix();
    auto status = 0;
    std::unique_ptr<char, void (*)(void*)> text{
        abi::__cxa_demangle(m[1].str().c_str(), nullptr, nullptr, &status), std::free};
    out += text ? text.get() : m[1].str();
  }
  out = std::regex_replace(out + rest, space, "");
  // A handle's type is its whole interface: to say that it is an actor is enough.
  constexpr std::string_view handle = "caf::typed_actor<";
  for (auto at = out.find(handle); at != std::string::npos; at = out.find(handle)) {
    auto end = at + handle.size();
    for (auto depth = 1; end < out.size() && depth > 0; ++end)
      depth += out[end] == '<' ? 1 : out[end] == '>' ? -1 : 0;
    out.replace(at, end - at, "actor");
  }
  for (auto noise : {"caf::replies_to<", "caf::reacts_to<", ">::with<void>"})
    if (auto at = out.find(noise); at != std::string::npos)
      out.erase(at, std::string_view{noise}.size());
  if (auto at = out.find(">::with<"); at != std::string::npos)
    out = out.substr(0, at) + " -> " + out.substr(at + 8, out.size() - at - 9);
  std::ranges::replace(out, ',', ' ');
  return out;
}

/// For who asked for a kind that nobody is of.
std::set<std::string_view> kinds_of(const actor_registry& actors) {
  std::set<std::string_view> out; // of static texts
  auto note = [&](const char* kind, std::string_view) {
    out.emplace(kind);
    return false;
  };
  actors.walk(0, SIZE_MAX, note, [](actor_row&&) {});
  return out;
}

} // namespace

json row_json(const actor_row& x, const actor_registry& in) {
  return {{"id", x.id}, {"kind", x.kind}, {"label", x.label}, {"parent", x.parent},
      {"state", x.running ? "running"
                : x.idle  ? "idle"
                          : "ready"},
      {"handled", x.handled}, {"bytes", x.bytes}, {"up_s", x.age_s}, {"timeouts", x.timeouts},
      {"restarts", in.restarts_of(x.kind, x.label)}};
}

json actor_list(context& c, std::string_view text) {
  auto q = api::query{text, "kind label sort limit cursor"};
  auto limit = q.limit(100, max_rows);
  auto sort = q.text("sort");
  auto rows = std::vector<looked_at>{};
  json out = {{"node", c.node.name}, {"total", c.actors.size()}};
  auto with_rates = sort == "rate" || sort == "busy";
  if (!sort.empty()) {
    if (!q.text("cursor").empty())
      throw api::refusal{ec::invalid_argument, "cursor: a sorted list has one page; see limit"};
    rows = first_of_all(c, q, sort, limit);
    if (with_rates)
      out["window_ms"] = c.samples.window_ns() / 1'000'000;
  } else {
    auto cursor =
        c.actors.walk(q.number("cursor", 0, UINT64_MAX), limit, filter_of(q), [&](actor_row&& x) {
          rows.push_back({std::move(x), {}, {}});
        });
    probe(c, rows);
    if (cursor != 0)
      out["cursor"] = std::to_string(cursor);
  }
  auto list = json::array();
  for (auto& x : rows)
    list.push_back(shown(x, c.actors, with_rates));
  if (list.empty() && !q.text("kind").empty())
    out["kinds"] = kinds_of(c.actors);
  out["actors"] = std::move(list);
  return out;
}

json one_actor(context& c, caf::actor_id id) {
  auto row = c.actors.find(id);
  if (!row)
    throw api::refusal{ec::not_found, "no living actor has this id"};
  auto out = row_json(*row, c.actors);
  out["node"] = c.node.name;
  auto answer = c.actors.probe({id}, detail_level::full, std::chrono::seconds{1}).front();
  out["answered"] = answer.answered;
  if (answer.answered) {
    out["queue"] = {
        {"ahead", answer.ahead}, {"behind", answer.behind}, {"waited_us", answer.waited_us}};
    out["requests"] = {
        {"pending", answer.pending}, {"awaited", answer.awaited}, {"timed_out", row->timeouts}};
    out["bytes"] = answer.bytes;
  }
  if (auto parent = c.actors.find(row->parent))
    out["parent"] = row_json(*parent, c.actors);
  auto accepts = json::array();
  if (auto hdl = c.actors.handle(id))
    for (auto& x : hdl->get()->message_types())
      accepts.push_back(readable(x));
  out["accepts"] = std::move(accepts);
  auto errors = json::array();
  for (auto& x : c.actors.deaths())
    if (x.parent == id || (x.kind == row->kind && x.label == row->label))
      errors.push_back({{"time_ms", x.time_ms}, {"id", x.id}, {"kind", x.kind}, {"label", x.label},
          {"why", x.why}});
  out["deaths"] = std::move(errors);
  if (!answer.state.empty())
    out["status"] = json::parse(answer.state, nullptr, false);
  return out;
}

} // namespace shoal::inspect
