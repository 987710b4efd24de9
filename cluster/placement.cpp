#include "cluster/placement.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>

namespace shoal::cluster {

namespace {

using names = std::vector<std::string>;

bool holds(const names& xs, std::string_view x) {
  return std::find(xs.begin(), xs.end(), x) != xs.end();
}

/// Spreads ties, the same way everywhere.
std::uint64_t mix(partition_no p, std::string_view node) {
  auto out = std::uint64_t{1469598103934665603u} ^ raw(p);
  for (auto c : node)
    out = (out ^ static_cast<unsigned char>(c)) * 1099511628211u;
  out ^= out >> 33;
  return out * 0xff51afd7ed558ccdu;
}

class planner {
public:
  planner(const std::vector<placed_node>& nodes, const std::vector<placed_partition>& partitions,
      const placement_options& options)
      : nodes_{nodes}, partitions_{partitions}, options_{options} {
    count();
  }

  std::vector<view_change> run() {
    for (const auto& x : partitions_)
      forced(x);
    auto busy = static_cast<std::size_t>(std::count_if(
        partitions_.begin(), partitions_.end(), [this](const auto& x) { return is_busy(x); }));
    budget_ = options_.moves - std::min(options_.moves, busy);
    // Whoever is in the middle of a repair ends it before another begins.
    for (const auto& x : partitions_)
      if (may_change(x))
        shrink(x);
    for (const auto& x : partitions_)
      if (may_change(x))
        repair(x);
    while (budget_ > 0 && balance_replicas()) {
    }
    while (budget_ > 0 && balance_leaders()) {
    }
    return std::move(changes_);
  }

private:
  // -- what is ------------------------------------------------------------------------------------

  void count() {
    auto loads = std::uint64_t{0};
    for (const auto& x : partitions_)
      loads += x.load;
    for (const auto& x : partitions_) {
      weights_[x.p] = 1000;
      if (loads > 0)
        weights_[x.p] +=
            static_cast<std::int64_t>(static_cast<double>(x.load) / static_cast<double>(loads) *
                                      1000.0 * static_cast<double>(partitions_.size()));
      for (const auto& name : x.current.replicas)
        ++held_[name];
      if (x.current.epoch != 0)
        led_[x.current.leader] += weights_[x.p];
    }
    for (const auto& node : nodes_) {
      live_[node.name] = node.live;
      writes_[node.name] = node.writes;
      leaving_[node.name] = node.leaving;
      staying_ += node.leaving ? 0 : 1;
      if (node.live && !node.leaving && node.writes)
        wanted_.push_back(node.name);
    }
    // Measured loads are never quite the same: small differences are not worth a move.
    if (loads > 0 && !wanted_.empty())
      slack_ = static_cast<std::int64_t>(2000 * partitions_.size() / wanted_.size() / 8);
  }

  bool live(const std::string& name) const {
    auto i = live_.find(name);
    return i != live_.end() && i->second;
  }
  bool writes(const std::string& name) const {
    auto i = writes_.find(name);
    return i == writes_.end() || i->second;
  }
  /// A node that nobody knows any more is leaving.
  bool leaving(const std::string& name) const {
    auto i = leaving_.find(name);
    return i == leaving_.end() || i->second;
  }
  bool majority_live(const names& xs) const {
    auto n = std::count_if(xs.begin(), xs.end(), [this](const auto& x) { return live(x); });
    return static_cast<std::size_t>(n) * 2 > xs.size() || xs.empty();
  }
  /// Live, and has everything.
  bool sound(const placed_partition& x, const std::string& name) const {
    return live(name) && holds(x.in_sync, name);
  }
  /// If all are leaving, nobody can: then nothing is taken from anybody.
  std::size_t target() const {
    return staying_ == 0 ? options_.replicas : std::min(options_.replicas, staying_);
  }

  bool is_busy(const placed_partition& x) const {
    if (x.current.epoch == 0 || !live(x.current.leader))
      return false; // broken, not busy
    return !x.settled || !x.current.previous.empty() || is_filling(x) || changed_.contains(x.p);
  }

