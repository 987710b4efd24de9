// The data and verbs of the stream actor; included by stream.cpp and partition.cpp (which spawns
// it).
#pragma once

#include <boost/container/devector.hpp>

#include "actors/stream/device_turn.hpp"
#include "actors/stream/stream.hpp"
#include "actors/stream/stream_log.hpp"

namespace shoal {

/// A queue that costs nothing while it is empty; a std::deque takes half a kilobyte, and most
/// streams are idle.
template <class T>
using queue_of = boost::container::devector<T>;

struct stream_state {
  static inline const char* name = "stream";

  /// One feed of one device (or of a relay, whose `device` is empty).
  struct listener {
    feed_sink_actor sink;
    std::uint32_t number = 0; ///< names it inside its slot
    std::uint32_t feed = 0;
    std::string device, subject;
    std::uint64_t sent = 0, acked = 0;
    std::int64_t attached_ms = 0;
  };

  /// One biz of this principal.
  struct slot {
    stream_log log;
    std::vector<listener> listeners;
    std::optional<device_turn> turn; ///< single-device bizs with a listener
    bool quarantined = false;
    bool trimming = false;
  };

  /// An append whose rows are being written (token != 0), or that waits for those before it; or a
  /// removal of ops.
  struct pending_call {
    std::uint64_t token = 0;
    std::int64_t accepted_us = 0;
    std::optional<ec> outcome; ///< of the write
    append_client_actor client;
    append_answer answer;
    struct run {
      biz_no biz;
      std::uint64_t first, last;
      bool keyed; ///< at least one has an idempotency key
    };
    std::vector<run> upto; ///< ids assigned, in order; a biz may occur several times
    /// If this removes ops up to `upto`: what was removed and lost before, and is so again if it
    /// fails.
    struct removal {
      biz_no biz;
      std::uint64_t upto, floor, lost;
    };
    std::optional<removal> trim;
  };

  /// A slot that is being read, and who waits for it.
  struct opening_slot {
    biz_ptr biz;
    std::vector<std::function<void(slot*)>> then;
  };

  /// Token of the entry behind the writes of a stream that died; appends begin with 1.
  static constexpr std::uint64_t log_is_there = 0;

  explicit stream_state(stream_actor::pointer ptr) : self{ptr} {}

  // -- feeds ------------------------------------------------------------------------------------
  void attach(const feed_sink_actor& sink, const attach_request& request);
  void attach_loaded(const feed_sink_actor& sink, const attach_request& request, slot& s,
      const std::optional<position>& cursor);
  void prove_leading(
      const feed_sink_actor& sink, const attach_request& request); // stream_proof.cpp
  void detach(const feed_sink_actor& sink, const detach_note& note);
  void sink_down(const caf::actor_addr& source);
  void pull(const feed_sink_actor& sink, const pull_request& request);
  void acknowledge(const ack_note& note);

  // -- appends ----------------------------------------------------------------------------------
  void append(append_call call);
  void committed(const commit_result& result);

  // -- the rest ---------------------------------------------------------------------------------
  caf::result<stream_report> report(const stream_key& key);
  void trim(const stream_key& key);
  void trim_failed(const stream_key& id);
  bool put_trim(slot& s, const trim_plan& plan); ///< false: nothing happened
  void leave();
  bool owes_answers() const;
  void tick();
  std::string describe() const; ///< JSON, for actor-inspector: stream_describe.cpp
  std::size_t memory() const;   ///< bytes, roughly

  stream_key key_of(const slot& s) const { return {key.app, key.who, s.log.biz()->no}; }

  /// Calls `then(slot*)` now, or after the stream's meta row was read; null if it cannot be read or
  /// is damaged.
  void with_slot(const biz_ptr& biz, std::function<void(slot*)> then);
  /// The same if it is known that it is not in memory: never calls `then` at once.
  void read_slot(const biz_ptr& biz, std::function<void(slot*)> then);
  void ask_for_slot(const biz_ptr& biz);
  void wait_for_log();
  void log_came();
  slot* find(biz_no biz);
  /// The slot if it is in memory or its meta row is; null if the disk has to be asked.
  slot* try_open(const biz_ptr& biz);
  slot* open(const biz_ptr& biz, storage::lookup found, const std::string& value);

  /// True if everything the call needs is in memory; otherwise reads were started and `resume`
  /// follows.
  bool resolve(const append_call& call);
  void read_keys(const append_call& call, const biz_ptr& biz, const std::vector<std::string>& keys);
  std::uint64_t known_id(slot& s, const std::string& client_key) const;
  void resume();
  void refuse_head(ec code);
  void execute(append_call call);
  append_result append_one(append_item& item, pending_call& p, storage::write_batch& rows);
  append_result append_ephemeral(slot& s, append_item& item);
  ec submit(pending_call& p, storage::write_batch rows);
  void finish_rows(pending_call& p, storage::write_batch& rows);
  void add_sweep_rows(slot& s, bool keyed, storage::write_batch& rows);
  void answer(pending_call& p);
  void fail(pending_call& p, ec code);
  void take_back(const pending_call& p);
  void finish(pending_call p);
  void publish(slot& s, std::uint64_t upto, std::int64_t accepted_us);
  void send_live(slot& s, const op_batch_ptr& batch);
  void answer_all(const append_call& call, ec code);

  void give_turn(slot& s);
  void remove_listener(slot& s, std::size_t index);
  void send_page(
      slot& s, const feed_sink_actor& sink, std::uint32_t feed, op_batch_ptr batch, ec code);
  void page_loaded(
      const feed_sink_actor& sink, const pull_request& request, const stored_page& page);
  void remember_cursor(slot& s, const std::string& subject, std::uint64_t id);
  void flush_cursors();
  bool busy() const;
  void arm();

  stream_actor::pointer self;
  services_ptr sv;
  principal_key key;
  partition_no part{};
  partition_actor owner;
  std::shared_ptr<storage::partition_log> log;

  std::map<biz_no, slot> slots;
  queue_of<append_call> waiting; ///< appends behind one whose reads are under way
  std::size_t waiting_items = 0;
  std::size_t attaching = 0; ///< attaches whose cursor is being read
  /// What idempotency keys of the call at the head stand for, as far as they were read; 0 =
  /// nothing. And those of ops that were committed while it waited.
  std::map<std::pair<biz_no, std::string>, std::uint64_t> known_keys;
  queue_of<pending_call> pending;
  std::size_t pending_items = 0;
  std::uint64_t next_token = 1;
  std::size_t in_flight = 0;       ///< of them with a token
  std::uint64_t failures_seen = 0; ///< of the partition's log
  ec failing = ec::none; ///< a write failed: everything in flight fails too, then ids roll back
  std::map<biz_no, opening_slot> opening;
  std::map<std::pair<biz_no, std::string>, storage::cursor_record> dirty_cursors;
  std::uint64_t received = 0; ///< messages from the partition, for the agreement to sleep
  std::int64_t idle_since_ms = 0;
  std::int64_t next_tick_ms = 0; ///< 0 = none on its way
  std::uint32_t next_listener = 1;
  bool after_death = false; ///< until the log has come to an entry of ours
  bool asked_log = false;   ///< for that
  caf::error leaving;       ///< why, once it does
};

} // namespace shoal
