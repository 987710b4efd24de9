// The replication rules of one partition at one node: events and a time point in, decisions out. No
// actor, no socket, no disk, no clock.
//
// Owned by an actor that owns the disk and the links. It calls one input at a time and carries out
// what comes back: writes in order, sends whenever it likes (a lost message is resent). Not
// thread-safe.
//
// Guarantees, if the disk keeps what it reported as durable, and views change only as `wrong_with`
// (view_rules.hpp) allows:
// - what was reported as committed is never lost nor changed, at any replica, as long as a majority
//   of the view's replicas keep their disks;
// - records are committed and applied in order of consecutive lsns, the same everywhere;
// - at most one replica ever serves an epoch, and when it begins to, everything that was committed
//   before is applied there.
// How: README.md, "Replication".
//
// Does not: decide who leads (views come from the meta store), know what a payload means, read or
// write checkpoints, retry for a caller whose proposal has an unknown outcome.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/partition_table.hpp"
#include "cluster/replica_log.hpp"
#include "cluster/replica_messages.hpp"

namespace shoal::cluster {

struct replica_options {
  instant heartbeat = std::chrono::milliseconds{100};
  /// Silence of a peer that owes an answer, until it is asked again.
  instant resend_after = std::chrono::milliseconds{250};
  /// Half the take-over time: a leader that has not heard a majority for so long stops serving.
  instant suspend_after = std::chrono::milliseconds{1000};
  instant hand_over_limit = std::chrono::milliseconds{2000};
  /// Silence of the majority that owes answers to what was proposed, before a leader takes a view
  /// in which it leads on. While it is heard, `hand_over_limit` holds.
  instant finish_limit = std::chrono::milliseconds{500};
  /// A fence without a majority, or a fetch without progress: another view is asked for.
  instant take_over_limit = std::chrono::seconds{5};
  /// A receiver that asks for no chunk for so long gets no more of this checkpoint.
  instant checkpoint_limit = std::chrono::seconds{30};

  std::size_t append_bytes = 256u << 10;     ///< of one message; one record always fits
  std::size_t in_flight_bytes = 4u << 20;    ///< per follower, not yet answered
  std::size_t memory_bytes = 8u << 20;       ///< of the log's end, kept for who has not got it
  std::size_t uncommitted_bytes = 16u << 20; ///< more: proposals are refused with `full`
  std::size_t apply_bytes = 8u << 20;        ///< handed out and not yet reported as applied
  /// Applied ones, kept for followers that are behind: not more than either allows, or four times
  /// as many while one gets a checkpoint, and what was written meanwhile.
  std::uint64_t keep_records = 100'000;
  std::size_t keep_bytes = 64u << 20;
  std::uint64_t trim_step = 1'000; ///< fewer are not worth a trim, unless they are many bytes

