// What actors say as what nodes say (protocol/cluster.proto), and back. Pure.
//
// `put` fills a message; `take` reads one and is false for anything out of bounds: then nothing of
// the output may be used. Numbers of apps, bizs and partitions are not looked up here.
#pragma once

#include "actors/gateway/service_directory.hpp"
#include "actors/interfaces.hpp"
#include "protocol/cluster.pb.h"

namespace shoal {

namespace pb = wire::cluster;

void put(pb::At& to, const position& x);
position take(const pb::At& from);

void put(pb::Principal& to, const principal& x);
bool take(const pb::Principal& from, principal& out);

void put(pb::Stream& to, const stream_key& x);
bool take(const pb::Stream& from, stream_key& out);

/// A code of another node; one that is not known here becomes `session_lost`.
ec take_code(std::uint32_t code);

template <class Ops>
void put_ops(const std::vector<storage::op_ptr>& ops, Ops& to) {
  for (auto& op : ops)
    *to.Add() = storage::encode(*op, {});
}
template <class Ops>
bool take_ops(const Ops& from, std::vector<storage::op_ptr>& out) {
  out.reserve(static_cast<std::size_t>(from.size()));
  for (auto& bytes : from) {
    auto op = std::make_shared<storage::op_record>();
    if (!storage::decode(bytes, {}, *op))
      return false;
    out.push_back(std::move(op));
  }
  return true;
}

void put(pb::Attach& to, const attach_request& x);
/// All but the biz, which only the catalog knows, and the feed.
bool take(const pb::Attach& from, attach_request& out);
void put(pb::Attached& to, const attached_note& x);
bool take(const pb::Attached& from, attached_note& out);
/// Everything but the feeds.
void put(pb::Ops& to, const feed_ops& x);
/// Null for a pull that failed. False: cannot be read.
bool take(const pb::Ops& from, const biz_ptr& biz, op_batch_ptr& out);
void put(pb::Moved& to, const feed_moved& x);
bool take(const pb::Moved& from, feed_moved& out);

void put(pb::Append& to, const append_call& x);
/// The numbers of the items are not checked; `biz` of an item that the catalog does not know is
/// null.
bool take(const pb::Append& from, const catalog& known, append_call& out);
void put(pb::AppendResult& to, const append_result& x);
append_result take(const pb::AppendResult& from);

void put(pb::Report& to, const stream_report& x);
stream_report take(const pb::Report& from);
void put(pb::ReadPage& to, const page_query& x);
bool take(const pb::ReadPage& from, page_query& out);
void put(pb::Page& to, const stored_page& x);
bool take(const pb::Page& from, stored_page& out);
void put(pb::ReadCursors& to, const cursor_query& x);
bool take(const pb::ReadCursors& from, cursor_query& out);
void put(pb::Cursor& to, const stored_cursor& x);
stored_cursor take(const pb::Cursor& from);
void put(pb::Rows& to, const storage::write_batch& x);
storage::write_batch take(const pb::Rows& from);

void put(pb::Change& to, const catalog_change& x);
bool take(const pb::Change& from, catalog_change& out);
void put(pb::Changed& to, const change_result& x);
bool take(const pb::Changed& from, change_result& out);

void put(pb::GatewayChange& to, const gateway::change& x);
void put(pb::ServiceBeat& to, const gateway::service_beat& x);
gateway::service_beat beat_of(const pb::ServiceBeat& x);
bool take(const pb::GatewayChange& from, gateway::change& out);
void put(pb::GatewayChanged& to, const gateway::change_outcome& x);
void take(const pb::GatewayChanged& from, gateway::change_outcome& out);

void put(pb::DeviceInfo& to, const device_info& x);
device_info_ptr take(const pb::DeviceInfo& from, app_no app);
void put(pb::OnlineQuery& to, const online_query& x);
online_query take(const pb::OnlineQuery& from);
void put(pb::OnlineReport& to, const online_report& x);
online_report take(const pb::OnlineReport& from, app_no app);
void put(pb::DeviceStatus& to, const device_status& x);
device_status take(const pb::DeviceStatus& from, app_no app);

} // namespace shoal
