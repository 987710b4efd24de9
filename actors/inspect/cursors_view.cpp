// /inspect/cursors: how far a stream is acknowledged, by everybody who ever did, as it is stored in
// the partitions that this node leads. Nobody is woken for it.
#include <algorithm>
#include <chrono>
#include <map>

#include "actors/inspect/views.hpp"
#include "protocol/signing.hpp"
#include "storage/keys.hpp"

namespace shoal::inspect {

namespace {

constexpr auto patience = std::chrono::seconds{2};
constexpr std::size_t max_place = 2048; // of the text of `after`: a cursor's key

/// Cursors of all bizs of one principal in one partition: the rows of [from, to).
struct cursor_range {
  partition_no part{};
  std::string from, to;
};

/// They lie with the stream; those of a global stream with the devices that have them.
std::vector<cursor_range> ranges_of(const services& sv, app_no app, const principal& who) {
  auto home = sv.where.number_of(app, who);
  std::vector<cursor_range> out;
  for (std::uint16_t i = 0; i < sv.where.partition_count(); ++i) {
    auto part = partition_no{i};
    if ((who.kind != principal_kind::global && part != home) || sv.where.led_epoch(part) == 0)
      continue;
    out.push_back({part, storage::cursor_prefix(part, {app, who, biz_no{0}}),
        storage::prefix_end(storage::cursor_prefix(part, {app, who, biz_no{UINT32_MAX}}))});
  }
  return out;
}

/// By the last bytes of what every cursor's key of a biz begins with (storage/README.md).
std::map<std::string, biz_ptr, std::less<>> bizs_by_key(
    const catalog& known, app_no app, const principal& who) {
  std::map<std::string, biz_ptr, std::less<>> out;
  for (auto& biz : known.bizs(app)) {
    auto prefix = storage::cursor_prefix(partition_no{0}, {app, who, biz->no});
    out.emplace(prefix.substr(prefix.size() - sizeof(biz_no)), biz);
  }
  return out;
}

/// Who listens right now, if the stream is awake here: their positions are ahead of what is stored.
class live_listeners {
public:
  live_listeners(context& c, const app_config& app, const principal& who)
      : c_{c}, app_{app.no}, who_{who} {
    awake_ = labelled(c, "stream", app.id + "/" + to_string(who)).has_value();
  }

  void add_to(json& row, const biz_config& biz, std::string_view subject) {
    if (who_.kind == principal_kind::global || !row.contains("position"))
      return; // who listens to a global stream only the relays know
    row["attached"] = false;
    if (!awake_)
      return;
    for (auto& x : of(biz).listeners)
      if (x.device == subject || !biz.multi_device) {
        row["attached"] = true;
        if (row["epoch"] == reports_[biz.no].latest.epoch)
          row["position"] = std::max(row["position"].get<std::uint64_t>(), x.acked);
      }
  }

private:
  const stream_report& of(const biz_config& biz) {
    auto [i, is_new] = reports_.try_emplace(biz.no);
    if (is_new)
      i->second = c_.ask<stream_report>(
          c_.sv->where.owner_of(app_, who_), atom::report::value, stream_key{app_, who_, biz.no});
    return i->second;
  }

  context& c_;
  app_no app_;
  principal who_;
  bool awake_ = false;
  std::map<biz_no, stream_report> reports_;
};

/// A subject is a device, a user, or "device\0user".
json row_of(
    const biz_config& biz, std::string_view subject, std::string_view key, std::string_view value) {
  json out = {{"biz", biz.name}};
  auto split = subject.find('\0');
  auto by_user =
      biz.scope == biz_scope::targeted && biz.target == biz_target::user && !biz.multi_device;
  out[by_user ? "user" : "device"] = std::string{subject.substr(0, split)};
  if (split != std::string_view::npos)
    out["user"] = std::string{subject.substr(split + 1)};
  storage::cursor_record cursor;
  if (!storage::decode(value, key, cursor)) {
    out.update({{"error", "damaged"}, {"place", hex(key)}});
    return out;
  }
  out.update({{"epoch", cursor.at.epoch}, {"position", cursor.at.id}, {"time_ms", cursor.time_ms},
      {"place", hex(key)}});
  return out;
}

} // namespace

json stored_cursors_of(
    context& c, std::string_view app_name, std::string_view who_text, std::string_view text) {
  auto q = api::query{text, "limit after"};
  auto app = app_named(c, app_name);
  auto who = principal_named(who_text);
  auto limit = q.limit();
  std::string after;
  if (q.text("after").size() > max_place || !unhex(q.text("after"), after))
    throw api::refusal{
        ec::invalid_argument, "after: must be the `next_after` of an earlier answer"};
  const auto until = std::chrono::steady_clock::now() + patience;
  auto bizs = bizs_by_key(*c.sv->catalog.load(), app->no, who);
  auto list = json::array();
  std::vector<std::pair<biz_ptr, std::string>> whose; // of each row
  auto more = false;
  for (auto& range : ranges_of(*c.sv, app->no, who)) {
    if (after >= range.to)
      continue;
    more = more || std::chrono::steady_clock::now() >= until;
    if (more)
      break;
    auto see = [&](std::string_view key, std::string_view value) {
      more = list.size() == limit;
      if (more)
        return false;
      after = key;
      auto head = range.from.size();
      auto biz = bizs.find(key.substr(head - sizeof(biz_no), sizeof(biz_no)));
      if (biz == bizs.end())
        return true;
      auto subject = std::string{key.substr(head)};
      list.push_back(row_of(*biz->second, subject, key, value));
      whose.emplace_back(biz->second, std::move(subject));
      return true;
    };
    auto from = std::max(range.from, after.empty() ? after : after + '\0');
    if (c.sv->db->scan(from, range.to, see) != ec::none)
      throw api::refusal{ec::storage_failed, "the store cannot be read"};
    if (!more)
      after = range.to; // whoever goes on need not look here again
  }
  live_listeners live{c, *app, who};
  for (std::size_t i = 0; i < list.size(); ++i)
    live.add_to(list[i], *whose[i].first, whose[i].second);
  json out = {{"node", c.node.name}, {"cursors", std::move(list)}, {"more", more}};
  if (more)
    out["next_after"] = hex(after);
  return out;
}

} // namespace shoal::inspect
