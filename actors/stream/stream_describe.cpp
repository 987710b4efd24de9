// What a stream says about itself to actor-inspector. Called in its own thread.
#include <nlohmann/json.hpp>

#include "actors/stream/stream_state.hpp"

namespace shoal {

namespace {

constexpr std::size_t shown_listeners = 100;
constexpr std::size_t bytes_per_op = 200; // a record without its payload

using json = nlohmann::ordered_json;

json describe(const stream_state::slot& s) {
  auto& log = s.log;
  json out = {{"biz", log.biz()->name}, {"epoch", log.epoch()}, {"last", log.committed()},
      {"assigned", log.meta().last}, {"floor", log.floor()}, {"lost", log.lost()},
      {"ops_in_memory", log.tail_ops()}, {"quarantined", s.quarantined}, {"trimming", s.trimming},
      {"listeners", s.listeners.size()}};
  auto devices = json::array();
  for (auto& x : s.listeners) {
    if (devices.size() == shown_listeners)
      break;
    if (x.device.empty()) { // what its devices acknowledge only the relay knows
      devices.push_back({{"device", "(relay)"}, {"sent", x.sent}, {"attached_ms", x.attached_ms}});
      continue;
    }
    devices.push_back({{"device", x.device}, {"sent", x.sent}, {"acked", x.acked},
        {"backlog", log.committed() - std::min(x.acked, log.committed())},
        {"attached_ms", x.attached_ms}});
  }
  out["devices"] = std::move(devices);
  return out;
}

} // namespace

std::string stream_state::describe() const {
  auto list = json::array();
  for (auto& [no, s] : slots)
    list.push_back(shoal::describe(s));
  return json{{"principal", to_string(key.who)}, {"partition", raw(part)},
      {"bizs", std::move(list)}, {"appends_in_flight", in_flight},
      {"items_in_flight", pending_items}, {"items_waiting", waiting_items},
      {"reading", attaching > 0 || !opening.empty()},
      {"failing", failing == ec::none ? "" : std::string{to_string(failing)}},
      {"cursors_to_write", dirty_cursors.size()}, {"received", received},
      {"idle_since_ms", idle_since_ms}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::size_t stream_state::memory() const {
  auto out = key.who.id.capacity();
  for (auto& [no, s] : slots) {
    out += sizeof(std::pair<biz_no, slot>) + s.log.tail_ops() * bytes_per_op;
    for (auto& x : s.listeners)
      out += sizeof(x) + x.device.capacity() + x.subject.capacity();
  }
  return out + pending_items * sizeof(append_result) + waiting_items * sizeof(append_item);
}

} // namespace shoal
