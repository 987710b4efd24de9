// Every actor's interface on one page. Read it top to bottom to learn who says what to whom.
//
//   connection ──frame──> device ──attach/pull/ack──> stream or relay ──commit──> partition ──>
//   commit log
//                         device <──attached/ops/moved── stream or relay <──committed── partition
//   api ──append──> partition ──> stream ──appended──> api
//
// One-way messages return nothing (`reacts_to`); questions have one answer (`replies_to`). `//
// INTERNAL:` marks what an actor says to itself.
#pragma once

#include "actors/type_ids.hpp"
#include "protocol/http/message.hpp"
#include "protocol/tls/endpoint.hpp"

namespace shoal {

namespace gateway {
struct change;         // actors/gateway/change.hpp
struct change_outcome; // actors/gateway/change.hpp
} // namespace gateway

/// Answers "what are you doing" for operators, as JSON text; every long-lived actor has it.
using status_source_actor = caf::typed_actor<caf::replies_to<atom::status>::with<std::string>>;

/// Hears about feeds: a device, or the relay on its behalf.
using feed_sink_actor = caf::typed_actor<
    // The fate of an attach.
    caf::reacts_to<atom::attached, attached_note>,
    // Committed ops, live or as the answer to a pull.
    caf::reacts_to<atom::ops, feed_ops>,
    // The feed continues somewhere else, with the reason.
    caf::reacts_to<atom::moved, feed_moved>,
    // The way to the source broke: attach again.
    caf::reacts_to<atom::lost, feed_lost>>;

/// Serves feeds: a partition (which hands on to the stream it activates), a stream, or a relay.
using feed_source_actor = caf::typed_actor<
    // Starts a feed for the sink; answered by `attached`. The source monitors the sink.
    caf::reacts_to<atom::attach, feed_sink_actor, attach_request>,
    caf::reacts_to<atom::detach, feed_sink_actor, detach_note>,
    // Asks for ops after an id; answered by `ops` with `page` set.
    caf::reacts_to<atom::pull, feed_sink_actor, pull_request>,
    // Everything up to a position is handled; `device` says by whom.
    caf::reacts_to<atom::ack, ack_note>>;

/// What one append_call came to: results in any order, possibly in several messages.
struct append_answer {
  std::uint64_t call = 0;
  std::vector<append_result> results;
};

/// Hears the outcome of appends.
using append_client_actor = caf::typed_actor<caf::reacts_to<atom::appended, append_answer>>;

/// Ops to append, for any principals of one partition; every item is answered exactly once unless
/// an actor dies.
struct append_call {
  std::uint64_t call = 0;
  app_no app{};
  append_client_actor client;
  std::vector<append_item> items;
};

/// The only authority for the ids of one principal. Spawned by its partition on first use,
/// passivates when idle.
using stream_actor = feed_source_actor::extend<caf::reacts_to<atom::append, append_call>,
    // From the commit log's thread: rows are durable, or not.
    caf::reacts_to<atom::committed, commit_result>,
    caf::replies_to<atom::report, stream_key>::with<stream_report>,
    // From the partition: remove what is dead in this stream.
    caf::reacts_to<atom::trim, stream_key>,
    // INTERNAL: flush cursors, release caches, revoke overdue single-device offers, passivate.
    caf::reacts_to<atom::tick>>;

/// Hears that its rows are durable.
using commit_client_actor = caf::typed_actor<caf::reacts_to<atom::committed, commit_result>>;

/// Owns a fixed share of the principals: activates their streams and gives their commits one order.
using partition_actor = feed_source_actor::extend<caf::reacts_to<atom::append, append_call>,
    // Makes rows durable; answered by `committed` with the request's token.
    caf::reacts_to<atom::commit, commit_client_actor, commit_request>,
    // From a stream, or a relay: rows that may be written lazily. Never answered.
    caf::reacts_to<atom::commit, commit_request>,
    caf::replies_to<atom::report, stream_key>::with<stream_report>,
    // From a stream that wants to sleep and has seen that many messages of ours: if none is on its
    // way, it may.
    caf::reacts_to<atom::stop, principal_key, std::uint64_t>,
    // INTERNAL: look for streams whose retention is due.
    caf::reacts_to<atom::tick>, caf::replies_to<atom::status>::with<std::string>>;

/// One page of a stream as it is stored.
struct stored_page {
  ec code = ec::none;
  std::vector<storage::op_ptr> ops;
  bool more = false;
  std::uint64_t damaged = 0;   ///< id of a damaged record behind the ops; 0 = none
  std::uint64_t seen_last = 0; ///< newest id of the stream when the page was read
};

/// A stream as it is stored, with the cursors and keys that were asked for.
struct stored_stream {
  ec code = ec::none;
  storage::stream_meta meta;
};

struct stored_cursor {
  ec code = ec::none;
  bool found = false;
  std::string subject;
  storage::cursor_record cursor;
};

struct stored_cursors {
  ec code = ec::none;
  std::vector<stored_cursor> cursors;
  bool more = false;
};

/// Ids that idempotency keys got; 0 where the key is unknown.
struct stored_keys {
  ec code = ec::none;
  std::vector<std::uint64_t> ids;
};

struct key_query {
  stream_key stream;
  std::vector<std::string> keys;
};

struct page_query {
  stream_key stream;
  std::uint64_t after = 0;
  std::uint32_t max_ops = 64;
  std::uint32_t max_bytes = 64 * 1024;
};

struct cursor_query {
  stream_key stream;
  std::string subject; ///< one cursor; or, for lists, the subject to start after
  std::uint32_t limit = 100;
  std::string device; ///< not empty: a global stream, whose cursors live in the device's partition
};

struct stored_device {
  ec code = ec::none;
  bool found = false;
  storage::device_record device;
};

struct trim_query {
  stream_key stream;
  std::uint64_t floor = 0, last = 0;
  std::uint64_t acked = 0; ///< ids up to here are handled by everyone who could ask
  std::int64_t now_ms = 0;
  std::int64_t keep_keys_ms =
      0; ///< acknowledged ops younger than this stay for their idempotency keys
};

struct trim_plan {
  ec code = ec::none;
  storage::write_batch rows;
  std::uint64_t floor = 0;
  std::uint64_t lost = 0;
  bool more = false;
};

struct due_streams {
  ec code = ec::none;
  std::vector<stream_key> streams;
  storage::write_batch rows; ///< erases the index rows just read
  bool more = false;
};

/// A page of rows ends when it has that many bytes, whatever its limit.
constexpr std::size_t row_page_bytes = 4u << 20;

/// The only actor that reads the disk: detached, a few of them, bounded work per message.
using reader_actor = caf::typed_actor<caf::replies_to<atom::load, stream_key>::with<stored_stream>,
    caf::replies_to<atom::load, cursor_query>::with<stored_cursor>,
    caf::replies_to<atom::load, key_query>::with<stored_keys>,
    caf::replies_to<atom::page, page_query>::with<stored_page>,
    caf::replies_to<atom::cursors, cursor_query>::with<stored_cursors>,
    // A device's last known facts, by app and id.
    caf::replies_to<atom::load, app_no, std::string>::with<stored_device>,
    caf::replies_to<atom::trim, trim_query>::with<trim_plan>,
    // Streams of a partition whose retention is due at an hour.
    caf::replies_to<atom::trim, partition_no, std::uint32_t>::with<due_streams>,
    // Key and value of the rows of [from, to): catalog, audit.
    caf::replies_to<atom::page, std::string, std::string,
        std::uint32_t>::with<storage::write_batch>>;

/// The verdict of a tenant's session validation.
struct bind_verdict {
  std::uint32_t binding = 0;
  ec code = ec::none;
  std::string text;
};

/// One frame of a device, already inflated.
struct device_frame {
  frame_type type{};
  std::string body;
};

/// One connected device: its hello, its user, its feeds, its window. Lives as long as its
/// connection.
using device_actor = feed_sink_actor::extend<caf::reacts_to<atom::frame, device_frame>,
    // The connection is gone.
    caf::reacts_to<atom::lost>,
    // Close the connection with this code.
    caf::reacts_to<atom::kick, kick_order>,
    // The answer of the tenant's session validation.
    caf::reacts_to<atom::verdict, bind_verdict>, caf::replies_to<atom::status>::with<device_status>,
    // INTERNAL: look for ops that stay unacknowledged.
    caf::reacts_to<atom::tick>>;

/// A user's session to be validated by the tenant's own endpoint.
struct verify_request {
  std::string url, app, user, token;
  std::uint32_t binding = 0;
  std::int64_t asked_ms = 0; ///< by the steady clock
};

/// Asks tenants' endpoints about sessions. Detached, because it waits for strangers; the device
/// hears `verdict`.
using verifier_actor =
    caf::typed_actor<caf::reacts_to<atom::verdict, device_actor, verify_request>>;

/// Who is online, for lists and look-ups.
struct online_query {
  app_no app{};
  std::string user;   ///< only devices of this user
  std::string device; ///< only this device
  std::string after;  ///< page: device ids after this one
  std::uint32_t limit = 100;
};

struct online_report {
  std::vector<device_info_ptr> devices;
  std::uint64_t total = 0; ///< of the app
  bool more = false;
};

/// Knows every connected device of this node: newest connection of a device id wins. Monitors them.
using hub_actor = caf::typed_actor<
    // A device passed its hello, bound or unbound a user.
    caf::reacts_to<atom::online, device_actor, device_info_ptr>,
    caf::replies_to<atom::online, online_query>::with<online_report>,
    // What one device is doing; code `not_found` in an empty answer if it is offline.
    caf::replies_to<atom::status, app_no, std::string>::with<device_status>,
    // Closes a device's connection; false if it is offline.
    caf::replies_to<atom::kick, app_no, std::string>::with<bool>,
    caf::replies_to<atom::status>::with<std::string>>;

/// Fans the global streams of one app out to this node's devices, from memory where possible.
using relay_actor = feed_source_actor::extend<caf::reacts_to<atom::attached, attached_note>,
    caf::reacts_to<atom::ops, feed_ops>, caf::reacts_to<atom::moved, feed_moved>,
    caf::reacts_to<atom::lost, feed_lost>,
    // INTERNAL: hand everything that came in meanwhile to the devices as one batch.
    caf::reacts_to<atom::call>,
    // INTERNAL: flush cursors, forget old pages.
    caf::reacts_to<atom::tick>, caf::replies_to<atom::status>::with<std::string>>;

/// One change of the catalog: the rows to store and the snapshot to publish when they are durable.
struct catalog_change {
  enum class kind : std::uint8_t {
    put_app,
    put_biz,
    put_key,
    remove_key,
    remark, ///< changes nothing; an audit record of what is done elsewhere (catalog/remark.hpp)
  } what{};
  app_ptr app;
  biz_ptr biz;
  key_ptr key;
  bool create = false; ///< fail with `already_exists` if it exists
  std::string actor;   ///< key id of who asked, for the audit record
  std::string note;    ///< one sentence, for the audit record
};

struct change_result {
  ec code = ec::none;
  std::string text;
  app_ptr app; ///< as stored, with its number
  biz_ptr biz;
  key_ptr key;
};

/// The only writer of the catalog. Persists, then publishes.
using catalog_actor =
    caf::typed_actor<caf::replies_to<atom::change, catalog_change>::with<change_result>>;

using gateway_change_ptr = std::shared_ptr<const gateway::change>;
using gateway_outcome_ptr = std::shared_ptr<const gateway::change_outcome>;

/// The only writer of the gateway's definitions. Persists, then publishes.
using gateway_writer_actor =
    caf::typed_actor<caf::replies_to<atom::change, gateway_change_ptr>::with<gateway_outcome_ptr>>;

/// A node as operators see it.
struct node_entry {
  std::string name, address, link, admin;
  std::string state; ///< up, draining, removed
  bool alive = true; ///< most others reach it
  bool controls = false;
  std::uint32_t leads = 0, holds = 0; ///< partitions
};

struct node_list {
  ec code = ec::none;
  std::string text; ///< why not
  std::vector<node_entry> nodes;
};

/// Knows the nodes of the cluster; a node that is alone has none of these.
using membership_actor = caf::typed_actor<caf::replies_to<atom::online>::with<node_list>,
    // Sets a node's state: up, draining or removed. Answered with the node.
    caf::replies_to<atom::change, std::string, std::string>::with<node_list>>;

/// One HTTP request with the way to answer it.
struct api_call {
  http::request request;
  http::responder respond;
  std::int64_t arrived_us = 0; ///< steady_us
};

/// Serves the API. Several of them; each request goes to one.
using api_actor = append_client_actor::extend<caf::reacts_to<atom::call, api_call>,
    // INTERNAL: answer calls whose time is over.
    caf::reacts_to<atom::tick>>;

} // namespace shoal

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::append_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::append_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::stored_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::stored_stream)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::stored_cursor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::stored_cursors)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::stored_keys)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::stored_device)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::key_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::page_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::cursor_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::trim_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::trim_plan)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::due_streams)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::bind_verdict)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::verify_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::device_frame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::online_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::online_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::catalog_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::change_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::gateway_change_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::gateway_outcome_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::api_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::node_list)

