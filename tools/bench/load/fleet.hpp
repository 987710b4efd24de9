// Many devices, or a few publishers, of one contender; and bounded waiting for what they do.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/contenders/contender.hpp"

namespace shoal::bench {

/// Steps until `done()`. Throws std::runtime_error, naming `what`, when the time is over or
/// something went wrong.
void wait_for(tls_loop& loop, const tally& t, int timeout_s, const std::string& what,
    const std::function<bool()>& done);

/// Lets everybody go on for a while: acknowledgements on their way, servers that tidy up.
void let_settle(tls_loop& loop, int milliseconds);

class fleet {
public:
  fleet(tls_loop& loop, contender& who, tally& t, const options& wishes)
      : loop_{loop}, who_{who}, tally_{t}, wishes_{wishes} {}
  ~fleet() { close(); }
  fleet(const fleet&) = delete;
  fleet& operator=(const fleet&) = delete;

  /// Connects `n` devices, a few at a time, and waits until all are ready (with `waits`: until TLS
  /// is up). `first` is the number of the first one.
  void connect(std::size_t n, bool waits = false, std::size_t first = 0);
  /// All that waited log in now; does not wait for answers.
  void login();
  void close();

private:
  tls_loop& loop_;
  contender& who_;
  tally& tally_;
  const options& wishes_;
  std::vector<std::unique_ptr<device>> devices_;
  std::vector<connection*> connections_;
};

class crew {
public:
  crew(tls_loop& loop, contender& who, tally& t, const options& wishes, std::size_t n);
  ~crew();
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;

  std::size_t size() const { return members_.size(); }
  publisher& member(std::size_t i) { return *members_[i]; }
  void publish(std::size_t i, std::span<const outgoing> ops) {
    members_[i]->publish(*connections_[i], ops);
  }
  /// Publishes `per_user` ops to each of `users`, round by round, as fast as it is accepted; waits
  /// for all.
  void publish_to_each(std::size_t users, std::size_t per_user, const std::string& payload);

private:
  tls_loop& loop_;
  tally& tally_;
  const options& wishes_;
  std::vector<std::unique_ptr<publisher>> members_;
  std::vector<connection*> connections_;
};

} // namespace shoal::bench
