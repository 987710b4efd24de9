// The client's side of protocol/README.md without sockets, threads or clocks: bytes and time points
// in, bytes and decisions out.
//
// Owned by `client`, lives as long as it, over many connections. It holds what the app wishes
// (user, bizs) and says them again on each connection:
//
//   opened ──> Hello [Bind] Subscribe ──> received/tick … ──> finished() or connection lost ──>
//   ended ──> verdict
//
// Guarantees: ops of a stream reach `session_events` in order and, as far as the position store
// remembers, once; a position is saved after its op was handled and flushed before it is
// acknowledged; nothing of one user is delivered or acknowledged after another was bound. Not
// thread-safe, not reentrant: events must not call back. Knows nothing of TLS.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/codes.hpp"
#include "protocol/frame.hpp"
#include "protocol/position.hpp"
#include "tools/sdk/cpp/positions.hpp"

namespace shoal::wire {
class Bound;
class Close;
class Ops;
class Reset;
class Subscribed;
class Welcome;
} // namespace shoal::wire

namespace google::protobuf {
class MessageLite;
}

namespace shoal {

/// What filters on the server look at.
struct device_facts {
  std::string os, app_version, region, model, network;
  std::map<std::string, std::string> tags;
};

/// One change, as the business server sent it. In a non-persistent biz `at` is (0, 0).
struct received_op {
  std::string biz;
  position at;
  std::string payload;
  std::int64_t time_ms = 0; ///< when the server accepted it
  std::string key;          ///< the business server's idempotency key, may be empty
};

/// Why a position was moved by the server; numbers of the protocol.
enum class reset_why : std::uint8_t {
  trimmed = 1,            // reload the state this biz describes
  epoch = 2,              // reload
  ahead = 3,              // reload
  newest_only = 4,        // nothing to do
  consumed_elsewhere = 5, // nothing to do
};

constexpr bool must_reload(reset_why x) {
  return x != reset_why::newest_only && x != reset_why::consumed_elsewhere;
}

/// Asked for on each connection, so that tokens can be short-lived. May throw: binding is tried
/// again later.
using token_provider = std::function<std::string(const std::string& user)>;

} // namespace shoal

namespace shoal::sdk {

using time_point = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

struct session_options {
  std::string key, secret, device;
  device_facts facts;
  std::chrono::seconds heartbeat{240};
  std::uint32_t window_ops = 0; ///< 0 = the server's default
  std::uint32_t window_bytes = 0;
  milliseconds ack_delay{50};          ///< longest time a handled op waits for its acknowledgement
  milliseconds welcome_timeout{10000}; ///< from connected to Welcome
  std::function<double()> uniform;     ///< random number in [0, 1), for jitter
};

/// What the app hears. Called from within the session's own functions.
class session_events {
public:
  virtual ~session_events() = default;
  virtual void on_online() = 0;
  /// If it throws, the op counts as not handled: the connection ends and the op is delivered again.
  virtual void on_op(const received_op& op) = 0;
  virtual void on_reset(const std::string& biz, position to, reset_why why) = 0;
  virtual void on_bound(const std::string& user, ec code, const std::string& text) = 0;
  virtual void on_subscribed(const std::string& biz, ec code, const std::string& text) = 0;
};

/// What to do when a connection is over.
struct verdict {
  bool again = true;
  milliseconds delay{0};
  ec code = ec::none;
  std::string text;
};

class session {
public:
  session(session_options options, session_events& events, position_store& positions);

  // -- what the app wishes, said at any time --

  void bind(std::string user, token_provider token, time_point now);
  void unbind(time_point now);
  void subscribe(const std::string& biz, time_point now);
  void unsubscribe(const std::string& biz, time_point now);

  // -- one connection after the other --

  /// The TLS connection is up. `wall_ms` is the local Unix time.
  void opened(time_point now, std::int64_t wall_ms);
  void received(std::string_view bytes, time_point now, std::int64_t wall_ms);
  /// To be called at `deadline()` or later.
  void tick(time_point now);
  time_point deadline() const;
  /// Acknowledges what was handled, without waiting for the delay. Before a clean stop.
  void flush_acks(time_point now);

  /// Bytes to be sent, oldest first; the caller takes them.
  std::string take_output();
  bool has_output() const { return !out_.empty(); }

  /// True when the session wants the connection closed; `ended` then says why.
  bool finished() const { return over_; }
  /// The connection is gone, by whoever's will. Call once per attempt, also for those that never
  /// opened.
  verdict ended(time_point now);

private:
  /// Before what failed is tried again, at least.
  static constexpr auto retry_pause = std::chrono::milliseconds{1000};

  struct feed {
    bool wanted = false;
    bool active = false;
    std::uint32_t unanswered =
        0;       ///< Subscribes without Subscribed; ops count only when there is none
    position at; ///< epoch 0: none
  };

  void send(frame_type type, const google::protobuf::MessageLite& body, time_point now);
  void send_hello(time_point now, std::int64_t wall_ms);
  void send_bind(time_point now);
  void send_subscribe(const std::string* only, time_point now);
  void finish(ec code, std::string text);

  void dispatch(const frame& x, time_point now, std::int64_t wall_ms);
  void on_welcome(const wire::Welcome& m, time_point now, std::int64_t wall_ms);
  void on_bound(const wire::Bound& m, time_point now);
  void on_subscribed(const wire::Subscribed& m, time_point now);
  void on_ops(const wire::Ops& m, time_point now);
  void on_reset(const wire::Reset& m);
  void on_close(const wire::Close& m, std::int64_t wall_ms);

  void handle_persistent(feed& f, const wire::Ops& m, time_point now);
  void gather_ack(
      const std::string& biz, position at, std::size_t ops, std::size_t bytes, time_point now);
  void correct_clock(std::int64_t server_ms, std::int64_t wall_ms);
  void forget_positions();
  milliseconds backoff(int attempt) const;

  session_options options_;
  session_events& events_;
  position_store& positions_;

  // Wishes.
  std::string user_;
  token_provider token_;
  std::map<std::string, feed, std::less<>> feeds_;

  // Over all connections.
  std::int64_t clock_offset_ms_ = 0; ///< server's clock minus ours
  int failures_ = 0;                 ///< attempts since the last connection that lasted
  bool corrected_ = false;           ///< the last attempt already used its free retry

  // This connection.
  bool open_ = false;
  bool welcomed_ = false;
  bool over_ = false;
  ec end_code_ = ec::none;
  std::string end_text_;
  milliseconds end_retry_after_{0};
  frame_reader reader_{max_server_frame};
  std::string out_;
  bool zstd_ = false;
  std::uint32_t binding_ = 0;
  std::uint32_t bounds_awaited_ = 0;
  bool token_retried_ = false;
  int bind_failures_ = 0;
  milliseconds heartbeat_{240000};
  std::size_t ack_ops_limit_ = 64;
  std::size_t ack_bytes_limit_ = 0;
  std::map<std::string, position> acks_;
  std::size_t acks_ops_ = 0;
  std::size_t acks_bytes_ = 0;
  std::uint64_t ping_number_ = 0;

  time_point opened_at_{};
  time_point welcomed_at_{};
  time_point last_sent_{};
  std::optional<time_point> ping_sent_;
  std::optional<time_point> ack_due_;
  std::optional<time_point> bind_due_;
  std::optional<time_point> subscribe_due_;
};

} // namespace shoal::sdk
