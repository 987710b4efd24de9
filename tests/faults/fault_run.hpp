// One run of cluster faults: a real cluster under load, one bad thing after another, and the
// question whether every promise held (history.hpp) and when every partition served again.
//
// The schedule comes from the seed: which fault, to which node, for how long. After each fault the
// cluster gets time to become whole; what is new is read back and judged meanwhile, everything at
// the end, once more after each node in turn was away.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/faults/fault_cluster.hpp"
#include "tests/faults/fault_report.hpp"
#include "tests/faults/history_file.hpp"
#include "tests/faults/polite_caller.hpp"
#include "tests/faults/prober.hpp"
#include "tests/faults/workload.hpp"

namespace shoal::faults {

using std::chrono::steady_clock;

inline constexpr auto serve_patience_ms = 30'000; // longer counts as a violation
inline constexpr auto whole_patience_ms = 90'000;

struct fault_options {
  std::vector<std::string> faults;
  int rounds = 1;
  double minutes = 0;
  std::uint64_t seed = 0;
  std::size_t nodes = 3;
  std::uint16_t partitions = 64;
  std::size_t replicas = 0, users = 6, etcd_members = 1;
  double hang_up = 0.002;
  bool compact = false;
  std::size_t writers = 4;
  int writer_pause_ms = 20;
  std::string shoald, old_shoald, preload, folder, json_file, history_path;
  bool keep = false, loopback = false;
};

class fault_run {
public:
  explicit fault_run(const fault_options& wishes, bool own_network)
      : wishes_{wishes}, random_{wishes.seed}, cluster_{plan_of(wishes, own_network)} {}

  /// 0 if every promise held.
  int run();

  /// Of all faults.
  static std::vector<std::string> names();

private:
  struct fault {
    const char *name, *title;
    void (fault_run::*inject)(fault_row&);
    bool needs_cables = false;
    std::size_t nodes = 3; ///< fewer, and it makes no sense
    bool needs_whims = false;
    std::size_t etcd_members = 1; ///< at least
  };

  static const std::vector<fault>& table();
  static const fault& named(const std::string& name); ///< must be there

  static cluster_plan plan_of(const fault_options& x, bool own_network);

  // -- the schedule -------------------------------------------------------------------------------

  void inject_all();
  void inject(const std::string& name);
  void settle(const std::string& name);
  void conclude();

  // -- processes ----------------------------------------------------------------------------------

  void kill_any(fault_row& row) { kill_node(row, pick()); }
  void kill_controller(fault_row& row) { kill_node(row, cluster_.controller()); }

  void kill_node(fault_row& row, std::size_t n) { kill_node(row, n, led_by(n)); }
  void kill_node(fault_row& row, std::size_t n, const std::set<std::uint16_t>& led);
  void kill_in_turn(fault_row& row);
  void kill_two(fault_row& row);
  void pause(fault_row& row);

  using callers = std::vector<std::unique_ptr<polite_caller>>;
  callers polite_ones(const fault_row& row);

  /// None of them may have seen an error.
  std::string judge(callers& all, const std::string& what);

  /// Seconds until it ended.
  double terminate(std::size_t n);
  void terminate(fault_row& row);

  void rolling(fault_row& row) { restart_in_turn(row, false); }
  void upgrade(fault_row& row) { restart_in_turn(row, true); }

  void restart_in_turn(fault_row& row, bool upgrading);

  /// What it leads cannot be led by others before etcd is back; but it has to end, and nobody who
  /// calls it may be left without a word.
  void terminate_alone(fault_row& row);

  /// kill -9 again and again while clients call through the gateway: whoever repeats an idempotent
  /// call once, because it got no answer, must not see an error.
  void gateway_kill(fault_row& row);

  // -- planned hand-overs -------------------------------------------------------------------------

  /// As an operator does it: the node is drained by the API, leads nothing any more, has sent its
  /// devices away, and is set `up` again.
  void drain(fault_row& row);