  bool is_filling(const placed_partition& x) const {
    const auto& all = x.current.replicas;
    return std::any_of(all.begin(), all.end(),
        [&](const auto& name) { return live(name) && !leaving(name) && !sound(x, name); });
  }

  bool may_change(const placed_partition& x) const {
    return x.current.epoch != 0 && x.settled && x.current.previous.empty() &&
           live(x.current.leader) && majority_live(x.current.replicas) && !changed_.contains(x.p);
  }

  // -- choices ------------------------------------------------------------------------------------

  /// The one for which `cost` is least; ties by hash.
  template <class Cost>
  std::optional<std::string> cheapest(partition_no p, const names& among, Cost cost) const {
    auto best = std::min_element(among.begin(), among.end(), [&](const auto& a, const auto& b) {
      auto x = cost(a), y = cost(b);
      return x != y ? x < y : mix(p, a) < mix(p, b);
    });
    return best == among.end() ? std::nullopt : std::optional{*best};
  }

  std::int64_t held(const std::string& name) const { return number(held_, name); }
  std::int64_t led(const std::string& name) const { return number(led_, name); }
  static std::int64_t number(
      const std::map<std::string, std::int64_t>& of, const std::string& name) {
    auto i = of.find(name);
    return i == of.end() ? 0 : i->second;
  }

  names newcomers(const placed_partition& x) const {
    auto out = names{};
    for (const auto& name : wanted_)
      if (!holds(x.current.replicas, name))
        out.push_back(name);
    return out;
  }

  /// Somebody else.
  std::optional<std::string> next_leader(const placed_partition& x, bool must_be_sound) const {
    auto able = names{};
    for (const auto& name : x.current.replicas)
      if (live(name) && name != x.current.leader && !holds(x.refilling, name) &&
          (!must_be_sound || (sound(x, name) && writes(name))))
        able.push_back(name);
    return cheapest(x.p, able, [&](const auto& name) {
      return std::tuple{!writes(name), leaving(name), !sound(x, name), led(name)};
    });
  }

  // -- changes ------------------------------------------------------------------------------------

  void change(const placed_partition& x, view next, view_change::way how, std::string why) {
    for (const auto& name : next.replicas)
      held_[name] += holds(x.current.replicas, name) ? 0 : 1;
    for (const auto& name : x.current.replicas)
      held_[name] -= holds(next.replicas, name) ? 0 : 1;
    if (x.current.epoch != 0)
      led_[x.current.leader] -= weights_[x.p];
    led_[next.leader] += weights_[x.p];
    changed_.insert(x.p);
    next.epoch = x.current.epoch + 1;
    changes_.push_back({x.p, x.current.epoch, std::move(next), how, std::move(why)});
  }

  void lead(const placed_partition& x, const std::string& leader, view_change::way how,
      const std::string& why) {
    auto next = x.current;
    next.leader = leader;
    change(x, std::move(next), how, why);
  }

  void add(const placed_partition& x, const std::string& name, const std::string& why) {
    auto next = x.current;
    next.previous = next.replicas;
    next.replicas.push_back(name);
    change(x, std::move(next), view_change::way::swap, "add " + name + ": " + why);
  }

  void remove(const placed_partition& x, const std::string& name, const std::string& why) {
    auto next = x.current;
    next.previous = next.replicas;
    std::erase(next.replicas, name);
    change(x, std::move(next), view_change::way::swap, "remove " + name + ": " + why);
  }

  bool take_budget() {
    if (budget_ == 0)
      return false;
    --budget_;
    return true;
  }

  // -- what cannot wait ---------------------------------------------------------------------------

  void forced(const placed_partition& x) {
    if (x.current.epoch == 0)
      return create(x);
    if (!live(x.current.leader))
      return replace_leader(x, x.current.leader + " is dead");
    if (holds(x.refilling, x.current.leader))
      return replace_leader(x, x.current.leader + " is being refilled");
    if (!writes(x.current.leader) && leave_full_disk(x))
      return;
    if (x.stuck)
      return replace_leader(x, x.current.leader + " cannot go on in this epoch");
    if (x.settled && !x.current.previous.empty()) {
      auto next = x.current;
      next.previous.clear();
      change(x, std::move(next), view_change::way::swap, "the change of replicas is settled");
    }
  }

