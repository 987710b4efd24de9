#include "actors/api/why.hpp"

#include <algorithm>

#include "actors/catalog/user_check.hpp"
#include "actors/stream/filter.hpp"

namespace shoal::api {

namespace {

using listener = stream_report::listener;

std::string ms(std::int64_t time) { return std::to_string(time); }

device_info facts_of(const storage::device_record& x, const std::string& device) {
  auto out = device_info{};
  out.device = device;
  out.user = x.user;
  out.os = x.os;
  out.app_version = x.app_version;
  out.region = x.region;
  out.model = x.model;
  out.network = x.network;
  out.tags = x.tags;
  return out;
}

// What is wrong with the op itself, whoever asks.
std::optional<why_answer> about_op(const why_facts& x) {
  if (!x.biz->persistent)
    return why_answer{
        "not_stored", "ops of this biz are not stored; they reach who is online at the moment", {}};
  if (x.id == 0 || x.id > x.report.latest.id)
    return why_answer{"unknown_id",
        "the stream has no such id; its newest is " + std::to_string(x.report.latest.id), {}};
  if (x.page.damaged == x.id)
    return why_answer{"damaged", "the stored record does not match its checksum", {}};
  if (x.id <= x.report.floor || x.page.ops.empty() || x.page.ops.front()->id != x.id)
    return why_answer{"removed", "the op was removed: acknowledged by all, or expired", {}};
  return {};
}

std::optional<why_answer> about_cursor(
    const why_facts& x, std::uint64_t acked, const std::string& mismatch) {
  if (acked < x.id)
    return {};
  auto until = x.page.ops.front()->valid_until_ms;
  if (!mismatch.empty())
    return why_answer{"filtered", "passed over: " + mismatch, {}};
  if (x.cursor.found && x.cursor.cursor.time_ms > until && x.cursor.cursor.at.id >= x.id)
    return why_answer{"passed",
        "the position passed it at " + ms(x.cursor.cursor.time_ms) + ", after it had expired at " +
            ms(until) + "; so it was probably skipped",
        {}};
  return why_answer{"delivered", "acknowledged: the position is " + std::to_string(acked), {}};
}

std::optional<why_answer> about_validity(const why_facts& x) {
  const auto& op = *x.page.ops.front();
  switch (validity_of(op, x.now_ms)) {
  case validity::expired:
    return why_answer{"expired", "it expired at " + ms(op.valid_until_ms), {}};
  case validity::not_yet:
    return why_answer{"not_yet_valid", "it is valid from " + ms(op.valid_from_ms) + " on", {}};
  case validity::valid:
    return {};
  }
  return {};
}

std::optional<why_answer> about_device(const why_facts& x, const std::string& mismatch) {
  if (!x.live.info && !x.known.found)
    return why_answer{"unknown_device", "no device of this id was ever seen", {}};
  if (!x.live.info) {
    auto text = "offline since " + ms(x.known.device.last_seen_ms);
    if (!mismatch.empty())
      text += "; by its last known facts it would be filtered: " + mismatch;
    return why_answer{"offline", text, {}};
  }
  const auto& info = *x.live.info;
  if (x.biz->target == biz_target::user && info.user.empty())
    return why_answer{"not_bound", "no user is bound on the device's connection", {}};
  if (x.who.kind == principal_kind::user && info.user != x.who.id)
    return why_answer{"other_user", "the device is bound to another user", {}};
  if (x.who.kind == principal_kind::device && info.device != x.who.id)
    return why_answer{"other_device", "the stream belongs to another device", {}};
  if (!info.user_verified && demands_verified_user(*x.biz))
    return why_answer{"not_verified",
        "the biz demands a verified user, and the check of this one's session failed", {}};
  if (!mismatch.empty())
    return why_answer{"filtered", mismatch, {}};
  return {};
}

why_answer about_queue(const why_facts& x, const listener* mine) {
  const device_status::feed* feed = nullptr;
  for (const auto& f : x.live.feeds)
    if (f.biz == x.biz->name)
      feed = &f;
  if (!feed)
    return {"not_subscribed", "the device is online but has not subscribed to this biz", {}};
  auto acked = std::max(feed->acked, mine ? mine->acked : 0);
  auto behind = x.id - std::min(x.id, acked + 1);
  if (feed->sent >= x.id)
    return {"waiting_ack", "sent, not yet acknowledged", behind};
  if (!x.biz->multi_device)
    for (const auto& other : x.report.listeners)
      if (other.device != x.device && other.sent > other.acked)
        return {"waiting_other_device", "offered to device " + other.device + " first", behind};
  return {"waiting",
      "waits behind " + std::to_string(behind) + " ops that the device has not acknowledged",
      behind};
}

} // namespace

std::string cursor_subject(
    const biz_config& biz, const std::string& device, const std::string& user) {
  if (biz.target == biz_target::device)
    return device;
  if (biz.scope == biz_scope::global)
    return device + '\0' + user;
  return biz.multi_device ? device : user;
}

why_answer explain(const why_facts& x) {
  if (auto out = about_op(x))
    return *out;
  const listener* mine = nullptr;
  for (const auto& l : x.report.listeners)
    if (l.device == x.device)
      mine = &l;
  auto acked = std::max(x.cursor.found ? x.cursor.cursor.at.id : 0, mine ? mine->acked : 0);
  for (const auto& f : x.live.feeds)
    if (f.biz == x.biz->name)
      acked = std::max(acked, f.acked);
  auto facts = x.live.info ? *x.live.info : facts_of(x.known.device, x.device);
  auto mismatch =
      x.live.info || x.known.found ? filter_mismatch(x.page.ops.front()->filter, facts) : "";
  if (auto out = about_cursor(x, acked, mismatch))
    return *out;
  if (!x.biz->online)
    return {"biz_offline", "the biz is offline: nothing is delivered", {}};
  if (auto out = about_validity(x))
    return *out;
  if (auto out = about_device(x, mismatch))
    return *out;
  return about_queue(x, mine);
}

} // namespace shoal::api
