// One system under test, seen from the load generator: how to start it, and who talks to it in
// which protocol.
//
//   scenario ──> fleet of `device`s ──┐                  ┌── starts, measures, ends
//            ──> crew of `publisher`s ┴── tls_loop ── server (child process of a `contender`)
//
// A contender lives for one scenario; its server starts with an empty data folder.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/load/tls_loop.hpp"
#include "tools/bench/machine/certificate.hpp"
#include "tools/bench/machine/child.hpp"
#include "tools/bench/options.hpp"

namespace shoal::bench {

/// What a scenario counts. Shared by all conversations of a run; everything is on one thread.
struct tally {
  std::size_t connected = 0; ///< TLS is up
  std::size_t ready = 0;     ///< devices that were granted all they asked for
  std::size_t delivered =
      0; ///< ops that devices received, and acknowledged where the protocol has that
  std::size_t accepted = 0;                       ///< ops that the server confirmed to publishers
  std::int64_t first_ns = 0, last_ns = 0;         ///< of the deliveries since `restart`
  std::vector<std::int64_t>* latencies = nullptr; ///< if set: payloads start with `stamp`
  std::string trouble;                            ///< the first thing that went wrong

  void deliver(std::size_t n, std::int64_t now);
  void fail(const std::string& what);
  void restart() { first_ns = last_ns = 0; }
};

constexpr auto stamp_size = std::size_t{16};
/// Writes a point in time as text at the beginning of a payload.
void stamp(std::string& payload, std::int64_t ns);
/// Notes the age of a stamped payload.
void note_latency(tally& t, std::string_view payload, std::int64_t now);

enum class audience : std::uint8_t {
  nobody,    ///< devices only log in
  everybody, ///< one feed for all
  own,       ///< each device follows its user's feed
};

/// What a scenario is going to do; the contender prepares topics, streams and consumers for it.
struct plan {
  audience whom = audience::nobody;
  bool confirmed = false; ///< ops are stored (where the system can) and acknowledged by devices
  bool absent = false;    ///< devices go away and come back for what they missed
  std::size_t users = 0;
  std::size_t payload = 0;
  std::size_t in_flight = 1; ///< per publisher
  bool single_calls = false; ///< Shoal: one item per call, one call at a time per publisher
};

constexpr auto to_all = ~std::size_t{0};

struct outgoing {
  std::size_t user = to_all;
  std::string_view payload;
};

class device : public conversation {
public:
  explicit device(tally& t) : tally_{t} {}
  void opened(connection& c) override;
  void lost(const std::string& why) override { tally_.fail("a device was disconnected: " + why); }
  /// Says everything that a returning device says.
  virtual void login(connection& c) = 0;

  bool waits = false; ///< do not log in when TLS is up

  bool ready() const { return ready_; }

protected:
  /// The server granted all that was asked for.
  void granted();

  tally& tally_;

private:
  bool ready_ = false;
};

class publisher : public conversation {
public:
  explicit publisher(tally& t) : tally_{t} {}
  void lost(const std::string& why) override {
    tally_.fail("a publisher was disconnected: " + why);
  }
  /// How many ops it may be given now.
  virtual std::size_t capacity() const = 0;
  virtual void publish(connection& c, std::span<const outgoing> ops) = 0;

protected:
  tally& tally_;
};

/// What every contender needs from the run.
struct surroundings {
  const options& wishes;
  std::string folder; ///< empty, for this contender alone
  certificate_files certificate;
};

class contender {
public:
  virtual ~contender() = default;
  virtual std::string name() const = 0;
  /// Starts the server and returns when it listens; throws std::runtime_error if it does not.
  virtual void start() = 0;
  virtual void prepare(tls_loop& loop, const plan& p) = 0;
  /// Where device or publisher `i` connects to: nodes of a cluster take turns.
  virtual dial_options device_dial(std::size_t i) const = 0;
  virtual dial_options publisher_dial(std::size_t i) const { return device_dial(i); }
  virtual std::unique_ptr<device> make_device(std::size_t i, tally& t) = 0;
  virtual std::unique_ptr<publisher> make_publisher(std::size_t i, tally& t) = 0;
  child& server() { return server_; }
  /// Of all its servers together.
  virtual memory_use memory() const { return server_.memory(); }
  virtual double cpu_seconds() const { return server_.cpu_seconds(); }

protected:
  child server_;
};

std::unique_ptr<contender> make_shoal(surroundings s);
std::unique_ptr<contender> make_mosquitto(surroundings s);
std::unique_ptr<contender> make_nats(surroundings s);
std::unique_ptr<contender> make_jetstream(surroundings s);
std::unique_ptr<contender> make_floor(surroundings s);

/// By name; throws std::runtime_error for an unknown one.
std::unique_ptr<contender> make_contender(const std::string& name, surroundings s);

/// Starts `command`, waits for the port; throws with the end of its log if it does not come up.
child start_server(
    const std::vector<std::string>& command, const std::string& folder, std::uint16_t port);
/// Last lines of the server's log, for error messages.
std::string log_tail(const std::string& folder);

} // namespace shoal::bench
