// Hears what node_links say, checks what every implementation promises, and lets tests wait for it.
// Any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cluster/node_links.hpp"

namespace shoal::test {

class link_recorder {
public:
  struct frame {
    std::string from;
    cluster::traffic kind{};
    std::string body;
  };
  struct peer {
    cluster::peer_info info;
    bool up = false;
    int ups = 0, downs = 0;
    std::string why; ///< of the last down
  };

  cluster::link_handlers handlers() {
    return {
        [this](const cluster::peer_info& from, cluster::traffic kind, std::string body) {
          take(from, kind, std::move(body));
        },
        [this](const cluster::peer_info& x) { rise(x); },
        [this](const cluster::peer_info& x, const std::string& why) { fall(x, why); },
    };
  }

  /// From now on `on_frame` does not return, until told to.
  void stop_taking(bool stopped = true) {
    auto lock = std::lock_guard{mutex_};
    stopped_ = stopped;
    changed_.notify_all();
  }

  /// False if it did not come true in time.
  bool wait(const std::function<bool()>& true_now,
      std::chrono::milliseconds patience = std::chrono::seconds{20}) {
    auto lock = std::unique_lock{mutex_};
    return changed_.wait_for(lock, patience, true_now);
  }

  // Inside `wait`, or when nothing can happen any more.
  const peer& at(const std::string& name) { return peers_[name]; }
  const std::vector<frame>& frames() const { return frames_; }
  std::vector<std::string> bodies(const std::string& from, cluster::traffic kind) const {
    auto out = std::vector<std::string>{};
    for (auto& x : frames_)
      if (x.from == from && x.kind == kind)
        out.push_back(x.body);
    return out;
  }

  peer peer_now(const std::string& name) {
    auto lock = std::lock_guard{mutex_};
    return peers_[name];
  }
  std::size_t frame_count() {
    auto lock = std::lock_guard{mutex_};
    return frames_.size();
  }

private:
  void take(const cluster::peer_info& from, cluster::traffic kind, std::string body) {
    auto lock = std::unique_lock{mutex_};
    EXPECT_TRUE(peers_[from.name].up) << "a frame outside of up and down";
    EXPECT_EQ(peers_[from.name].info.incarnation, from.incarnation) << "a frame of another start";
    changed_.wait_for(lock, std::chrono::seconds{30}, [&] { return !stopped_; });
    frames_.push_back({from.name, kind, std::move(body)});
    changed_.notify_all();
  }

  void rise(const cluster::peer_info& x) {
    auto lock = std::lock_guard{mutex_};
    auto& y = peers_[x.name];
    EXPECT_FALSE(y.up) << "up twice";
    y.info = x;
    y.up = true;
    ++y.ups;
    changed_.notify_all();
  }

  void fall(const cluster::peer_info& x, const std::string& why) {
    auto lock = std::lock_guard{mutex_};
    auto& y = peers_[x.name];
    EXPECT_TRUE(y.up) << "down twice";
    EXPECT_EQ(y.info.incarnation, x.incarnation);
    y.up = false;
    y.why = why;
    ++y.downs;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::map<std::string, peer> peers_;
  std::vector<frame> frames_;
};

} // namespace shoal::test
