// The global relay: one per app and node. To the global streams it is one subscriber; to this
// node's devices it is the source. So an op that goes to everyone crosses nodes once, is read once
// and encoded once.
//
// Spawned by: the node, when the first device subscribes to a global biz.  Monitors: its devices
// and its streams. Dies: on a bug only; devices notice and attach again. Ops that arrive while the
// last batch is being handed out are merged into one: under load, frames grow instead of queues.
// Cursors of global feeds are kept by the device's own partition, written lazily.
#pragma once

#include <deque>
#include <map>
#include <unordered_map>

#include "actors/relay/page_cache.hpp"
#include "actors/services.hpp"

namespace shoal {

struct relay_state {
  static inline const char* name = "relay";

  struct listener {
    feed_sink_actor sink;
    std::uint32_t feed = 0;
    std::string device, subject;
    std::uint64_t acked = 0;
    bool dirty = false;
  };

  struct waiting_pull {
    feed_sink_actor sink;
    std::uint32_t feed;
    std::uint64_t after;
  };

  struct waiting_attach {
    feed_sink_actor sink;
    attach_request request;
  };

  /// One global biz.
  struct channel {
    channel(biz_ptr of, stream_key key, std::uint32_t n, std::size_t cache_bytes)
        : biz{std::move(of)}, stream{std::move(key)}, number{n}, pages{cache_bytes} {}

    biz_ptr biz;
    stream_key stream;
    std::uint32_t number;     ///< our feed number at the stream
    feed_source_actor source; ///< the stream, once attached
    bool attaching = false;
    std::int64_t asked_ms = 0;  ///< when it began, by the steady clock
    bool asking = false;        ///< attaching only because a device knows more than we do
    bool owes_pages = false;    ///< pulls were forgotten, and nobody was told
    std::uint64_t asked_at = 0; ///< highest id that a device claimed when we attached; 0 = none
    std::uint64_t epoch = 0, latest = 0, floor = 0, lost = 0;
    page_cache pages;
    std::vector<op_batch_ptr> fresh; ///< committed, not handed out yet
    std::map<std::pair<caf::actor_addr, std::uint32_t>, listener> listeners;
    std::map<caf::actor_addr, waiting_attach> arriving; ///< by sink
    std::map<std::uint64_t, std::vector<waiting_pull>>
        pulls; ///< by the `after` that was asked of the stream
  };

  explicit relay_state(relay_actor::pointer ptr) : self{ptr} {}

  void attach(const feed_sink_actor& sink, const attach_request& request);
  void start(channel& c, const feed_sink_actor& sink, const attach_request& request);
  void started(biz_no biz, const feed_sink_actor& sink, const attach_request& request,
      const std::optional<position>& cursor);
  void detach(const feed_sink_actor& sink, const detach_note& note);
  void down(const caf::actor_addr& source);
  void attach_channel(channel& c);
  void ask_for_latest(channel& c);
  static bool claims_more(const channel& c, const attach_request& x);
  void source_lost(const feed_lost& x);
  void attached(const attached_note& note);
  void leave(const attached_note& note);
  static void forget_pulls(channel& c);
  void take(const feed_ops& x);
  void hand_out();
  void hand_out(channel& c);
  void pull(const feed_sink_actor& sink, const pull_request& request);
  void answer_pulls(channel& c, std::uint64_t start, const feed_ops& x);
  void acknowledge(const ack_note& note);
  void flush_cursors();
  void tick();
  void arm();
  std::string status() const;

  channel* find(biz_no biz);
  channel* find_number(std::uint32_t number);

  relay_actor::pointer self;
  services_ptr sv;
  app_no app{};
  std::map<biz_no, channel> channels;
  std::uint32_t next_number = 1;
  bool handing_out = false;
  bool ticking = false;
};

relay_actor::behavior_type relay(
    relay_actor::stateful_pointer<relay_state> self, services_ptr services, app_no app);

} // namespace shoal
