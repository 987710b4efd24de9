#include "actors/api/api_state.hpp"
#include "actors/api/json_reader.hpp"
#include "actors/api/problem.hpp"
#include "actors/api/sync_codec.hpp"

namespace shoal::api {

namespace {

std::string_view detail_of(ec code) {
  switch (code) {
  case ec::target_offline:
    return "check_online was asked for and no device listens";
  case ec::storage_full:
    return "the disk is full; nothing was stored";
  case ec::storage_failed:
    return "the store failed; nothing was stored";
  case ec::quarantined:
    return "the stream's stored data is damaged; an operator must look";
  default:
    return "";
  }
}

} // namespace

void api_state::sync(exchange& x) {
  auto body = parse_body(x.request.body);
  auto wait = append_wait{x.respond, true, std::vector<slot>(1), 0, {}, {}, {}};
  auto list = std::vector<append_item>{};
  list.push_back(read_item(body, {*x.known, x.app->no, sv->now_ms(), sv->limit.payload_max}));
  wait.slots.front().global = list.front().biz->scope == biz_scope::global;
  submit(x, std::move(wait), std::move(list));
}

void api_state::sync_batch(exchange& x) {
  auto body = parse_body(x.request.body);
  auto in = json_reader{body};
  auto given = in.array("items", sv->limit.batch_items);
  in.require(given && !given->empty(), "items");
  in.finish();
  auto wait = append_wait{x.respond, false, std::vector<slot>(given->size()), 0, {}, {}, {}};
  auto rules = sync_rules{*x.known, x.app->no, sv->now_ms(), sv->limit.payload_max};
  auto list = std::vector<append_item>{};
  list.reserve(given->size());
  for (auto i = std::uint32_t{0}; i < given->size(); ++i)
    try {
      list.push_back(read_item((*given)[i], rules));
      list.back().index = i;
      wait.slots[i].global = list.back().biz->scope == biz_scope::global;
    } catch (const refusal& why) {
      wait.slots[i] = {{i, why.code, {}, false, 0}, why.detail, true, false};
    }
  submit(x, std::move(wait), std::move(list));
}

void api_state::submit(const exchange& x, append_wait wait, std::vector<append_item> list) {
  if (calls.size() >= max_calls || (items > 0 && items + list.size() > max_items))
    throw refusal{ec::overloaded, ""};
  auto call = ++last_call;
  wait.app = x.app->no;
  wait.open = list.size();
  items += list.size();
  if (sv->remote) {
    wait.kept.resize(wait.slots.size());
    for (const auto& item : list)
      wait.kept[item.index] = item;
  }
  hand_in(call, wait, std::move(list));
  if (wait.open == 0)
    return finish(wait);
  calls.emplace(call, std::move(wait));
  deadlines.emplace_back(self->clock().now() + sv->limit.call_timeout, call);
  if (!ticking) {
    ticking = true;
    self->delayed_send(self, tick_every, atom::tick::value);
  }
}

void api_state::hand_in(std::uint64_t call, append_wait& wait, std::vector<append_item> list) {
  auto shares = std::unordered_map<partition_no, append_call>{};
  for (auto& item : list) {
    auto& share = shares[sv->where.number_of(wait.app, item.who)];
    share.items.push_back(std::move(item));
  }
  for (auto& [no, share] : shares) {
    share.call = call;
    share.app = wait.app;
    share.client = append_client_actor{self};
    if (auto partition = sv->where.partition(no)) {
      self->send(partition, atom::append::value, std::move(share));
      continue;
    }
    for (const auto& item : share.items)
      settle(wait.slots[item.index], {item.index, ec::going_away, {}, false, 0});
    wait.open -= share.items.size();
    items -= share.items.size();
  }
}

/// A partition that moves says so at once, and nothing was stored: its items wait for the next
/// tick, until the call's own time is over.
void api_state::try_again() {
  for (auto call : std::exchange(moving, {})) {
    auto i = calls.find(call);
    if (i == calls.end())
      continue;
    auto& wait = i->second;
    auto list = std::vector<append_item>{};
    for (auto index : std::exchange(wait.again, {}))
      list.push_back(wait.kept[index]);
    hand_in(call, wait, std::move(list));
    if (wait.open == 0) {
      finish(wait);
      calls.erase(i);
    }
  }
}

void api_state::appended(const append_answer& x) {
  auto i = calls.find(x.call);
  if (i == calls.end())
    return; // answered as overdue
  auto& wait = i->second;
  for (const auto& result : x.results) {
    if (result.index >= wait.slots.size() || wait.slots[result.index].answered)
      continue;
    if (result.code == ec::moving && !wait.kept.empty()) {
      wait.again.push_back(result.index);
      moving.insert(x.call);
      continue;
    }
    settle(wait.slots[result.index], result);
    --wait.open;
    --items;
  }
  if (wait.open == 0) {
    finish(wait);
    calls.erase(i);
  }
}

void api_state::settle(slot& where, const append_result& result) const {
  where.result = result;
  where.answered = true;
  if (result.code != ec::none)
    where.detail = detail_of(result.code);
}

void api_state::finish(append_wait& wait) const {
  if (wait.single) {
    auto& only = wait.slots.front();
    if (only.result.code != ec::none)
      return refuse(wait.respond, only.result.code, only.detail);
  }
  auto out = http::response{};
  out.body.reserve(wait.slots.size() * 64 + 16);
  if (!wait.single)
    out.body = "{\"results\":[";
  auto separate = false;
  for (const auto& x : wait.slots) {
    if (std::exchange(separate, true))
      out.body += ',';
    if (x.result.code == ec::none) {
      append_result_json(out.body, x.result, x.global ? listeners::unknown : listeners::counted);
    } else {
      out.body += "{\"error\":";
      append_error(out.body, x.result.code, x.detail);
      out.body += '}';
    }
  }
  out.body += wait.single ? "\n" : "]}\n";
  wait.respond(std::move(out));
}

void api_state::overdue(time_point now) {
  for (; !deadlines.empty(); deadlines.pop_front()) {
    auto i = calls.find(deadlines.front().second);
    if (i == calls.end())
      continue;
    if (deadlines.front().first > now)
      return;
    ++sv->count->api_timeouts;
    auto& wait = i->second;
    for (auto index : wait.again)
      settle(wait.slots[index], {index, ec::moving, {}, false, 0});
    for (auto n = std::uint32_t{0}; n < wait.slots.size(); ++n)
      if (!wait.slots[n].answered)
        settle(wait.slots[n], {n, ec::outcome_unknown, {}, false, 0});
    items -= wait.open;
    finish(wait);
    calls.erase(i);
  }
}

} // namespace shoal::api
