#include "actors/gateway/sync_backend.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace shoal::gateway {

using mgw::result;

namespace {

constexpr auto tick_every = std::chrono::milliseconds{100};
constexpr std::size_t max_key = 90; ///< with the prefix within the 99 that are allowed

local_answer too_late() {
  return local_failure(result::backend_timeout, "the op may have been stored");
}

std::string_view last_segment(std::string_view path) {
  return path.substr(path.rfind('/') + 1); // npos + 1 is 0
}

} // namespace

std::variant<append_item, local_answer> op_of(
    const local_request& x, const catalog& known, std::int64_t now_ms, std::uint32_t payload_max) {
  auto name = last_segment(x.path);
  auto out = append_item{};
  out.biz = known.biz(x.number, name);
  if (!out.biz || !out.biz->online || out.biz->scope == biz_scope::global)
    return local_failure(
        result::target_service_missing, "the path must end in a biz that is online and not global");
  auto for_users = out.biz->target == biz_target::user;
  auto& who = for_users ? x.user : x.device;
  if (!valid_external_id(who))
    return local_failure(
        result::not_logged_in, for_users ? "the user is not proven" : "the device is not proven");
  out.who = for_users ? principal::user(who) : principal::device(who);
  if (x.body.empty())
    return local_failure(result::request_data_empty, "");
  if (x.body.size() > std::min(out.biz->payload_max, payload_max))
    return local_failure(result::malformed_request, "the payload is larger than the biz allows");
  out.op.payload = x.body;
  if (auto key = header_of(x.headers, "Idempotency-Key"); !key.empty()) {
    auto printable = std::ranges::all_of(key, [](char c) { return c >= ' ' && c <= '~'; });
    if (key.size() > max_key || !printable) // devices get it as text
      return local_failure(result::malformed_request, "Idempotency-Key");
    out.op.client_key.append(clients_key_prefix).append(key);
  }
  out.op.valid_until_ms = now_ms + std::int64_t{out.biz->retention_s} * 1'000;
  return out;
}

local_answer answer_of_append(const append_result& x) {
  if (x.code == ec::overloaded)
    return local_failure(result::limit_exceeded, "too many ops of this principal are on their way");
  if (x.code != ec::none)
    return local_failure(result::backend_failed, std::string{to_string(x.code)});
  auto out = local_answer{};
  out.body.append("{\"id\":").append(std::to_string(x.at.id));
  out.body.append(",\"epoch\":").append(std::to_string(x.at.epoch));
  out.body.append(",\"repeated\":").append(x.repeated ? "true" : "false");
  out.body.append(",\"online\":").append(std::to_string(x.online)).append("}");
  return out;
}

void sync_backend_state::serve(const local_call& x) {
  if (now_us() >= x.request->deadline_us)
    return x.answer(local_failure(result::backend_timeout, "nothing was stored"));
  auto made = op_of(*x.request, *sv->catalog.load(), sv->now_ms(), sv->limit.payload_max);
  if (auto* flaw = std::get_if<local_answer>(&made))
    return x.answer(std::move(*flaw));
  auto number = ++last;
  auto& kept = calls[number];
  kept = {x, std::get<append_item>(std::move(made)), false};
  hand_in(number, kept);
  if (!std::exchange(ticking, true))
    self->delayed_send(self, tick_every, atom::tick::value);
}

/// The clock of deadlines, as actors have it.
std::int64_t sync_backend_state::now_us() const {
  using namespace std::chrono;
  return duration_cast<microseconds>(self->clock().now().time_since_epoch()).count();
}

void sync_backend_state::hand_in(std::uint64_t number, waiting& x) {
  auto partition = sv->where.owner_of(x.call.request->number, x.item.who);
  if (!partition) {
    x.moving = true; // its home comes back, or the call's time is over
    return;
  }
  auto out = append_call{};
  out.call = number;
  out.app = x.call.request->number;
  out.client = append_client_actor{self};
  out.items.push_back(x.item);
  self->send(partition, atom::append::value, std::move(out));
}

void sync_backend_state::appended(const append_answer& x) {
  auto found = calls.find(x.call);
  if (found == calls.end() || x.results.empty())
    return; // nobody waits for it any more
  auto& said = x.results.front();
  if (said.code == ec::moving) { // nothing was stored: again with the next tick
    found->second.moving = true;
    return;
  }
  found->second.call.answer(answer_of_append(said));
  calls.erase(found);
}

void sync_backend_state::tick() {
  std::erase_if(calls, [now = now_us()](auto& x) {
    auto& call = x.second.call;
    auto late = now >= call.request->deadline_us;
    if (late)
      call.answer(too_late());
    return late;
  });
  for (auto& [number, x] : calls)
    if (std::exchange(x.moving, false))
      hand_in(number, x);
  ticking = !calls.empty();
  if (ticking)
    self->delayed_send(self, tick_every, atom::tick::value);
}

sync_backend_actor::behavior_type sync_backend(
    sync_backend_actor::stateful_pointer<sync_backend_state> self, services_ptr services) {
  self->state.sv = std::move(services);
  return {
      [self](atom::appended, const append_answer& x) { self->state.appended(x); },
      [self](atom::call, const local_call& x) { self->state.serve(x); },
      [self](atom::tick) { self->state.tick(); },
  };
}

} // namespace shoal::gateway
