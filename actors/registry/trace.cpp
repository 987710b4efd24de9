#include "actors/registry/trace.hpp"

#include "actors/interfaces.hpp"
#include "actors/registry/monotonic.hpp"

namespace shoal {

namespace {

/// Fills in what the message says; false if it is not on the append path. Content that its handler
/// has moved from says nothing, so facts come with `queued`.
bool read(const caf::type_erased_tuple& x, trace_event& out) {
  if (x.match_elements<caf::atom_value, api_call>()) {
    out.verb = trace_verb::call;
  } else if (x.match_elements<caf::atom_value, append_call>()) {
    auto& call = x.get_as<append_call>(1);
    out.verb = trace_verb::append;
    out.call = call.call;
    if (!call.items.empty())
      out.stream = to_string(call.items.front().who);
  } else if (x.match_elements<caf::atom_value, commit_result>()) {
    out.verb = trace_verb::committed;
  } else if (x.match_elements<caf::atom_value, append_answer>()) {
    auto& answer = x.get_as<append_answer>(1);
    out.verb = trace_verb::appended;
    out.call = answer.call;
    if (!answer.results.empty())
      out.upto = answer.results.back().at.id;
  } else if (x.match_elements<caf::atom_value, feed_ops>()) {
    auto& ops = x.get_as<feed_ops>(1);
    out.verb = trace_verb::ops;
    if (ops.batch) {
      out.after = ops.batch->after;
      out.upto = ops.batch->upto;
      out.stream = ops.batch->biz->name;
    }
  } else {
    return false;
  }
  return true;
}

} // namespace

void trace_ring::ask(std::uint64_t for_ns) {
  std::lock_guard lock{mutex_};
  if (!on()) {
    ring_.clear();
    next_ = 0;
  }
  until_ns_ = monotonic_ns() + for_ns;
  on_.store(true, std::memory_order_relaxed);
}

void trace_ring::stop() { on_.store(false, std::memory_order_relaxed); }

std::vector<trace_event> trace_ring::events() const {
  std::lock_guard lock{mutex_};
  std::vector<trace_event> out;
  out.reserve(ring_.size());
  for (std::size_t i = 0; i < ring_.size(); ++i)
    out.push_back(ring_[(next_ + i) % ring_.size()]);
  return out;
}

void trace_ring::queued(const caf::mailbox_element& x, const caf::local_actor& to) {
  add(trace_step::queued, x, to, monotonic_ns());
}

void trace_ring::begun(
    const caf::mailbox_element& x, const caf::local_actor& who, std::uint64_t now_ns) {
  add(trace_step::begun, x, who, now_ns);
}

void trace_ring::ended(
    const caf::mailbox_element& x, const caf::local_actor& who, std::uint64_t now_ns) {
  add(trace_step::ended, x, who, now_ns);
}

void trace_ring::add(trace_step step, const caf::mailbox_element& x, const caf::local_actor& who,
    std::uint64_t now_ns) {
  trace_event e;
  if (!read(x.content(), e))
    return;
  e.ns = now_ns;
  e.step = step;
  e.actor = who.id();
  e.kind = who.name();
  e.sender = x.sender ? x.sender->id() : 0;
  e.message = &x;
  std::lock_guard lock{mutex_};
  if (now_ns > until_ns_)
    return stop();
  if (ring_.size() < capacity) {
    ring_.push_back(std::move(e));
  } else {
    ring_[next_] = std::move(e);
    next_ = (next_ + 1) % capacity;
  }
}

} // namespace shoal
