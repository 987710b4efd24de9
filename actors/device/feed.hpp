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
  feed_output take(const feed_ops& x, const device_info& device, std::int64_t now_ms, window& w);

  /// True, once, if ops should be asked for after `seen` now.
  bool wants_pull(const window& w, std::int64_t now_ms);

  /// The device handled everything up to `id`. `none`, or `bad_position` for an id it was never
  /// told. It may have been told by a source before this one, which starts further back: then the
  /// feed goes on after `id`.
  ec acknowledge(std::uint64_t id, window& w, std::int64_t now_ms);

  /// An empty frame for ids that were passed over silently, if there are any.
  feed_output tell(std::int64_t now_ms);

  /// A pull got no answer.
  void pull_failed(std::int64_t retry_at_ms) {
    pulling_ = false;
    not_before_ms_ = retry_at_ms;
  }

  /// When the oldest unacknowledged frame was sent; empty if there is none.
  std::optional<std::int64_t> oldest_unacked_ms() const;
  bool untold() const { return live_ && told_ < seen_; }

  /// The time before which no pull makes sense (an op that is not valid yet); 0 = none.
  std::int64_t waits_until_ms() const { return not_before_ms_; }

  void release(window& w);

private:
  struct frame_in_flight {
    std::uint64_t upto;
    std::int64_t sent_ms;
    std::uint32_t ops, bytes;
  };

  biz_ptr biz_;
  stream_key stream_;
  std::string subject_;
  bool live_ = false;
  bool pulling_ = false;
  std::uint64_t epoch_ = 0, acked_ = 0, told_ = 0, seen_ = 0, latest_ = 0;
  std::uint64_t sent_ = 0; ///< newest id on the wire in this epoch, whatever the source
  std::int64_t not_before_ms_ = 0;
  std::int64_t progress_ms_ = 0;
  std::vector<frame_in_flight> in_flight_;
};

} // namespace shoal
