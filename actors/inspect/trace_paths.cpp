#include "actors/inspect/trace_paths.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace shoal::inspect {

namespace {

/// One message: its three events put together.
struct passage {
  trace_verb verb{};
  caf::actor_id actor = 0, sender = 0;
  std::string kind, stream;
  std::uint64_t queued = 0, begun = 0, ended = 0;
  std::uint64_t call = 0, upto = 0;
  bool whole() const { return queued != 0 && begun != 0 && ended != 0; }
};

std::vector<passage> passages_of(const std::vector<trace_event>& events) {
  std::vector<passage> out;
  std::map<const void*, std::size_t> living; // message -> its passage
  for (auto& e : events) {
    if (e.step == trace_step::queued) {
      living[e.message] = out.size();
      out.push_back({e.verb, e.actor, e.sender, e.kind, e.stream, e.ns, 0, 0, e.call, e.upto});
      continue;
    }
    auto i = living.find(e.message);
    if (i == living.end())
      continue; // it was sent before the trace began
    auto& p = out[i->second];
    if (e.step == trace_step::begun) {
      p.begun = e.ns;
    } else {
      p.ended = e.ns;
      living.erase(i);
    }
  }
  return out;
}

class chains {
public:
  explicit chains(std::vector<passage> all) : all_{std::move(all)} {}

  /// The message that `who` was handling at that moment.
  const passage* handled_by(caf::actor_id who, std::uint64_t ns, trace_verb verb) const {
    for (auto& p : all_)
      if (p.actor == who && p.verb == verb && p.begun != 0 && p.begun <= ns &&
          (p.ended == 0 || ns <= p.ended))
        return &p;
    return nullptr;
  }

  /// The message of this verb and call that `sender` sent.
  const passage* sent_by(caf::actor_id sender, trace_verb verb, std::uint64_t call) const {
    for (auto& p : all_)
      if (p.sender == sender && p.verb == verb && p.call == call)
        return &p;
    return nullptr;
  }

  const std::vector<passage>& all() const { return all_; }

private:
  std::vector<passage> all_;
};

std::uint64_t us(std::uint64_t from, std::uint64_t to) {
  return to > from ? (to - from) / 1000 : 0;
}

path_step step_of(std::string what, const passage& p, std::uint64_t origin) {
  return {
      std::move(what), p.actor, us(origin, p.queued), us(p.queued, p.begun), us(p.begun, p.ended)};
}

/// The caller's side of an append whose partition another node leads: the stand-in took it, and
/// answered for that node.
op_path path_to_another_node(const chains& in, const passage& to_stand_in, const passage& answer) {
  auto* call = in.handled_by(answer.actor, to_stand_in.queued, trace_verb::call);
  op_path out;
  out.stream = to_stand_in.stream;
  out.call = answer.call;
  out.id = answer.upto;
  out.began_ns = call != nullptr ? call->queued : to_stand_in.queued;
  out.total_us = us(out.began_ns, answer.ended);
  if (call != nullptr)
    out.steps.push_back(step_of("api", *call, out.began_ns));
  out.steps.push_back(step_of("stand-in", to_stand_in, out.began_ns));
  out.steps.push_back({"another node", 0, us(out.began_ns, to_stand_in.ended), 0,
      us(to_stand_in.ended, answer.queued)});
  out.steps.push_back(step_of("api answers", answer, out.began_ns));
  return out;
}

/// The path that ended with this answer to the api, or to the server of other nodes' calls; nothing
/// if a part of it is missing.
std::optional<op_path> path_of(const chains& in, const passage& answer) {
  auto* commit = in.handled_by(answer.sender, answer.queued, trace_verb::committed);
  const passage *to_partition = nullptr, *to_stream = nullptr;
  for (auto& p : in.all()) {
    if (p.verb != trace_verb::append || p.call != answer.call || !p.whole())
      continue;
    if (p.actor == answer.sender)
      to_stream = &p;
    else if (p.sender == answer.actor)
      to_partition = &p;
  }
  if (to_stream == nullptr || !answer.whole())
    return std::nullopt;
  if (to_stream->sender == answer.actor)
    return path_to_another_node(in, *to_stream, answer);
  if (to_partition == nullptr)
    return std::nullopt;
  auto* call = in.handled_by(answer.actor, to_partition->queued, trace_verb::call);
  op_path out;
  out.stream = to_stream->stream;
  out.call = answer.call;
  out.id = answer.upto;
  out.began_ns = call != nullptr ? call->queued : to_partition->queued;
  out.total_us = us(out.began_ns, answer.ended);
  if (call != nullptr)
    out.steps.push_back(step_of("api", *call, out.began_ns));
  out.steps.push_back(step_of("partition", *to_partition, out.began_ns));
  out.steps.push_back(step_of("stream", *to_stream, out.began_ns));
  if (commit != nullptr) {
    out.steps.push_back(
        {"disk", 0, us(out.began_ns, to_stream->ended), 0, us(to_stream->ended, commit->queued)});
    out.steps.push_back(step_of("stream commits", *commit, out.began_ns));
  }
  auto for_other = answer.kind == "call-server";
  out.steps.push_back(
      step_of(for_other ? "answers the other node" : "api answers", answer, out.began_ns));
  if (commit != nullptr)
    for (auto& p : in.all())
      if (p.verb == trace_verb::ops && p.sender == answer.sender && p.whole() &&
          commit->begun <= p.queued && p.queued <= commit->ended && p.upto >= out.id)
        out.steps.push_back(step_of(p.kind, p, out.began_ns));
  std::ranges::stable_sort(out.steps, {}, &path_step::at_us);
  return out;
}

} // namespace

std::vector<op_path> trace_paths(const std::vector<trace_event>& events) {
  auto in = chains{passages_of(events)};
  std::vector<op_path> out;
  for (auto& p : in.all())
    if (p.verb == trace_verb::appended)
      if (auto path = path_of(in, p))
        out.push_back(std::move(*path));
  return out;
}

} // namespace shoal::inspect
