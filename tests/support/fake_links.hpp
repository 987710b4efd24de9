// node_links for many nodes in one thread, with a network that does what the test says.
//
// Nothing happens by itself: `send` and `set_peers` only note what was asked for. `deliver_all`
// makes links, carries frames and calls handlers until nothing is left; `advance` lets time pass.
// Handlers are called from these two (and from `stop`, for the node that stops), never from `send`.
//
// What is the same as over TCP: a cut keeps frames back and does not lose them if it heals before
// `dead_after`; after that the silent side goes down, and the other with it as soon as it can hear
// of it; a link that goes down loses what was on its way; windows count until the news of the
// delivery could travel back. One thread only.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/links/introduction.hpp"
#include "cluster/node_links.hpp"

namespace shoal::test {

enum class fate : std::uint8_t {
  pass,
  hold, ///< not now, and nothing after it of its kind; asked again at the next `deliver_all`
  drop, ///< breaks the promise of order, for receivers that must not rely on it
};

class fake_network {
public:
  using milliseconds = std::chrono::milliseconds;
  using frame_judge = std::function<fate(const std::string& from, const std::string& to,
      cluster::traffic kind, const std::string& body)>;

  /// A node of this network; a second one of a name takes the place of the first. The network must
  /// live longer.
  std::unique_ptr<cluster::node_links> join(
      cluster::link_options options, cluster::link_handlers handlers);

  /// From now on nothing travels from `a` to `b`.
  void cut_one_way(const std::string& a, const std::string& b) {
    cuts_.emplace(std::pair{a, b}, now_);
  }
  void cut(const std::string& a, const std::string& b) {
    cut_one_way(a, b);
    cut_one_way(b, a);
  }
  void heal(const std::string& a, const std::string& b) {
    cuts_.erase({a, b});
    cuts_.erase({b, a});
  }
  void heal_all() { cuts_.clear(); }

  /// As if the connection broke: both ends go down with the next `deliver_all`, frames are lost.
  void break_link(const std::string& a, const std::string& b) {
    if (auto* x = find_link(a, b))
      x->broken = true;
  }

  /// The node's process is gone: its handlers hear nothing any more, its peers go down.
  void kill(const std::string& name) { leave(name); }

  /// Asked for each frame that could be delivered.
  void judge_frames(frame_judge x) { judge_ = std::move(x); }

  /// Frames of different kinds and pairs overtake each other from now on.
  void shuffle(std::uint64_t seed) { random_.emplace(seed); }

  std::size_t deliver_all();
  void advance(milliseconds time);
  milliseconds now() const { return now_; }

private:
  struct frame {
    std::uint64_t number;
    std::string body;
  };
  struct lane {
    std::deque<frame> frames;
    std::size_t unacknowledged = 0; ///< window bytes, those of `frames` included
    std::size_t delivered = 0;      ///< window bytes whose news has not travelled back
  };
  struct status_of_peer {
    cluster::link_status status;
    std::uint64_t ups = 0;
  };
  struct member {
    cluster::link_options options;
    cluster::link_handlers handlers;
    std::map<std::string, cluster::peer_address> peers;
    std::map<std::string, status_of_peer> known;
  };
  struct link {
    std::string a, b; ///< a < b
    std::size_t window = 0;
    bool a_up = false, b_up = false, broken = false;
    std::map<std::pair<std::string, cluster::traffic>, lane> lanes; ///< by sender
  };
  class handle;
  using names = std::pair<std::string, std::string>;

  static names ordered(const std::string& a, const std::string& b) {
    return a < b ? names{a, b} : names{b, a};
  }
  bool blocked(const std::string& from, const std::string& to) const {
    return cuts_.contains({from, to});
  }
  bool silent(const std::string& from, const std::string& to) const {
    auto found = cuts_.find({from, to});
    return found != cuts_.end() && now_ - found->second > members_.at(to)->options.dead_after;
  }
  link* find_link(const std::string& a, const std::string& b) {
    auto found = links_.find(ordered(a, b));
    return found == links_.end() ? nullptr : &found->second;
  }

  bool send(
      const std::string& from, const std::string& to, cluster::traffic kind, std::string body);
  void set_peers(const std::string& self, std::vector<cluster::peer_address> peers);
  void leave(const std::string& name);
  void lower(link& x, const std::string& end, const std::string& why);
  bool update_links();
  bool end_links();
  bool make_links();
  std::string objection(const member& self, const member& other);
  bool deliver_one();

  std::map<std::string, std::shared_ptr<member>> members_;
  std::map<names, link> links_;
  std::map<names, milliseconds> cuts_;   ///< since when
  std::map<names, milliseconds> pauses_; ///< no new link before
  frame_judge judge_;
  std::optional<std::mt19937_64> random_;
  milliseconds now_{};
  std::uint64_t last_number_ = 0;
};

class fake_network::handle final : public cluster::node_links {
public:
  handle(fake_network& network, std::shared_ptr<member> self)
      : network_{network}, self_{std::move(self)}, name_{self_->options.self} {}
  ~handle() override { stop(); }

