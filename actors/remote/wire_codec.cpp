#include "actors/remote/wire_codec.hpp"

#include <algorithm>

#include "actors/catalog/catalog_codec.hpp"

namespace shoal {

namespace {

constexpr std::uint32_t max_page_ops = 10'000;
constexpr std::uint32_t max_page_bytes = 8u << 20;
constexpr std::uint32_t max_list = 10'000;
constexpr std::size_t max_subject = 300; // two external ids

void put(pb::Row& to, storage::write_batch::row x) {
  to.set_key(std::move(x.key));
  to.set_value(std::move(x.value));
}

/// A new entry has no number yet; its row needs one, and the writer gives it the right one.
template <class Entry>
Entry numbered(Entry x) {
  if (raw(x.no) == 0)
    x.no = decltype(x.no){1};
  return x;
}

bool take_reason(std::uint32_t x, reset_reason& out) {
  out = static_cast<reset_reason>(x);
  return x <= static_cast<std::uint32_t>(reset_reason::consumed_elsewhere);
}

} // namespace

// -- names ---------------------------------------------------------------------------------------

void put(pb::At& to, const position& x) {
  to.set_epoch(x.epoch);
  to.set_id(x.id);
}

position take(const pb::At& from) { return {from.epoch(), from.id()}; }

void put(pb::Principal& to, const principal& x) {
  to.set_kind(static_cast<std::uint32_t>(x.kind));
  to.set_id(x.id);
}

bool take(const pb::Principal& from, principal& out) {
  out = {static_cast<principal_kind>(from.kind()), from.id()};
  if (from.kind() == static_cast<std::uint32_t>(principal_kind::global))
    return out.id.empty();
  return (from.kind() == static_cast<std::uint32_t>(principal_kind::user) ||
             from.kind() == static_cast<std::uint32_t>(principal_kind::device)) &&
         valid_external_id(out.id);
}

void put(pb::Stream& to, const stream_key& x) {
  to.set_app(raw(x.app));
  put(*to.mutable_who(), x.who);
  to.set_biz(raw(x.biz));
}

bool take(const pb::Stream& from, stream_key& out) {
  out.app = app_no{from.app()};
  out.biz = biz_no{from.biz()};
  return take(from.who(), out.who);
}

ec take_code(std::uint32_t code) {
  auto out = static_cast<ec>(code);
  if (code > UINT16_MAX || to_string(out) == "unknown")
    return ec::session_lost; // of a newer version: something went wrong over there
  return out;
}

// -- feeds ---------------------------------------------------------------------------------------

void put(pb::Attach& to, const attach_request& x) {
  put(*to.mutable_stream(), x.stream);
  to.set_subject(x.subject);
  to.set_device(x.device);
  if (x.at)
    put(*to.mutable_at(), *x.at);
}

bool take(const pb::Attach& from, attach_request& out) {
  out.subject = from.subject();
  out.device = from.device();
  if (from.has_at())
    out.at = take(from.at());
  return take(from.stream(), out.stream) && out.subject.size() <= max_subject &&
         (out.device.empty() || valid_external_id(out.device));
}

void put(pb::Attached& to, const attached_note& x) {
  to.set_code(static_cast<std::uint32_t>(x.code));
  put(*to.mutable_start(), x.start);
  to.set_reset(static_cast<std::uint32_t>(x.reset));
  to.set_latest(x.latest);
  to.set_floor(x.floor);
  to.set_lost(x.lost);
}

bool take(const pb::Attached& from, attached_note& out) {
  out.code = take_code(from.code());
  out.start = take(from.start());
  out.latest = from.latest();
  out.floor = from.floor();
  out.lost = from.lost();
  return take_reason(from.reset(), out.reset);
}

void put(pb::Ops& to, const feed_ops& x) {
  to.set_latest(x.latest);
  to.set_page(x.page);
  to.set_code(static_cast<std::uint32_t>(x.code));
  if (!x.batch)
    return;
  to.set_epoch(x.batch->epoch);
  to.set_after(x.batch->after);
  to.set_upto(x.batch->upto);
  put_ops(x.batch->ops, *to.mutable_ops());
}

bool take(const pb::Ops& from, const biz_ptr& biz, op_batch_ptr& out) {
  if (from.code() != 0)
    return true;
  std::vector<storage::op_ptr> ops;
  if (from.after() > from.upto() || !take_ops(from.ops(), ops))
    return false;
  auto last = from.after();
  for (auto& op : ops) {
    if (biz->persistent && (op->id <= last || op->id > from.upto()))
      return false;
    last = op->id;
  }
  out = std::make_shared<const op_batch>(
      biz, from.epoch(), from.after(), from.upto(), std::move(ops));
  return true;
}

void put(pb::Moved& to, const feed_moved& x) {
  put(*to.mutable_to(), x.to);
  to.set_reason(static_cast<std::uint32_t>(x.reason));
  to.set_latest(x.latest);
}

bool take(const pb::Moved& from, feed_moved& out) {
  out.to = take(from.to());
  out.latest = from.latest();
  return take_reason(from.reason(), out.reason);
}

// -- appends -------------------------------------------------------------------------------------

void put(pb::Append& to, const append_call& x) {
  to.set_app(raw(x.app));
  for (auto& item : x.items) {
    auto& out = *to.add_items();
    out.set_index(item.index);
    put(*out.mutable_who(), item.who);
    out.set_biz(raw(item.biz->no));
    out.set_op(storage::encode(item.op, {}));
    out.set_check_online(item.check_online);
  }
}

bool take(const pb::Append& from, const catalog& known, append_call& out) {
  out.app = app_no{from.app()};
  out.items.reserve(static_cast<std::size_t>(from.items_size()));
  for (auto& x : from.items()) {
    append_item item;
    item.index = x.index();
    item.biz = known.biz(out.app, biz_no{x.biz()});
    item.check_online = x.check_online();
    if (!take(x.who(), item.who) || !storage::decode(x.op(), {}, item.op))
      return false;
    out.items.push_back(std::move(item));
  }
  return true;
}

void put(pb::AppendResult& to, const append_result& x) {
  to.set_index(x.index);
  to.set_code(static_cast<std::uint32_t>(x.code));
  put(*to.mutable_at(), x.at);
  to.set_repeated_key(x.repeated);
  to.set_online(x.online);
}

append_result take(const pb::AppendResult& from) {
  return {
      from.index(), take_code(from.code()), take(from.at()), from.repeated_key(), from.online()};
}

// -- reads ---------------------------------------------------------------------------------------

void put(pb::Report& to, const stream_report& x) {
  put(*to.mutable_latest(), x.latest);
  to.set_floor(x.floor);
  for (auto& l : x.listeners) {
    auto& out = *to.add_listeners();
    out.set_device(l.device);
    out.set_sent(l.sent);
    out.set_acked(l.acked);
    out.set_attached_ms(l.attached_ms);
  }
}

stream_report take(const pb::Report& from) {
  stream_report out;
  out.latest = take(from.latest());
  out.floor = from.floor();
  for (auto& l : from.listeners())
    out.listeners.push_back({l.device(), l.sent(), l.acked(), l.attached_ms()});
  return out;
}

void put(pb::ReadPage& to, const page_query& x) {
  put(*to.mutable_stream(), x.stream);
  to.set_after(x.after);
  to.set_max_ops(x.max_ops);
  to.set_max_bytes(x.max_bytes);
}

bool take(const pb::ReadPage& from, page_query& out) {
  out.after = from.after();
  out.max_ops = std::min(from.max_ops(), max_page_ops);
  out.max_bytes = std::min(from.max_bytes(), max_page_bytes);
  return take(from.stream(), out.stream);
}

void put(pb::Page& to, const stored_page& x) {
  put_ops(x.ops, *to.mutable_ops());
  to.set_more(x.more);
  to.set_damaged(x.damaged);
  to.set_seen_last(x.seen_last);
}

bool take(const pb::Page& from, stored_page& out) {
  out.more = from.more();
  out.damaged = from.damaged();
  out.seen_last = from.seen_last();
  return take_ops(from.ops(), out.ops);
}

void put(pb::ReadCursors& to, const cursor_query& x) {
  put(*to.mutable_stream(), x.stream);
  to.set_subject(x.subject);
  to.set_limit(x.limit);
  to.set_device(x.device);
}

bool take(const pb::ReadCursors& from, cursor_query& out) {
  out.subject = from.subject();
  out.limit = std::min(from.limit(), max_list);
  out.device = from.device();
  return take(from.stream(), out.stream) && out.subject.size() <= max_subject &&
         (out.device.empty() || valid_external_id(out.device));
}

void put(pb::Cursor& to, const stored_cursor& x) {
  to.set_code(static_cast<std::uint32_t>(x.code));
  to.set_found(x.found);
  to.set_subject(x.subject);
  put(*to.mutable_at(), x.cursor.at);
  to.set_time_ms(x.cursor.time_ms);
}

stored_cursor take(const pb::Cursor& from) {
  return {take_code(from.code()), from.found(), from.subject(), {take(from.at()), from.time_ms()}};
}

void put(pb::Rows& to, const storage::write_batch& x) {
  for (auto& row : x.rows()) {
    auto& out = *to.add_rows();
    out.set_key(row.key);
    out.set_value(row.value);
    out.set_erase(row.erase);
  }
}

storage::write_batch take(const pb::Rows& from) {
  storage::write_batch out;
  for (auto& row : from.rows()) {
    if (row.erase())
      out.erase(row.key());
    else
      out.put(row.key(), row.value());
  }
  return out;
}

// -- the catalog ---------------------------------------------------------------------------------

void put(pb::Change& to, const catalog_change& x) {
  to.set_what(static_cast<std::uint32_t>(x.what));
  to.set_create(x.create);
  to.set_actor(x.actor);
  to.set_note(x.note);
  if (x.app)
    put(*to.mutable_app(), row_of(numbered(*x.app)));
  if (x.biz)
    put(*to.mutable_biz(), row_of(numbered(*x.biz)));
  if (x.key)
    put(*to.mutable_key(), row_of(*x.key));
}

bool take(const pb::Change& from, catalog_change& out) {
  out.what = static_cast<catalog_change::kind>(from.what());
  out.create = from.create();
  out.actor = from.actor();
  out.note = from.note();
  return from.what() <= static_cast<std::uint32_t>(catalog_change::kind::remark) &&
         (!from.has_app() || read_row(from.app().key(), from.app().value(), out.app)) &&
         (!from.has_biz() || read_row(from.biz().key(), from.biz().value(), out.biz)) &&
         (!from.has_key() || read_row(from.key().key(), from.key().value(), out.key));
}

void put(pb::Changed& to, const change_result& x) {
  to.set_text(x.text);
  if (x.app)
    put(*to.mutable_app(), row_of(*x.app));
  if (x.biz)
    put(*to.mutable_biz(), row_of(*x.biz));
  if (x.key)
    put(*to.mutable_key(), row_of(*x.key));
}

bool take(const pb::Changed& from, change_result& out) {
  out.text = from.text();
  return (!from.has_app() || read_row(from.app().key(), from.app().value(), out.app)) &&
         (!from.has_biz() || read_row(from.biz().key(), from.biz().value(), out.biz)) &&
         (!from.has_key() || read_row(from.key().key(), from.key().value(), out.key));
}

} // namespace shoal
