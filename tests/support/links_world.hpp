// Nodes with links between them, over sockets or in the fake network, for tests of what both
// promise.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/cluster_ca.hpp"
#include "tests/support/fake_links.hpp"
#include "tests/support/link_recorder.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::test {

struct links_node {
  link_recorder seen;
  std::unique_ptr<cluster::node_links> links;
  cluster::peer_address address;
  std::string error() const { return links->status().empty() ? "" : links->status()[0].last_error; }
};

class links_world {
public:
  virtual ~links_world() = default;

  /// Nothing is dialed before `connect`.
  virtual std::unique_ptr<links_node> start(cluster::link_options options) = 0;

  /// Waits, or lets the network work, until it is so; false if it does not become so.
  virtual bool until(links_node& seen_by, const std::function<bool()>& true_now) = 0;

  /// Like `until`, for what no handler tells of.
  virtual bool eventually(const std::function<bool()>& true_now) = 0;

  /// What is sent to it stays on the way.
  virtual void stop_taking(links_node& x, bool stopped) = 0;

  static void connect(const std::vector<links_node*>& nodes) {
    auto all = std::vector<cluster::peer_address>{};
    for (auto* x : nodes)
      all.push_back(x->address);
    for (auto* x : nodes)
      x->links->set_peers(all);
  }
};

class fake_world final : public links_world {
public:
  std::unique_ptr<links_node> start(cluster::link_options options) override {
    auto out = std::make_unique<links_node>();
    out->address = {options.self, "", 1};
    out->links = network.join(std::move(options), out->seen.handlers());
    return out;
  }

  bool until(links_node&, const std::function<bool()>& true_now) override {
    return eventually(true_now);
  }

  bool eventually(const std::function<bool()>& true_now) override {
    for (auto i = 0; i < 1000; ++i) {
      network.deliver_all();
      if (true_now())
        return true;
      network.advance(std::chrono::milliseconds{10});
    }
    return false;
  }

  void stop_taking(links_node& x, bool stopped) override {
    auto name = x.address.name;
    network.judge_frames([name, stopped](auto&, auto& to, auto, auto&) {
      return stopped && to == name ? fate::hold : fate::pass;
    });
  }

  fake_network network;
};

/// Real sockets on loopback, every node with a certificate of one CA.
class socket_world final : public links_world {
public:
  std::unique_ptr<links_node> start(cluster::link_options options) override {
    if (options.ca.empty()) {
      auto paper = ca.issue(options.self);
      options.certificate = paper.certificate;
      options.key = paper.key;
      options.ca = ca.file();
    }
    auto out = std::make_unique<links_node>();
    out->address = {options.self, "127.0.0.1", 0};
    out->links = cluster::make_node_links(std::move(options), out->seen.handlers());
    out->address.port = out->links->port();
    return out;
  }

  bool until(links_node& seen_by, const std::function<bool()>& true_now) override {
    return seen_by.seen.wait(true_now);
  }

  /// Polls: the status of links has no event.
  bool eventually(const std::function<bool()>& true_now) override {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    auto clock = link_recorder{};
    while (!true_now()) {
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      clock.wait([] { return false; }, std::chrono::milliseconds{2});
    }
    return true;
  }

  void stop_taking(links_node& x, bool stopped) override { x.seen.stop_taking(stopped); }

  temp_dir folder;
  cluster_ca ca{folder.path()};
};

inline cluster::link_options options_of(const std::string& name, std::uint64_t incarnation) {
  auto out = cluster::link_options{};
  out.cluster = "test";
  out.self = name;
  out.incarnation = incarnation;
  out.heartbeat = std::chrono::milliseconds{50};
  out.dead_after = std::chrono::seconds{5};
  out.redial = std::chrono::milliseconds{20};
  return out;
}

} // namespace shoal::test