  void set_peers(std::vector<cluster::peer_address> peers) override {
    if (present())
      network_.set_peers(name_, std::move(peers));
  }
  bool send(const std::string& to, cluster::traffic kind, std::string body) override {
    return present() && network_.send(name_, to, kind, std::move(body));
  }
  std::vector<cluster::link_status> status() const override {
    auto out = std::vector<cluster::link_status>{};
    for (auto& [name, address] : self_->peers)
      out.push_back(self_->known[name].status);
    for (auto& x : out)
      if (auto* found = network_.find_link(name_, x.peer.name))
        for (auto& [key, y] : found->lanes)
          x.in_flight_bytes += key.first == name_ ? y.unacknowledged : 0;
    return out;
  }
  std::uint16_t port() const override { return 1; }
  void stop() override {
    if (!present())
      return;
    for (auto& [key, x] : network_.links_)
      if (x.a == name_ || x.b == name_)
        network_.lower(x, name_, "this node stops");
    network_.leave(name_);
  }

private:
  /// Another start of the node may have taken the name.
  bool present() const {
    auto found = network_.members_.find(name_);
    return found != network_.members_.end() && found->second == self_;
  }

  fake_network& network_;
  std::shared_ptr<member> self_;
  std::string name_;
};

inline std::unique_ptr<cluster::node_links> fake_network::join(
    cluster::link_options options, cluster::link_handlers handlers) {
  auto name = options.self;
  if (members_.contains(name)) {
    for (auto& [key, x] : links_)
      if (x.a == name || x.b == name)
        lower(x, name, "a newer start of " + name + " has taken its place");
    leave(name);
  }
  auto self = std::make_shared<member>();
  self->options = std::move(options);
  self->handlers = std::move(handlers);
  members_[name] = self;
  return std::make_unique<handle>(*this, self);
}

inline bool fake_network::send(
    const std::string& from, const std::string& to, cluster::traffic kind, std::string body) {
  auto* x = find_link(from, to);
  auto& status = members_.at(from)->known[to].status;
  auto cost = body.size() + cluster::frame_overhead;
  auto up = x && (from == x->a ? x->a_up : x->b_up);
  if (!up || x->lanes[{from, kind}].unacknowledged + cost > x->window) {
    ++status.refused;
    return false;
  }
  auto& to_fill = x->lanes[{from, kind}];
  to_fill.unacknowledged += cost;
  ++status.sent;
  status.sent_bytes += body.size();
  to_fill.frames.push_back({++last_number_, std::move(body)});
  return true;
}

inline void fake_network::set_peers(
    const std::string& self, std::vector<cluster::peer_address> peers) {
  auto& me = *members_.at(self);
  me.peers.clear();
  for (auto& x : peers)
    if (x.name != self) {
      me.known[x.name].status.peer.name = x.name;
      me.peers[x.name] = x;
    }
  for (auto& [key, x] : links_)
    if (auto& other = x.a == self ? x.b : x.a;
        (x.a == self || x.b == self) && !me.peers.contains(other))
      x.broken = true;
}

inline void fake_network::leave(const std::string& name) {
  members_.erase(name);
  for (auto& [key, x] : links_)
    if (x.a == name || x.b == name) {
      (x.a == name ? x.a_up : x.b_up) = false;
      x.broken = true;
    }
}

inline void fake_network::lower(link& x, const std::string& end, const std::string& why) {
  auto& up = end == x.a ? x.a_up : x.b_up;
  if (!std::exchange(up, false))
    return;
  std::erase_if(x.lanes, [&](auto& y) { return y.first.first == end; });
  auto self = members_.at(end);
  auto& status = self->known[end == x.a ? x.b : x.a].status;
  status.up = false;
  status.last_error = why;
  if (self->handlers.on_down)
    self->handlers.on_down(status.peer, why);
}

inline bool fake_network::end_links() {
  for (auto i = links_.begin(); i != links_.end(); ++i) {
    auto& x = i->second;
    auto was = std::pair{x.a_up, x.b_up};
    auto gone = [&](const std::string& end) { return !members_.contains(end); };
    auto lost = [&](const std::string& self, const std::string& other) {
      return x.broken                              ? "the connection broke"
             : !gone(other) && silent(other, self) ? "it says nothing"
             : (other == x.a ? !x.a_up : !x.b_up) && !blocked(other, self)
                 ? "it closed the connection"
                 : "";
    };
    for (auto& [self, other] : {std::pair{x.a, x.b}, std::pair{x.b, x.a}})
      if (std::string why = gone(self) ? "" : lost(self, other); !why.empty())
        lower(x, self, why);
    if (!x.a_up && !x.b_up) {
      pauses_[i->first] = now_;
      for (auto& end : {x.a, x.b})
        if (members_.contains(end) && !x.broken)
          pauses_[i->first] = now_ + members_.at(end)->options.redial;
      links_.erase(i);
      return true;
    }
    if (was != std::pair{x.a_up, x.b_up})
      return true;
  }
  return false;
}

inline std::string fake_network::objection(const member& self, const member& other) {
  auto said = cluster::links::hello{other.options.cluster, other.options.self,
      other.options.incarnation, other.options.version_min, other.options.version_max,
      other.options.window_bytes, 0, false};
  return cluster::links::agree(self.options, said).refusal;
}

inline bool fake_network::make_links() {
  for (auto& [a, first] : members_)
    for (auto& [b, second] : members_) {
      auto key = names{a, b};
      if (a < b && first->peers.contains(b) != second->peers.contains(a)) {
        auto one_way = first->peers.contains(b);
        auto& status = one_way ? first->known[b].status : second->known[a].status;
        status.last_error = "it says: this node is not in its list of nodes";
      }
      if (a >= b || links_.contains(key) || !first->peers.contains(b) ||
          !second->peers.contains(a) || blocked(a, b) || blocked(b, a) || pauses_[key] > now_)
        continue;
      auto to_a = objection(*second, *first), to_b = objection(*first, *second);
      if (!to_a.empty() || !to_b.empty()) {
        first->known[b].status.last_error = to_a.empty() ? to_b : "it says: " + to_a;
        second->known[a].status.last_error = to_b.empty() ? to_a : "it says: " + to_b;
        continue;
      }
      auto& x = links_[key];
      x = {a, b, std::min(first->options.window_bytes, second->options.window_bytes), true, true,
          false, {}};
      for (auto [self, other] : {std::pair{first, second}, std::pair{second, first}}) {
        auto& known = self->known[other->options.self];
        auto version = std::min(self->options.version_max, other->options.version_max);
        known.status.peer = {other->options.self, other->options.incarnation, version};
        known.status.up = true;
        known.status.reconnects = known.ups++;
        if (self->handlers.on_up)
          self->handlers.on_up(known.status.peer);
      }
      return true;
    }
  return false;
}

inline bool fake_network::update_links() {
  auto some = false;
  while (end_links() || make_links())
    some = true;
  return some;
}

inline bool fake_network::deliver_one() {
  struct candidate {
    link* on;
    std::string from, to;
    cluster::traffic kind;
    std::uint64_t number;
  };
  auto ready = std::vector<candidate>{};
  for (auto& [key, x] : links_)
    for (auto& [who, y] : x.lanes) {
      auto& to = who.first == x.a ? x.b : x.a;
      auto there = to == x.a ? x.a_up : x.b_up;
      if (!blocked(to, who.first))
        y.unacknowledged -= std::exchange(y.delivered, 0);
      if (!y.frames.empty() && there && !blocked(who.first, to))
        ready.push_back({&x, who.first, to, who.second, y.frames.front().number});
    }
  if (random_)
    std::shuffle(ready.begin(), ready.end(), *random_);
  else
    std::sort(ready.begin(), ready.end(), [](auto& l, auto& r) { return l.number < r.number; });
  for (auto& x : ready) {
    auto& from = x.on->lanes[{x.from, x.kind}];
    auto what = judge_ ? judge_(x.from, x.to, x.kind, from.frames.front().body) : fate::pass;
    if (what == fate::hold)
      continue;
    auto body = std::move(from.frames.front().body);
    from.frames.pop_front();
    from.delivered += body.size() + cluster::frame_overhead;
    if (!blocked(x.to, x.from))
      from.unacknowledged -= std::exchange(from.delivered, 0);
    if (what == fate::drop)
      return true;
    auto self = members_.at(x.to);
    auto& status = self->known[x.from].status;
    ++status.received;
    status.received_bytes += body.size();
    if (self->handlers.on_frame)
      self->handlers.on_frame(status.peer, x.kind, std::move(body));
    return true;
  }
  return false;
}

/// Returns how many frames were delivered.
inline std::size_t fake_network::deliver_all() {
  auto count = std::size_t{0};
  for (;;) {
    update_links();
    if (!deliver_one())
      return count;
    ++count;
  }
}

/// In steps, so that what is due in between happens in between.
inline void fake_network::advance(milliseconds time) {
  for (auto left = time; left > milliseconds{0}; left -= std::min(left, milliseconds{50})) {
    now_ += std::min(left, milliseconds{50});
    deliver_all();
  }
}

} // namespace shoal::test