  std::uint32_t (*checksum)(const log_record&) = nullptr; ///< of all but `crc`; required
};

/// Which rules hold. For the mutation check of the tests only: each `false` is a deliberate bug.
struct replica_rules {
  bool followers_check_epochs = true;
  bool commit_own_epoch_only = true;    ///< false: by counting alone
  bool adopt_newest_log = true;         ///< false: the longest
  bool sync_before_answer = true;       ///< false: followers answer, leaders count, at once
  bool epoch_start_before_serve = true; ///< false: serve as soon as a log is adopted
  bool promises_are_durable = true;     ///< false: followers keep them in memory
  bool fence_previous_set = true;       ///< false: a majority of the new replicas will do
  bool lead_an_epoch_once = true;       ///< false: again after a restart
  bool followers_check_previous = true; ///< false: append whatever follows by lsn
  bool damaged_keep_quiet = true;       ///< false: answer fences with whatever is left
  bool empty_disk_is_damage = true;     ///< false: the owner takes it for one of a new replica
};

/// What the disk said at the start. The records were read and their checksums were right, or
/// `damaged` is set and the rest does not matter.
struct durable_state {
  std::uint64_t epoch = 0;  ///< the highest that was promised
  std::uint64_t rejoin = 0; ///< see `log_write::rejoin`
  log_position base;        ///< the log begins after this
  std::vector<epoch_run> runs;
  std::vector<std::uint32_t> sizes; ///< `log_record::bytes` of each one after the base
  std::uint64_t last = 0;           ///< lsn; `base.lsn` if the log is empty
  std::uint64_t applied = 0;        ///< at least `base.lsn`
  /// Set too if the disk is empty although this node has been a replica before.
  bool damaged = false;
};

enum class replica_role : std::uint8_t {
  stopped,      ///< before `start`, and after `disk_failed`
  quarantined,  ///< damaged; is being refilled
  follower,     ///< or a leader-to-be that may not lead its view's epoch
  fencing,      ///< leads: waits for a majority's promises
  adopting,     ///< leads: fetches what it misses
  opening,      ///< leads: waits until its epoch-start record is committed and applied
  serving,      ///< leads, accepts proposals
  suspended,    ///< leads, has not heard a majority for too long
  handing_over, ///< leads, accepts nothing new: a follower is to lead, or itself in the next view
};

const char* to_string(replica_role x);

enum class refusal : std::uint8_t {
  none,
  not_leader, ///< look at the view
  not_ready,  ///< leads, but does not serve yet, or not at the moment: try again soon
  full,       ///< too much is uncommitted: try again later
};

/// One atomic write, in the order of its fields. Answered by `persisted(ticket)`, in order.
struct log_write {
  std::uint64_t ticket = 0;
  std::optional<std::uint64_t> epoch; ///< the promise; never goes back, is never deleted
  /// Damaged: promise nothing with what is left. `unknown_rejoin` = until told more, 0 = healthy.
  std::optional<std::uint64_t> rejoin;
  bool wipe = false; ///< all records and all applied rows
  /// The received checkpoint of that position replaces all rows and records.
  std::optional<log_position> install;
  std::uint64_t install_id = 0;
  std::optional<std::uint64_t> truncate_after; ///< drop records with greater lsns
  std::vector<log_record> records;
};

inline constexpr std::uint64_t unknown_rejoin = ~std::uint64_t{0};

struct outgoing {
  std::string to;
  replica_message message;
};

struct role_change {
  replica_role role = replica_role::stopped;
  std::uint64_t epoch = 0;
  std::string why; ///< for people
};

/// Checkpoints are made, read and written by the owner. `id` tells them apart; a step or an answer
/// about an id that was closed is ignored.
struct checkpoint_step {
  enum class kind : std::uint8_t {
    open,  ///< take one of what is applied, for `peer`; answer with `checkpoint_opened`
    read,  ///< one chunk; answer with `chunk_read`
    begin, ///< one is being received from `peer`, as of `position`
    write, ///< put a received chunk aside; answer with `chunk_written`
    close, ///< opened, or received and not installed: not needed any more
  };
  kind what = kind::open;
  std::uint64_t id = 0;
  std::string peer;
  log_position position;
  std::uint64_t chunk = 0;
  bool is_last = false;
  std::shared_ptr<const std::string> data;
};

struct hand_over_result {
  std::string to;
  /// True: everything is there; swap the view now, or time passes and serving goes on.
  bool ready = false;
};

/// Swap to a view of this epoch or a later one, unless there is one already.
struct view_wish {
  std::uint64_t epoch = 0;
  std::string why;
};

/// What to do now. Fields that are empty ask for nothing.
struct decisions {
  std::vector<log_write> writes;
  std::vector<outgoing> sends;
  std::vector<log_record> apply; ///< in order, once; answered by `applied`, in order with writes
  /// Proposals that somebody may commit, or not; look at these before `committed`.
  std::vector<std::uint64_t> unknown;
  std::optional<std::uint64_t> committed;  ///< new: all up to this lsn are
  std::vector<role_change> roles;          ///< in order
  std::vector<checkpoint_step> checkpoint; ///< in order
  std::optional<std::uint64_t> trim;       ///< records up to this lsn may be deleted, any time
  std::optional<hand_over_result> hand_over;
  /// This view took over and its `previous` replicas are not needed: swap to a view without them.
  std::optional<std::uint64_t> settled;
  bool read_view = false;                 ///< somebody knows a newer one: read the meta store
  std::optional<view_wish> wants_view;    ///< cannot go on without
  std::optional<std::string> quarantined; ///< why; then read the meta store, see `promised_at_most`
};

struct proposal {
  refusal refused = refusal::none;
  log_position position; ///< if it is not refused
  decisions out;
};

struct peer_status {
  std::string name;
  std::uint64_t durable = 0;
  std::uint64_t in_flight_bytes = 0;
  instant heard{}; ///< when the newest message that it answered was sent
  bool gets_checkpoint = false;
};

struct replica_status {
  replica_role role = replica_role::stopped;
  std::uint64_t epoch = 0;
  std::string leader; ///< as far as known
  log_position base, last;
  std::uint64_t durable = 0, committed = 0, applied = 0;
  std::size_t memory = 0;         ///< bytes of records that are kept to be sent
  std::vector<peer_status> peers; ///< of a leader
};

class replica {
public:
  /// `source` outlives it.
  replica(std::string self, const replica_options& options, record_source& source,
      replica_rules rules = {});

