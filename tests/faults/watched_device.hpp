// One device with the client library's session on its own thread, watched twice: what its app is
// handed, and the frames themselves, read again independently of the session.
//
// It reconnects within a fraction of a second, whatever backoff the session advises, so that it
// meets the server in every state; its positions live in memory over all connections, as those of
// an app that survives. Sometimes it hangs up in the middle, acknowledgements unsent.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/history.hpp"
#include "tests/faults/server.hpp"
#include "tools/sdk/cpp/session.hpp"
#include "tools/sdk/cpp/tls_socket.hpp"

namespace shoal::faults {

struct device_plan {
  std::string id, user;
  std::map<std::string, std::string> streams; ///< biz -> name of the stream in the history
  double hang_up = 0.002;                     ///< after each delivery
  std::uint64_t seed = 0;
};

class watched_device final : sdk::session_events {
public:
  /// Each connection goes to any of the nodes.
  watched_device(
      const std::vector<endpoint>& nodes, const test_app& app, device_plan plan, history& run);
  ~watched_device() override;

  const std::string& id() const { return plan_.id; }
  std::uint64_t connections() const { return connections_; }
  /// Whether it is welcome at that node right now.
  bool is_at(std::size_t node) const { return online_at_ == static_cast<int>(node); }
  /// How many connections ended because the node asked for that.
  std::uint64_t asked_to_go() const { return asked_to_go_; }
  void never_hang_up() { calm_ = true; }

private:
  class memory final : public memory_positions {
  public:
    explicit memory(watched_device& owner) : owner_{owner} {}
    void forget(const std::string& user, const std::string& biz) override;

  private:
    watched_device& owner_;
  };

  void on_online() override {
    ++connections_;
    online_at_ = node_;
  }
  void on_op(const received_op& op) override;
  void on_reset(const std::string& biz, position to, reset_why why) override;
  void on_bound(const std::string& user, ec code, const std::string& text) override;
  void on_subscribed(const std::string& biz, ec code, const std::string& text) override;

  void live();
  bool open();
  void serve();
  void wait(short events, sdk::time_point limit);
  void watch(std::string_view bytes);
  void watch_ops(const std::string& body);
  bool lucky(double share);
  void broken(const std::string& what) { run_.broken(plan_.id + ": " + what); }

  device_plan plan_;
  history& run_;
  std::mt19937_64 random_;
  memory positions_;
  std::vector<std::unique_ptr<sdk::tls_socket>> sockets_; ///< one for each node
  sdk::tls_socket* socket_ = nullptr;                     ///< of this connection
  sdk::session session_;
  frame_reader frames_{max_server_frame};
  std::map<std::string, std::uint64_t> at_; ///< by the frames of this connection
  int node_ = 0;                            ///< of this connection
  std::atomic<int> online_at_ = -1;
  std::atomic<std::uint64_t> connections_ = 0, asked_to_go_ = 0;
  std::atomic<bool> stopping_ = false, calm_ = false;
  bool hang_up_ = false;
  std::thread thread_;
};

} // namespace shoal::faults
