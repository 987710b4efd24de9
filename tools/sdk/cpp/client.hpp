// The Shoal client for apps in C++: one TLS connection that comes back by itself, and handlers for
// what arrives.
//
// The app owns it; normally one per process. Everything the app says may be said from any thread,
// at any time, before or after `connect`, also from handlers; it holds over reconnects. Handlers
// are called one at a time on the client's own thread: while one works, no heartbeat is sent, so
// hand long work to a thread of the app (and accept that the op counts as handled when the handler
// returns).
//
// Guarantees: ops of one biz come in order, each once in effect as far as the position store
// remembers; an op is acknowledged after its handler returned; a handler that throws gets its op
// again after a reconnect. Does not: queue anything towards the server (sync is one way), or keep
// payloads.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tools/sdk/cpp/positions.hpp"
#include "tools/sdk/cpp/session.hpp"

namespace shoal {

struct client_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string ca_file;   ///< PEM; empty: the system's authorities
  bool insecure = false; ///< take any certificate; for development only

  std::string key, secret; ///< the app's device key, "dk_…"
  std::string device;      ///< stable for one installation
  device_facts facts;

  std::chrono::seconds heartbeat{240}; ///< a wish, the server bounds it
  std::uint32_t window_ops = 0;        ///< most ops unacknowledged; 0 = the server's default
  std::uint32_t window_bytes = 0;
  std::chrono::milliseconds ack_delay{50};          ///< how long acknowledgements are gathered
  std::chrono::milliseconds connect_timeout{10000}; ///< TCP and TLS; the same again for Welcome

  std::shared_ptr<position_store> positions; ///< null: `memory_positions`
};

enum class client_state : std::uint8_t {
  connecting,
  online,
  waiting, ///< until the next attempt
  stopped, ///< by `stop`, or for good: repeating the same cannot work (see `code`)
};

struct state_change {
  client_state state{};
  ec code = ec::none; ///< why it is not online
  std::string text;
  std::chrono::milliseconds delay{0}; ///< `waiting`: until the next attempt
  bool resumed = false;               ///< `online`: with a TLS session ticket
};

class client {
public:
  using op_handler = std::function<void(const received_op&)>;
  using reset_handler = std::function<void(const std::string& biz, position to, reset_why why)>;
  /// `code` is `none`, or why the server refused.
  using outcome_handler =
      std::function<void(const std::string& name, ec code, const std::string& text)>;
  using state_handler = std::function<void(const state_change&)>;

  /// Throws std::runtime_error if the certificates cannot be read.
  explicit client(client_options options);
  ~client(); ///< stops

  // Set these before `connect`.
  void on_state(state_handler f);
  void on_reset(reset_handler f);
  void on_bound(outcome_handler f);      ///< `name` is the user, empty after `unbind`
  void on_subscribed(outcome_handler f); ///< `name` is the biz

  void bind(std::string user, token_provider token);
  void unbind();
  void subscribe(std::string biz, op_handler f);
  void unsubscribe(std::string biz);

  /// Starts, or starts again after `stopped`.
  void connect();
  /// Acknowledges what was handled, closes, and returns when no handler runs any more. Not from a
  /// handler.
  void stop();

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace shoal
