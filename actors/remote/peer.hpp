// The peer: everything between this node and one other node. As a device's node it is the source of
// the feeds whose streams live there; as an owner it is the sink of the feeds whose devices hang
// there; and it carries questions and answers, without looking into them.
//
// Spawned by: the node, one per other node.  Monitors: local sinks (devices, relays) and local
// sources (streams) of the feeds that go through it.  Dies: on a bug only; its sinks attach again,
// its streams drop its feeds, and the other end notices by the new session number.
//
// What arrives while the mailbox is worked off is gathered and sent as one frame; a batch of ops
// that a stream sent for several feeds goes once, with all their numbers. When the link's window is
// full, live ops are dropped and their feeds told to pull later, pages fail, everything else waits
// (it is small, and bounded by the number of feeds). Numbers of feeds are never used again, so late
// frames of an earlier attach are recognised. When the link goes down, nothing of it is kept:
// sinks hear `lost` and attach again, streams hear `detach`, askers hear that the fate of their
// question is unknown.
#pragma once

#include <map>
#include <unordered_map>

#include "actors/remote/remote.hpp"
#include "actors/services.hpp"

namespace shoal {

class actor_registry;

struct peer_state {
  static inline const char* name = "peer";
  using time_point = caf::actor_clock::time_point;

  /// A feed of a sink here, whose stream lives there.
  struct outward_feed {
    feed_sink_actor sink;
    std::uint32_t number = 0; ///< the sink's
    stream_key stream;
    biz_ptr biz;
    remote_partition_actor stand_in;
  };

  /// A feed of a sink there, whose stream lives here.
  struct inward_feed {
    std::uint64_t id = 0;     ///< its number on the wire
    attach_request request;   ///< `feed` is our number for it
    feed_source_actor source; ///< once attached
    partition_no partition{};
    std::uint64_t epoch = 0, latest = 0;
    bool missed = false;             ///< live ops were dropped
    std::uint64_t round = 0;         ///< of gathering, in which …
    int last_event = 0;              ///< … this is the last event about it
    std::optional<time_point> until; ///< waits for the catalog to know its biz
  };

  struct question {
    remote_asker_actor asker;
    std::uint64_t token = 0;
    time_point deadline;
    bool sent = false;
  };

  explicit peer_state(peer_actor::pointer ptr) : self{ptr} {}

  // -- the link (peer.cpp) -----------------------------------------------------------------------
  void up();
  void down();
  void take_control(const std::string& body);
  void frame(const peer_frame& x);
  void forget_session();
  void start_over(const char* why);
  void schedule();
  void flush();
  bool send_feeds();
  bool send_calls();
  void keep_what_must_arrive();
  void arm();
  void tick();
  std::string status() const;

  // -- calls (peer.cpp) --------------------------------------------------------------------------
  void ask(const remote_question& x);
  void answer(const remote_answer& x);
  void take_calls(const std::string& body);
  void tell(const question& x, remote_answer::outcome what);

  // -- feeds of our sinks (peer_outward.cpp) -----------------------------------------------------
  void attach(const feed_sink_actor& sink, const remote_attach& x);
  void pull(const feed_sink_actor& sink, const pull_request& x);
  void acknowledge(const ack_note& x);
  void detach(const feed_sink_actor& sink, const detach_note& x);
  void take_attached(const pb::Attached& x);
  void take_ops(const pb::Ops& x);
  void take_moved(const pb::Moved& x);
  void take_ended(const pb::Ended& x);
  std::uint64_t feed_of(const feed_sink_actor& sink, std::uint32_t number) const;
  void forget_outward(std::uint64_t id);
  void say_detach(std::uint64_t id);

  // -- feeds of their sinks (peer_inward.cpp) ----------------------------------------------------
  void take_attach(const pb::Attach& x);
  bool start(inward_feed& x);
  void take_pull(const pb::Pull& x);
  void take_ack(const pb::Ack& x);
  void take_detach(std::uint64_t id);
  void attached(const attached_note& x);
  void ops(const feed_ops& x);
  void moved(const feed_moved& x);
  void lost(const feed_lost& x);
  void end(std::uint32_t number, pb::Refusal why);
  void say_ended(std::uint64_t id, pb::Refusal why, std::uint64_t epoch);
  void forget_inward(std::uint32_t number);
  void miss(inward_feed& x);
  void tell_missed();
  bool wait_for_catalog();

  void source_or_sink_down(const caf::down_msg& dm);
  pb::FeedEvent& add_event(std::size_t bytes);
  void touch(inward_feed& x);

  peer_actor::pointer self;
  services_ptr sv;
  std::string node; ///< the other one's name
  bool linked = false;
  std::uint64_t session = 0;       ///< ours
  std::uint64_t other_session = 0; ///< theirs; 0 = not heard yet
  bool greet = false;

  std::unordered_map<std::uint64_t, outward_feed> outward;
  std::unordered_map<caf::actor_addr, std::vector<std::uint64_t>> of_sink;
  std::uint64_t next_feed = 0;
  std::unordered_map<std::uint32_t, inward_feed> inward;
  std::unordered_map<std::uint64_t, std::uint32_t> inward_by_id;
  std::unordered_map<caf::actor_addr, std::vector<std::uint32_t>> of_source;
  std::uint32_t next_number = 0;
  std::vector<std::uint32_t> waiting_for_catalog, missed;

  pb::Feeds events; ///< gathered
  std::size_t event_bytes = 0;
  std::uint64_t round = 1;
  std::unordered_map<const op_batch*, int> event_of; ///< of gathered live batches …
  std::vector<op_batch_ptr> gathered;                ///< … which stay alive until then
  std::unordered_map<std::uint64_t, int> ack_of;     ///< gathered acknowledgements, by feed
  pb::Calls calls;
  std::size_t call_bytes = 0;
  std::map<std::uint64_t, question> questions;
  std::uint64_t next_question = 0;
  bool flushing = false, ticking = false;
  bool feeds_blocked = false, calls_blocked = false;
};

peer_actor::behavior_type peer(
    peer_actor::stateful_pointer<peer_state> self, services_ptr services, std::string node);

/// Spawns it and makes it known.
peer_actor spawn_peer(caf::actor_system& sys, const services_ptr& services, const std::string& node,
    actor_registry* actors = nullptr);

} // namespace shoal