  void create(const placed_partition& x) {
    // Fewer would be copied around as soon as the others come.
    if (wanted_.size() < options_.replicas)
      return;
    auto next = view{};
    for (auto free = wanted_; next.replicas.size() < options_.replicas;) {
      auto name = *cheapest(x.p, free, [this](const auto& one) { return held(one); });
      std::erase(free, name);
      next.replicas.push_back(std::move(name));
    }
    next.leader = *cheapest(x.p, next.replicas, [this](const auto& one) { return led(one); });
    change(x, std::move(next), view_change::way::swap, "a new partition");
  }

  /// By the same one, if nobody else has everything: a new epoch is a new attempt.
  void replace_leader(const placed_partition& x, const std::string& why) {
    if (!majority_live(x.current.replicas) || !majority_live(x.current.previous))
      return;
    auto able = live(x.current.leader) && !holds(x.refilling, x.current.leader);
    auto next = next_leader(x, able);
    if (!next && able)
      next = x.current.leader;
    if (next)
      lead(x, *next, view_change::way::swap, why);
  }

  /// It does not serve, so there is nothing to hand over. Who has everything knows only itself when
  /// its leader is silent; whoever takes over adopts the best log of a majority in any case.
  bool leave_full_disk(const placed_partition& x) {
    auto others = names{};
    for (const auto& name : x.current.replicas)
      if (name != x.current.leader && live(name) && writes(name) && !holds(x.refilling, name))
        others.push_back(name);
    auto voters = [&](const names& all) {
      auto n = std::count_if(all.begin(), all.end(), [&](const auto& name) {
        return live(name) && writes(name) && !holds(x.refilling, name);
      });
      return all.empty() || static_cast<std::size_t>(n) * 2 > all.size();
    };
    if (!voters(x.current.replicas) || !voters(x.current.previous))
      return false;
    auto next = cheapest(x.p, others, [&](const auto& name) {
      return std::tuple{!sound(x, name), leaving(name), led(name)};
    });
    if (next)
      lead(
          x, *next, view_change::way::swap, "the disk of " + x.current.leader + " takes no writes");
    return next.has_value();
  }

  // -- what should be -----------------------------------------------------------------------------

  bool can_remove(const placed_partition& x, const std::string& name) const {
    auto stay = std::size_t{0};
    for (const auto& other : x.current.replicas) {
      // Its vote does not count yet, and those that do may be just enough.
      if (other != name && holds(x.refilling, other))
        return false;
      stay += other != name && sound(x, other) ? 1 : 0;
    }
    return name != x.current.leader && stay * 2 > x.current.replicas.size() - 1;
  }

  /// Hands leadership away from a replica that is to go, if somebody can take it.
  void step_down(const placed_partition& x, const std::string& why) {
    auto next = next_leader(x, true);
    if (next && !leaving(*next) && take_budget())
      lead(x, *next, view_change::way::hand_over, why);
  }