// 0.17.6 checks at compile time that every element of a message has an id, also of those that stay
// here.
CAF_BEGIN_TYPE_ID_BLOCK(shoal, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(shoal, (shoal::app_no))
CAF_ADD_TYPE_ID(shoal, (shoal::partition_no))
CAF_ADD_TYPE_ID(shoal, (shoal::stream_key))
CAF_ADD_TYPE_ID(shoal, (shoal::principal_key))
CAF_ADD_TYPE_ID(shoal, (shoal::append_item))
CAF_ADD_TYPE_ID(shoal, (shoal::append_result))
CAF_ADD_TYPE_ID(shoal, (shoal::attach_request))
CAF_ADD_TYPE_ID(shoal, (shoal::attached_note))
CAF_ADD_TYPE_ID(shoal, (shoal::feed_ops))
CAF_ADD_TYPE_ID(shoal, (shoal::feed_moved))
CAF_ADD_TYPE_ID(shoal, (shoal::feed_lost))
CAF_ADD_TYPE_ID(shoal, (shoal::pull_request))
CAF_ADD_TYPE_ID(shoal, (shoal::ack_note))
CAF_ADD_TYPE_ID(shoal, (shoal::detach_note))
CAF_ADD_TYPE_ID(shoal, (shoal::commit_request))
CAF_ADD_TYPE_ID(shoal, (shoal::commit_result))
CAF_ADD_TYPE_ID(shoal, (shoal::stream_report))
CAF_ADD_TYPE_ID(shoal, (shoal::device_info_ptr))
CAF_ADD_TYPE_ID(shoal, (shoal::device_status))
CAF_ADD_TYPE_ID(shoal, (shoal::kick_order))
CAF_ADD_TYPE_ID(shoal, (shoal::storage::write_batch))
CAF_ADD_TYPE_ID(shoal, (shoal::append_answer))
CAF_ADD_TYPE_ID(shoal, (shoal::append_call))

CAF_ADD_TYPE_ID(shoal, (shoal::stored_page))
CAF_ADD_TYPE_ID(shoal, (shoal::stored_stream))
CAF_ADD_TYPE_ID(shoal, (shoal::stored_cursor))
CAF_ADD_TYPE_ID(shoal, (shoal::stored_cursors))
CAF_ADD_TYPE_ID(shoal, (shoal::stored_keys))
CAF_ADD_TYPE_ID(shoal, (shoal::stored_device))
CAF_ADD_TYPE_ID(shoal, (shoal::key_query))
CAF_ADD_TYPE_ID(shoal, (shoal::page_query))
CAF_ADD_TYPE_ID(shoal, (shoal::cursor_query))
CAF_ADD_TYPE_ID(shoal, (shoal::trim_query))
CAF_ADD_TYPE_ID(shoal, (shoal::trim_plan))
CAF_ADD_TYPE_ID(shoal, (shoal::due_streams))
CAF_ADD_TYPE_ID(shoal, (shoal::bind_verdict))
CAF_ADD_TYPE_ID(shoal, (shoal::verify_request))
CAF_ADD_TYPE_ID(shoal, (shoal::device_frame))
CAF_ADD_TYPE_ID(shoal, (shoal::online_query))
CAF_ADD_TYPE_ID(shoal, (shoal::online_report))
CAF_ADD_TYPE_ID(shoal, (shoal::catalog_change))
CAF_ADD_TYPE_ID(shoal, (shoal::change_result))
CAF_ADD_TYPE_ID(shoal, (shoal::gateway_change_ptr))
CAF_ADD_TYPE_ID(shoal, (shoal::gateway_outcome_ptr))
CAF_ADD_TYPE_ID(shoal, (shoal::api_call))
CAF_ADD_TYPE_ID(shoal, (shoal::node_list))
CAF_ADD_TYPE_ID(shoal, (shoal::feed_sink_actor))
CAF_ADD_TYPE_ID(shoal, (shoal::commit_client_actor))
CAF_ADD_TYPE_ID(shoal, (shoal::device_actor))
CAF_END_TYPE_ID_BLOCK(shoal)
