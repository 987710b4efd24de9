// Which part of each limit is this node's, for limits that hold over the whole cluster. Pure:
// nodes, usage and what others say go in; shares and what to say come out.
//
// Every node begins with an equal part. A few times a second nodes tell each other how much each
// rule that is busy was asked for, and whoever has more than the demand gives of its own:
//
//   wanted = floor / N + (1 - floor) x own demand / demand of all        N: nodes that are there
//   share  = 1 / N - given to others + received from others
//
// A part is given before it is received, so that together the nodes never have more than the whole
// while they agree on who is there; that holds whatever is lost, late or repeated, because reports
// carry sums since an entry was made, not differences. README.md, "Limits", derives the error.
//
// One per node, not thread-safe. Bounded: `max_rules` entries, the busiest of a report first; rules
// without one stay at the equal part. An entry that nobody has used for `idle_ticks` goes.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace shoal::gateway {

/// What a node says to another about one rule, or one subject of a rule.
struct usage_entry {
  std::uint64_t key = 0;
  std::uint64_t entry = 0; ///< number of the sender's entry, never 0
  std::uint64_t yours = 0; ///< of the receiver's, as the sender knows it; 0: none
  double demand = 0;       ///< calls per tick, smoothed
  double share = 0;        ///< of the sender
  double given = 0;        ///< to the receiver since both have these entries
  double received = 0;     ///< from it
};
using usage_report = std::vector<usage_entry>;

struct exchange_options {
  std::size_t max_rules = 1'024;
  double floor = 0.1;       ///< of a limit is shared equally whatever the demand
  double smoothing = 0.5;   ///< weight of the newest tick
  double least_gift = 0.02; ///< of the equal part; less is not worth a move
  unsigned idle_ticks = 40;
};

class share_exchange {
public:
  /// `seed` must differ between nodes and between lives of a node.
  explicit share_exchange(std::uint64_t seed, exchange_options options = {})
      : opt_{options}, random_{seed} {}

  /// Who else is there. If that changes, everything begins again with equal parts.
  void set_others(const std::set<std::string>& names);

  /// How often busy rules were asked for since the tick before. Rules that are not named were not
  /// busy.
  using usage = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

  /// Once per tick: takes the usage and decides what to give.
  void tick(usage asked);

  /// What another node has said. Nonsense changes nothing but what its sender would be given.
  void heard(const std::string& from, const usage_report& said);

  /// What to tell it now.
  usage_report report_for(const std::string& to) const;

  /// Parts of this node: of rules with an entry, and of all others.
  std::vector<std::pair<std::uint64_t, double>> shares() const;
  double share_of(std::uint64_t key) const;
  double equal_part() const { return 1.0 / static_cast<double>(peers_.size() + 1); }

  std::size_t size() const { return rules_.size(); }

private:
  struct with_peer {
    std::uint64_t entry = 0; ///< of the peer; 0: none heard of
    double demand = 0;
    double share = 0;    ///< as it said
    double given = 0;    ///< to it
    double arrived = 0;  ///< of what was given, as it said
    double received = 0; ///< from it
    unsigned silent = 0; ///< ticks since it was heard
  };
  struct rule {
    std::uint64_t entry = 0;
    double demand = 0;
    unsigned idle = 0;
    std::map<std::string, with_peer> peers;
  };

  rule* find_or_make(std::uint64_t key);
  double balance_of(const rule& x) const;
  double demand_of_all(const rule& x) const;
  double wanted(double demand, double all) const;
  void give(rule& x);
  std::uint64_t number();

  exchange_options opt_;
  std::uint64_t random_;
  std::set<std::string> peers_;
  std::unordered_map<std::uint64_t, rule> rules_;
};

} // namespace shoal::gateway