  /// Sets the state, and asks every partition all the time until `done`. Says how long that took,
  /// and how the partitions served meanwhile. `usual_s`: their longest pause while nothing happens.
  std::string hand_over(fault_row& row, std::size_t n, const std::string& state, double usual_s,
      const std::function<bool()>& done);
  void set_state(std::size_t n, const std::string& state);

  // -- etcd ---------------------------------------------------------------------------------------

  void etcd_kill(fault_row& row);
  void etcd_pause(fault_row& row);
  /// One member of three, then the one that leads: nobody may notice, and when a node dies
  /// meanwhile, others have to lead what it led.
  void etcd_member_kill(fault_row& row);
  void etcd_and_kill(fault_row& row);
  void restart_all(fault_row& row);

  // -- cables -------------------------------------------------------------------------------------

  using cables = std::vector<std::pair<std::size_t, std::size_t>>;
  void cut(fault_row& row);
  void cut_out(fault_row& row);
  void cut_in(fault_row& row);
  void cut_pair(fault_row& row);
  void without(fault_row& row, const cables& lost, const std::vector<std::size_t>& usable);
  void cut_etcd(fault_row& row);
  cables to_etcd(std::size_t n) const; ///< and back

  // -- disks and clocks
  // --------------------------------------------------------------------------------------

  void full_disk(fault_row& row);

  /// Every op needs two disks of three, so a slow follower costs nothing, and a slow leader its own
  /// delay, several times if several syncs are waiting: all is served, nothing refused.
  void slow_disk(fault_row& row);

  /// kill -9 of so many nodes at once, and nothing is left of their files but what was synced.
  void lose_cache(fault_row& row, std::size_t count);
  void lose_cache_of_one(fault_row& row) { lose_cache(row, 1); }
  void lose_cache_of_two(fault_row& row) { lose_cache(row, 2); }
  void lose_cache_of_all(fault_row& row) { lose_cache(row, cluster_.size()); }

  /// Below five minutes: with more, callers' signatures are refused, as they should be.
  void clock_jump(fault_row& row);

  /// Serving must go on at once; that nothing is believed of the empty disk shows at the end, when
  /// each of the others is away.
  void empty_disk(fault_row& row);
  void flip(fault_row& row);
  /// As `flip`, in RocksDB's write-ahead logs.
  void flip_log(fault_row& row);

  using which_files = std::function<bool(const std::filesystem::path&)>;
  void flip_in(fault_row& row, const which_files& which);

  /// One bit in each of two such files at most; says where.
  std::string flip_bits(const std::string& folder, const which_files& which);

  // -- measuring ----------------------------------------------------------------------------------

  using served_map = std::map<std::uint16_t, double>;
  served_map finish_probe(int patience_ms, const std::string& when);
  void expect_service(
      const std::vector<std::size_t>& usable, int patience_ms, const std::string& when);

  /// All partitions must serve all the time.
  void serve_through(fault_row& row, double seconds, const std::string& when);
  static double last(const served_map& served);
  void note(fault_row& row, const served_map& served);
  void remark(fault_row& row, const std::string& text);
  void split(const served_map& served, const std::set<std::uint16_t>& led);

  // -- choices ------------------------------------------------------------------------------------

  std::size_t pick() { return random_() % cluster_.size(); }
  double part() { return std::uniform_real_distribution<>{}(random_); }

  std::vector<std::size_t> others(const std::set<std::size_t>& without) const;
  std::vector<std::size_t> everybody() const { return others({}); }

  std::set<std::uint16_t> led_by(std::size_t n);
  static void pass(double s);
  static double since(steady_clock::time_point x);

  // -- words --------------------------------------------------------------------------------------

  void trouble(const std::string& what);

  void say(const std::string& what) const;
  void keep_history();
  int report();

  fault_options wishes_;
  std::mt19937_64 random_;
  fault_cluster cluster_;
  test_app app_;
  std::ofstream kept_;
  history_file file_{kept_};
  history history_;
  fault_report report_;
  std::set<std::string> seen_; ///< violations that were printed
  std::unique_ptr<workload> work_;
  std::unique_ptr<prober> probe_;
};

} // namespace shoal::faults