  // -- once ---------------------------------------------------------------------------------------

  decisions start(const durable_state& disk, instant now);

  // -- views --------------------------------------------------------------------------------------

  /// A view from the meta store, possibly old, possibly again. A view that is malformed, or that
  /// does not follow from the one known before, is ignored (and `read_view` asked for).
  decisions learn(const view& x, instant now);

  /// After `quarantined`: the epoch that the meta store held when it was read *after* the damage
  /// was noticed, by a read that is not allowed to be stale. Nobody can have a promise of this
  /// replica for a higher one.
  decisions promised_at_most(std::uint64_t epoch, instant now);

  // -- work ---------------------------------------------------------------------------------------

  proposal propose(std::shared_ptr<const std::string> payload, instant now);
  decisions receive(const std::string& from, const replica_message& message, instant now);
  /// Often enough: a third of the heartbeat.
  decisions tick(instant now);

  /// Stop accepting, let `to` catch up, say so (`decisions::hand_over`); bounded by
  /// `hand_over_limit`.
  decisions hand_over(const std::string& to, instant now);

  // -- the disk answers ---------------------------------------------------------------------------

  decisions persisted(std::uint64_t ticket, instant now);
  decisions applied(std::uint64_t lsn, instant now);
  decisions checkpoint_opened(std::uint64_t id, const log_position& position, instant now);
  decisions chunk_read(std::uint64_t id, std::uint64_t chunk,
      std::shared_ptr<const std::string> data, bool is_last, instant now);
  decisions chunk_written(std::uint64_t id, std::uint64_t chunk, instant now);

  /// Records or rows that were durable are gone or wrong.
  decisions damaged(const std::string& why, instant now);
  /// A write failed: what is on the disk is not known. Nothing more is said or done; make a new
  /// replica from the disk.
  decisions disk_failed(const std::string& why, instant now);

  // -- state --------------------------------------------------------------------------------------

  replica_role role() const { return role_; }
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t committed() const { return committed_; }
  std::uint64_t applied_lsn() const { return applied_; }
  log_position last() const { return log_.last(); }
  replica_status status() const;

private:
  enum class pace : std::uint8_t { probing, streaming, checkpoint };

  struct flight {
    std::uint64_t last = 0;
    std::size_t bytes = 0;
  };

  /// What a leader knows of another replica of its view.
  struct remote {
    bool follows = false; ///< is in `replicas`, not only in `previous`
    std::optional<fence_answer> promise;
    pace mode = pace::probing;
    std::uint64_t next = 1;  ///< lsn to send
    std::uint64_t match = 0; ///< durable there, and equal to the log here
    std::deque<flight> flights;
    std::size_t in_flight = 0;
    std::uint64_t probe = 1; ///< lsn that the last probe began with
    bool asked = false;      ///< probing: an append is under way
    instant sent{};          ///< the last append or fence
    instant probed{};        ///< the last probe
    instant progress{};      ///< streaming: since then an answer is owed
    std::optional<instant> heard;
    bool refilled = false; ///< got a checkpoint, and is not as near as everybody has to be, yet
  };

  /// A checkpoint on its way out.
  struct outbound {
    std::uint64_t id = 0;
    std::optional<log_position> position; ///< once it is opened
    std::optional<std::uint64_t> reading; ///< this chunk, now
    instant sent{};                       ///< the last offer
    instant asked{};                      ///< the last sign of the receiver, or the beginning
  };

  /// A checkpoint on its way in.
  struct inbound {
    std::uint64_t id = 0;
    std::string from;
    std::uint64_t epoch = 0;
    log_position position;
    std::uint64_t next = 0;
    bool writing = false, is_last = false;
    std::uint64_t install_ticket = 0;
    instant asked{}, progress{};
  };

  /// An append whose answer waits for the disk.
  struct waiting_append {
    std::string to;
    instant sent{};
  };

  struct adoption {
    std::string from;
    log_position after; ///< fetched up to here
    std::uint64_t until = 0;
    instant asked{}, progress{};
  };

  struct handing {
    std::string to;
    instant since{};
    bool told = false;
  };

  // replica.cpp: what all roles share
  bool may_finish_first();
  void take_view(view x);
  decisions finish();
  void advance(instant now);
  void send(const std::string& to, replica_message message);
  log_write& write();
  void become(replica_role role, std::string why);
  void promise(std::uint64_t epoch);
  bool refuse_old(const std::string& from, std::uint64_t epoch);
  void commit_to(std::uint64_t lsn);
  void hand_out();
  std::uint64_t surplus(std::uint64_t times) const;
  std::uint64_t needed_for_refills();
  void trim();
  void quarantine(const std::string& why);
  void end_quarantine();
  void tick_stuck();
  bool read(
      std::uint64_t from, std::uint64_t to, std::size_t max_bytes, std::vector<log_record>& out);
  bool leading() const;
  bool intact(const std::vector<log_record>& records, const log_position& after) const;

