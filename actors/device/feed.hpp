// One device's way through one stream: what was sent, what is acknowledged, what to ask for next.
// Pure.
//
//      acked          told          seen          latest
//   ─────┼──────────────┼─────────────┼──────────────┼──> ids
//  handled│ on the wire, │ not for this│ not looked at│
//   by the│ in the window│ device: no  │ yet          │
//   device│              │ frame yet   │              │
//
// Owned by the device actor, one per subscribed biz. It takes batches (live or pages) and says what
// to send; live ops never overtake a catch-up, because a batch is used only if it continues at
// `seen`, and everything else is asked for again. Ops that are filtered or expired move `seen`
// without a frame; the device hears of them with the next ops, or after a while in an empty frame,
// so that its own position and the server's cursor advance over them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "actors/clock.hpp"
#include "actors/device/window.hpp"
#include "actors/messages.hpp"

namespace shoal {

/// What to put on the wire. Null batch: nothing.
struct feed_output {
  op_batch_ptr whole;                ///< send this batch's shared frame …
  std::vector<storage::op_ptr> part; ///< … or encode these ops (may be none)
  bool send = false;
  std::uint64_t after = 0, upto = 0;
};

class feed {
public:
  feed(biz_ptr biz, stream_key stream, std::string subject)
      : biz_{std::move(biz)}, stream_{std::move(stream)}, subject_{std::move(subject)} {}

  const biz_ptr& biz() const { return biz_; }
  const stream_key& stream() const { return stream_; }
  const std::string& subject() const { return subject_; }
  bool live() const { return live_; }
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t acked() const { return acked_; }
  std::uint64_t seen() const { return seen_; }
  std::uint64_t told() const { return told_; }
  std::uint64_t latest() const { return latest_; }
  bool pulling() const { return pulling_; }

  /// The source accepted the feed (or moved it): continue at this position. Frees what was in the
  /// window.
  void start(position at, std::uint64_t latest, window& w);

  /// The device is told to go to another position: what it was sent before counts no more.
  void forget_sent() { sent_ = 0; }

  /// Takes a batch. At most what the window allows is used; the rest is asked for again later.
  feed_output take(const feed_ops& x, const device_info& device, moment now, window& w);

  /// True, once, if ops should be asked for after `seen` now.
  bool wants_pull(const window& w, moment now);

  /// The device handled everything up to `id`. `none`, or `bad_position` for an id it was never
  /// told. It may have been told by a source before this one, which starts further back: then the
  /// feed goes on after `id`.
  ec acknowledge(std::uint64_t id, window& w, std::int64_t steady_ms);

  /// An empty frame for ids that were passed over silently, if there are any.
  feed_output tell(std::int64_t steady_ms);

  /// A pull got no answer.
  void pull_failed(std::int64_t retry_at_steady_ms) {
    pulling_ = false;
    retry_at_ms_ = retry_at_steady_ms;
  }

  /// When the oldest unacknowledged frame was sent, by the steady clock; empty if there is none.
  std::optional<std::int64_t> oldest_unacked_ms() const;
  bool untold() const { return live_ && told_ < seen_; }

  /// For a time before which no pull makes sense: an op is not valid yet, or the source is silent.
  bool waits() const { return valid_from_ms_ != 0 || retry_at_ms_ != 0; }

  void release(window& w);

private:
  bool must_wait(moment now) const;

  struct frame_in_flight {
    std::uint64_t upto;
    std::int64_t sent_ms; ///< steady
    std::uint32_t ops, bytes;
  };

  biz_ptr biz_;
  stream_key stream_;
  std::string subject_;
  bool live_ = false;
  bool pulling_ = false;
  std::uint64_t epoch_ = 0, acked_ = 0, told_ = 0, seen_ = 0, latest_ = 0;
  std::uint64_t sent_ = 0;         ///< newest id on the wire in this epoch, whatever the source
  std::int64_t valid_from_ms_ = 0; ///< of the next op, by the wall clock; 0 = it is valid
  std::int64_t retry_at_ms_ = 0;   ///< a pull that failed, by the steady clock; 0 = none did
  std::int64_t progress_ms_ = 0;
  std::vector<frame_in_flight> in_flight_;
};

} // namespace shoal
