// /inspect/trace: keeps the trace ring on for some seconds and tells the paths it has seen. Asked
// again and again by whoever wants to follow.
#include "actors/inspect/trace_paths.hpp"
#include "actors/inspect/views.hpp"

namespace shoal::inspect {

namespace {

constexpr std::uint64_t stays_on_ns = 5'000'000'000;

} // namespace

json trace(context& c, std::string_view text) {
  auto q = api::query{text, "stream after_ns limit"};
  auto after = q.number("after_ns", 0, UINT64_MAX);
  auto limit = q.limit(10, 100);
  auto stream = q.text("stream"); // APP/user:ID or user:ID; the path knows the principal
  if (auto split = stream.find('/'); split != std::string::npos)
    stream = stream.substr(split + 1);
  c.actors.trace().ask(stays_on_ns);
  auto list = json::array();
  for (auto& x : trace_paths(c.actors.trace().events())) {
    if (x.began_ns <= after || (!stream.empty() && x.stream != stream) || list.size() == limit)
      continue;
    auto steps = json::array();
    for (auto& s : x.steps)
      steps.push_back({{"what", s.what}, {"actor", s.actor}, {"at_us", s.at_us},
          {"mailbox_us", s.mailbox_us}, {"handler_us", s.handler_us}});
    list.push_back({{"began_ns", x.began_ns}, {"stream", x.stream}, {"id", x.id},
        {"total_us", x.total_us}, {"steps", std::move(steps)}});
  }
  return {{"node", c.node.name}, {"ops", std::move(list)}};
}

} // namespace shoal::inspect