  /// To commit needs a majority of one more, and the newcomer has nothing yet. One alone has no
  /// choice.
  bool can_add(const placed_partition& x) const {
    const auto& all = x.current.replicas;
    auto n = static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& name) { return sound(x, name); }));
    return n == all.size() || n * 2 > all.size() + 1;
  }

  /// One replica too many: the one that matters least goes. Ends what somebody began, so it needs
  /// no budget.
  void shrink(const placed_partition& x) {
    if (x.current.replicas.size() <= target())
      return;
    auto least = cheapest(x.p, x.current.replicas, [&](const auto& name) {
      return std::tuple{!leaving(name), live(name), -held(name)};
    });
    // Somebody came to take over from somebody else: wait until it has everything.
    if (!least || (live(*least) && is_filling(x)))
      return;
    if (*least == x.current.leader)
      return step_down(x, "it has a replica too many");
    if (can_remove(x, *least))
      remove(x, *least, leaving(*least) ? "it is leaving" : "there is one too many");
  }

  void repair(const placed_partition& x) {
    auto fresh = newcomers(x);
    auto best = cheapest(x.p, fresh, [this](const auto& name) { return held(name); });
    const auto& all = x.current.replicas;
    auto gone = std::find_if(
        all.begin(), all.end(), [this](const auto& name) { return leaving(name) && !live(name); });
    auto going = std::any_of(
        all.begin(), all.end(), [this](const auto& name) { return leaving(name) && live(name); });
    // A dead replica goes first: to have it and the newcomer would need a majority of one more.
    if (gone != all.end() && best && can_remove(x, *gone)) {
      if (take_budget())
        remove(x, *gone, "it is not coming back");
    } else if (best && can_add(x) && (all.size() < target() || (going && all.size() == target()))) {
      if (take_budget())
        add(x, *best, going ? "another is leaving" : "there are too few");
    } else if (leaving(x.current.leader)) {
      step_down(x, x.current.leader + " is leaving");
    }
  }

  bool is_whole(const placed_partition& x) const {
    const auto& all = x.current.replicas;
    return may_change(x) && all.size() == target() &&
           std::all_of(all.begin(), all.end(), [&](const auto& name) { return sound(x, name); });
  }

  /// Calls `move(from, to, x)` for pairs of nodes that differ by at least so much, the most unequal
  /// first, until it returns true.
  template <class Count, class Move>
  bool for_unequal(std::int64_t least, Count count_of, Move move) {
    auto sorted = wanted_;
    std::stable_sort(sorted.begin(), sorted.end(),
        [&](const auto& a, const auto& b) { return count_of(a) < count_of(b); });
    for (auto from = sorted.rbegin(); from != sorted.rend(); ++from)
      for (const auto& to : sorted) {
        if (count_of(*from) - count_of(to) < least)
          break;
        for (const auto& x : partitions_)
          if (move(*from, to, x))
            return true;
      }
    return false;
  }

  bool balance_replicas() {
    return for_unequal(
        2, [this](const auto& name) { return held(name); },
        [this](const auto& from, const auto& to, const auto& x) {
          if (!holds(x.current.replicas, from) || holds(x.current.replicas, to) || !is_whole(x))
            return false;
          --budget_;
          add(x, to, from + " holds more");
          // As if the other were gone already: the next choice must not move as much again.
          --held_[from];
          return true;
        });
  }

  bool balance_leaders() {
    return for_unequal(
        1001 + slack_, [this](const auto& name) { return led(name); },
        [this](const auto& from, const auto& to, const auto& x) {
          if (x.current.leader != from || led(from) - led(to) <= weights_[x.p] + slack_ ||
              !sound(x, to) || !holds(x.current.replicas, to) || !may_change(x))
            return false;
          --budget_;
          lead(x, to, view_change::way::hand_over, from + " leads more");
          return true;
        });
  }

  const std::vector<placed_node>& nodes_;
  const std::vector<placed_partition>& partitions_;
  const placement_options& options_;

  names wanted_; ///< may be given something
  std::size_t staying_ = 0;
  std::map<std::string, bool> live_, leaving_, writes_;
  std::map<std::string, std::int64_t> held_; ///< replicas
  std::map<std::string, std::int64_t> led_;  ///< weights of what it leads
  std::map<partition_no, std::int64_t> weights_;
  std::int64_t slack_ = 0;

  std::size_t budget_ = 0;
  std::set<partition_no> changed_;
  std::vector<view_change> changes_;
};

} // namespace

std::vector<view_change> place(std::vector<placed_node> nodes,
    std::vector<placed_partition> partitions, const placement_options& options) {
  std::sort(
      nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::sort(partitions.begin(), partitions.end(),
      [](const auto& a, const auto& b) { return raw(a.p) < raw(b.p); });
  return planner{nodes, partitions, options}.run();
}

} // namespace shoal::cluster