  // replica_follower.cpp
  void on(const std::string& from, const append_message& x);
  void on(const std::string& from, const fence_message& x);
  void on(const std::string& from, const fetch_message& x);
  void disagree(const std::string& from, const append_message& x);
  void answer_leader();
  void answer_fence();
  bool take(const std::vector<log_record>& records);

  // replica_takeover.cpp
  void take_over();
  void fence();
  bool promised_by_majority(const std::vector<std::string>& names) const;
  void on(const std::string& from, const fence_answer& x);
  void on(const std::string& from, const fetch_answer& x);
  void choose_log();
  void fetch();
  void open_epoch();
  void became_opening();
  void tick_take_over();

  // replica_leader.cpp
  void on(const std::string& from, const append_answer& x);
  void on(const std::string& from, const refusal_message& x);
  bool opened() const;
  void replicate(const std::string& name, remote& p);
  void disagreed(remote& p, const append_answer& x);
  void agreed(const std::string& from, remote& p, const append_answer& x);
  void replicate_all();
  void append_to(const std::string& name, remote& p, std::vector<log_record> records);
  void probe_from(remote& p, std::uint64_t lsn);
  void count_votes();
  void maybe_serve();
  void maybe_suspend();
  void hand_over_step();
  bool may_wait_no_longer() const;
  void end_hand_over(bool quiet);
  void stop_leading(replica_role next, const std::string& why);
  void tick_leader();
  std::uint64_t everyone_has() const;
  /// What a leader knows of everybody, and a follower was told last.
  std::uint64_t known_everywhere() const { return leading() ? everyone_has() : everyone_has_; }
  std::optional<instant> majority_heard() const;

  // replica_checkpoint.cpp
  void on(const std::string& from, const checkpoint_offer& x);
  void on(const std::string& from, const checkpoint_ask& x);
  void on(const std::string& from, const checkpoint_chunk& x);
  void offer_checkpoint(const std::string& to);
  std::map<std::string, outbound>::iterator outbound_of(std::uint64_t id);
  void close_checkpoint(const std::string& to);
  void ask_chunk();
  bool covers(const log_position& x) const;
  void install();
  void installed();
  void drop_inbound();
  void tick_checkpoints();

  const std::string self_;
  const replica_options options_;
  record_source& source_;
  const replica_rules rules_;

  decisions out_;
  instant now_{};
  replica_role role_ = replica_role::stopped;
  view view_;
  replica_log log_;

  std::uint64_t epoch_ = 0;         ///< promised
  std::uint64_t durable_epoch_ = 0; ///< promised, and on the disk
  std::uint64_t last_led_ = 0;      ///< epochs up to this may not be led (again)
  std::uint64_t highest_seen_ = 0;  ///< in refusals
  std::uint64_t rejoin_ = 0;
  std::uint64_t committed_ = 0, handed_out_ = 0, applied_ = 0;
  std::deque<flight> applying_;
  std::size_t applying_bytes_ = 0;
  std::uint64_t everyone_has_ = 0;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> promises_; ///< (ticket, epoch), on their way
  std::uint64_t next_ticket_ = 1;
  std::uint64_t restart_ticket_ = 0;  ///< a wipe or an install under way: what was applied is void
  std::optional<std::string> broken_; ///< found while doing something else
  std::optional<instant> asked_view_; ///< the last time

  // follower
  std::string leader_;        ///< who sent appends of `epoch_`
  std::uint64_t matched_ = 0; ///< equal to the leader's log of `epoch_`
  std::optional<waiting_append> waiting_append_;
  std::optional<std::string> waiting_fence_;

  // leader
  std::map<std::string, remote> peers_; ///< without itself
  std::optional<adoption> adoption_;
  std::optional<handing> handing_; ///< `to` itself: until `next_view_` is taken
  std::optional<view> next_view_;
  std::uint64_t start_lsn_ = 0;  ///< of the epoch-start record
  std::deque<flight> proposals_; ///< not committed yet
  std::size_t proposed_bytes_ = 0;
  instant began_{};

  // checkpoints
  std::map<std::string, outbound> outbound_; ///< by receiver
  std::uint64_t next_checkpoint_ = 1;
  std::optional<inbound> inbound_;
};

} // namespace shoal::cluster
