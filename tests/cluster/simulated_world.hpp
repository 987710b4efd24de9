// The world of one simulated history; see replica_simulation.hpp.
//
// Time is a queue of events. Everything random comes from one generator, drawn in the order of
// events, so a seed replays exactly.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/cluster/replica_simulation.hpp"

namespace shoal::cluster {

class simulated_world {
public:
  explicit simulated_world(const simulation_options& options);
  simulation_result run();

private:
  /// How likely things are in this history; many are zero in most histories, so that rare
  /// combinations are met undisturbed.
  struct climate {
    double loss = 0, duplication = 0, late = 0;
    instant delay{}, sync{}, fault_pause{};
    double crash = 0, crash_after_promise = 0, disturb_opening = 0, pause = 0, cut = 0, jump = 0,
           slow = 0, outage = 0, damage = 0;
    double early_view = 0, rivals = 0, stale_read = 0, member_change = 0, hand_over = 0;
    std::uint64_t payload = 0;
    instant proposal_pause{}, read_pause{};
  };

  struct node {
    std::string name;
    simulated_disk disk;
    std::unique_ptr<replica> machine; ///< null: down
    std::uint64_t incarnation = 0;
    instant paused_until{}, disk_free{};
    instant blind_until{}; ///< its reads of the meta store fail
    instant clock_offset{};
    double clock_rate = 1;
    double disk_slowness = 1;
    bool failing = false;   ///< the disk refuses writes until the node starts again
    bool unhealthy = false; ///< damaged, and not refilled yet
    std::uint64_t committed = 0;
    std::map<std::uint64_t, simulated_row> proposed; ///< by lsn, not answered yet
    std::uint64_t handed_out = 0;
    std::map<std::uint64_t, std::vector<simulated_row>> checkpoints; ///< both ways, by id
  };

  using link = std::pair<std::string, std::string>; ///< from, to

  struct controller {
    std::uint64_t unserved = 0; ///< looks in a row at a leader that does not serve
  };

  struct event {
    instant when{};
    std::uint64_t order = 0;
    std::function<void()> what;
    bool operator>(const event& x) const {
      return when != x.when ? when > x.when : order > x.order;
    }
  };

  // simulated_world.cpp: time, nodes, disks, links, the meta store
  void at(instant delay, std::function<void()> what);
  void on_node(node& n, instant delay, std::function<void(node&)> what);
  void run_on(node& n, std::uint64_t incarnation, const std::function<void(node&)>& what);
  bool step();
  template <class Text>
  void note(Text text);

  instant clock_of(const node& n) const;
  node& by_name(const std::string& name);
  void start(node& n);
  void crash(node& n);
  void crash_for(node& n, instant time);
  void perform(node& n, decisions d);
  void perform_writes(node& n, decisions& d);
  void submit(node& n, disk_operation x);
  void disk_done(node& n);
  void perform_roles(node& n, const decisions& d);
  void perform_checkpoint(node& n, const checkpoint_step& x);
  void transmit(const std::string& from, const outgoing& x);
  instant random_delay();
  void read_views(node& n);
  void read_view(node& n);
  void tick(node& n);
  void tell_promises(node& n);
  void swap(const view& expected, view next, const char* who);

  // simulated_faults.cpp: what happens to it
  void draw_climate();
  void propose();
  void fault();
  void cut_links();
  void cut(const std::vector<link>& links, instant time);
  void disturb_opening(node& n);
  void make_rivals();
  void damage(node& n);
  void control(controller& c);
  void decide(const view& seen, controller& c);
  void change_members(const view& seen);
  std::string choose_leader(const view& x);
  bool serves(const view& x) const;
  bool anybody_unhealthy() const;
  void calm_down();
  std::string what_is_missing();

  simulation_options options_;
  seeded_random random_;
  climate climate_;
  replica_options rules_of_thumb_;
  instant now_{};
  std::uint64_t order_ = 0;
  std::vector<event> queue_;
  std::vector<std::unique_ptr<node>> nodes_;
  std::multiset<link> cut_; ///< as often as it was cut and not healed
  std::vector<view> views_; ///< the last one is the current one
  bool meta_down_ = false;
  bool calm_ = false;
  bool suspected_ = false;                 ///< the next controller that looks changes the view
  std::uint64_t settled_ = 0, wanted_ = 0; ///< epochs that were reported
  std::uint64_t proposals_ = 0;
  std::set<std::uint64_t> probes_; ///< contents of proposals that show liveness
  bool probe_acknowledged_ = false;
  controller controllers_[2];
  replica_checker checker_;
  simulation_counts counts_;
  std::vector<std::string> trace_;
};

/// `text` is called only if somebody wants to read it.
template <class Text>
void simulated_world::note(Text text) {
  if (options_.trace == 0)
    return;
  if (trace_.size() >= 2 * options_.trace)
    trace_.erase(trace_.begin(), trace_.begin() + static_cast<std::ptrdiff_t>(options_.trace));
  auto us = std::to_string(now_.count() / 1000);
  trace_.push_back(std::string(us.size() < 9 ? 9 - us.size() : 0, ' ') + us + " us  " + text());
}

} // namespace shoal::cluster
