// shoal-cluster-faults: a real cluster under load, one bad thing after another, and the question
// whether every promise held (history.hpp) and when every partition served again. Ends with 1 if
// one did not.
//
// The schedule comes from the seed: which fault, to which node, for how long. After each fault the
// cluster gets time to become whole; what is new is read back and judged meanwhile, everything at
// the end, once more after each node in turn was away.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tests/faults/fault_cluster.hpp"
#include "tests/faults/fault_report.hpp"
#include "tests/faults/polite_caller.hpp"
#include "tests/faults/prober.hpp"
#include "tests/faults/workload.hpp"

namespace shoal::faults {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto serve_patience_ms = 30'000; // longer counts as a violation
constexpr auto whole_patience_ms = 90'000;
constexpr auto calm_patience_ms = 5000; // of a probe while nothing may be refused
constexpr auto final_patience_ms = 90'000;
constexpr std::size_t small_disk_mb = 512;
constexpr auto end_patience_s = 5.0;
constexpr auto most_printed = 20; // violations found after one fault
constexpr auto skipped = 77;      // as ctest is told

struct options {
  std::vector<std::string> faults;
  int rounds = 1;
  double minutes = 0;
  std::uint64_t seed = 0;
  std::size_t nodes = 3;
  std::uint16_t partitions = 64;
  std::size_t replicas = 0, users = 6;
  double hang_up = 0.002;
  bool compact = false;
  std::size_t writers = 4;
  int writer_pause_ms = 20;
  std::string shoald, old_shoald, folder, json_file;
  bool keep = false, loopback = false;
};

class fault_run {
public:
  explicit fault_run(const options& wishes, bool own_network)
      : wishes_{wishes}, random_{wishes.seed}, cluster_{plan_of(wishes, own_network)} {}

  int run() {
    cluster_.start();
    if (wishes_.compact)
      cluster_.compact_etcd_again_and_again();
    app_ = create_app(cluster_.api(0), cluster_.operator_key(), "faults");
    auto plan = workload_plan{};
    plan.users = wishes_.users;
    plan.hang_up = wishes_.hang_up;
    plan.writers = wishes_.writers;
    plan.writer_pause_ms = wishes_.writer_pause_ms;
    plan.patience_s = 6;
    plan.seed = random_();
    work_ = std::make_unique<workload>(cluster_.apis(), app_, plan, history_);
    work_->begin();
    probe_ = std::make_unique<prober>(cluster_.apis(), app_, wishes_.partitions, history_);
    expect_service(everybody(), serve_patience_ms, "at the start");
    work_->start_writers();
    inject_all();
    conclude();
    return report();
  }

  static std::vector<std::string> names() {
    auto out = std::vector<std::string>{};
    for (auto& x : table())
      out.emplace_back(x.name);
    return out;
  }

private:
  struct fault {
    const char *name, *title;
    void (fault_run::*inject)(fault_row&);
    bool needs_cables = false;
    std::size_t nodes = 3; ///< fewer, and it makes no sense
  };

  static const std::vector<fault>& table() {
    using self = fault_run;
    static const auto out = std::vector<fault>{
        {"kill", "kill -9 of a node", &self::kill_any},
        {"kill-controller", "kill -9 of the controller", &self::kill_controller},
        {"kill-in-turn", "kill -9 of a node, and of another when the first is back",
            &self::kill_in_turn},
        {"pause", "SIGSTOP for 2 to 5 s, then SIGCONT", &self::pause},
        {"kill-two", "kill -9 of two nodes at once", &self::kill_two, false, 5},
        {"terminate", "SIGTERM", &self::terminate},
        {"rolling", "SIGTERM and start of each node in turn", &self::rolling},
        {"upgrade", "SIGTERM of each node in turn, and start of another version", &self::upgrade},
        {"terminate-alone", "SIGTERM while etcd is stopped; until the process ended",
            &self::terminate_alone},
        {"etcd-kill", "kill -9 of etcd, back after 3 s", &self::etcd_kill},
        {"etcd-pause", "etcd stopped for 4 s", &self::etcd_pause},
        {"etcd-and-kill", "kill -9 of etcd and of a node; measured from etcd's return",
            &self::etcd_and_kill},
        {"restart-all", "kill -9 of all nodes at once; measured from their start",
            &self::restart_all},
        {"cut", "a node is cut off from everybody", &self::cut, true},
        {"cut-out", "what a node sends is lost", &self::cut_out, true},
        {"cut-in", "what a node should receive is lost", &self::cut_in, true},
        {"cut-pair", "two nodes do not reach each other", &self::cut_pair, true},
        {"cut-etcd", "a node does not reach etcd", &self::cut_etcd, true},
        {"full-disk", "the disk of a node is full", &self::full_disk, true},
        {"empty-disk", "kill -9 of a node, its data folder emptied, start", &self::empty_disk},
        {"flip", "kill -9 of a node, bit flips in its files, start", &self::flip},
    };
    return out;
  }

  static cluster_plan plan_of(const options& x, bool own_network) {
    auto full_disk =
        std::find(x.faults.begin(), x.faults.end(), "full-disk") != x.faults.end() && own_network;
    return {x.shoald, x.folder, x.nodes, x.partitions, x.replicas, own_network,
        full_disk ? small_disk_mb : 0, x.old_shoald};
  }

  // -- the schedule ------------------------------------------------------------------------------

  void inject_all() {
    auto end = steady_clock::now() + std::chrono::duration<double>(60 * wishes_.minutes);
    for (auto i = 0; i < wishes_.rounds || steady_clock::now() < end; ++i) {
      auto order = wishes_.faults;
      std::shuffle(order.begin(), order.end(), random_);
      for (auto& name : order)
        if (i < wishes_.rounds || steady_clock::now() < end)
          inject(name);
    }
  }

  void inject(const std::string& name) {
    auto& all = table();
    auto what = std::find_if(all.begin(), all.end(), [&](auto& x) { return x.name == name; });
    if (what->needs_cables && !cluster_.has_cables())
      return say("skipped " + name + ": needs root, for hosts of its own");
    if (name == "upgrade" && wishes_.old_shoald.empty())
      return say("skipped " + name + ": needs --old-shoald");
    if (cluster_.size() < what->nodes)
      return say("skipped " + name + ": needs --nodes " + std::to_string(what->nodes));
    pass(0.5 + part());
    say("fault " + name);
    auto before = history_.count().acknowledged;
    auto& row = report_.row(name, what->title);
    ++row.runs;
    (this->*what->inject)(row);
    row.acknowledged += history_.count().acknowledged - before;
    settle(name);
  }

  void settle(const std::string& name) {
    auto began = steady_clock::now();
    if (!cluster_.await_whole(whole_patience_ms))
      trouble(
          "the cluster does not become whole after " + name + ": " + cluster_.what_is_missing());
    say("whole after " + std::to_string(since(began)) + " s");
    expect_service(everybody(), serve_patience_ms, "after " + name);
    work_->read_back(false);
    work_->check_cursors();
    auto printed = 0;
    for (auto& x : history_.violations(false))
      if (seen_.insert(x).second && ++printed <= most_printed)
        say("VIOLATION " + x);
  }

  void conclude() {
    work_->finish_writers();
    say("writers have their answers");
    work_->await_devices(final_patience_ms);
    say("devices have everything");
    work_->read_back(true);
    for (std::size_t n = 0; n < cluster_.size(); ++n) { // everybody leads what others led
      cluster_.kill(n);
      expect_service(others({n}), serve_patience_ms, "at the end without " + cluster_.name(n));
      work_->read_back(true);
      cluster_.launch(n);
      if (!cluster_.await_whole(whole_patience_ms))
        trouble("not whole at the end: " + cluster_.what_is_missing());
    }
    work_->read_back(true);
    work_->check_cursors();
  }

  // -- processes ---------------------------------------------------------------------------------

  void kill_any(fault_row& row) { kill_node(row, pick()); }
  void kill_controller(fault_row& row) { kill_node(row, cluster_.controller()); }

  void kill_node(fault_row& row, std::size_t n) {
    auto led = led_by(n);
    cluster_.strike(n);
    probe_->begin(others({n}));
    auto served = finish_probe(serve_patience_ms, "after the kill of " + cluster_.name(n));
    note(row, served);
    split(served, led);
    cluster_.kill(n);
    pass(2 * part());
    cluster_.launch(n);
  }

  void kill_in_turn(fault_row& row) {
    auto first = pick();
    auto second = (first + 1 + random_() % (cluster_.size() - 1)) % cluster_.size();
    cluster_.kill(first);
    expect_service(others({first}), serve_patience_ms, "without " + cluster_.name(first));
    cluster_.launch(first);
    if (!wait_until(whole_patience_ms, [&] { return cluster_.ready(first); }))
      trouble(cluster_.name(first) + " is not ready");
    kill_node(row, second);
  }

  void kill_two(fault_row& row) {
    auto first = pick();
    auto second = (first + 1 + random_() % (cluster_.size() - 1)) % cluster_.size();
    cluster_.strike(first);
    cluster_.strike(second);
    probe_->begin(others({first, second}));
    note(row, finish_probe(serve_patience_ms, "after the kill of two nodes"));
    for (auto n : {first, second}) {
      cluster_.kill(n);
      cluster_.launch(n);
    }
  }

  void pause(fault_row& row) {
    auto n = pick();
    cluster_.pause(n);
    probe_->begin(others({n}));
    auto began = steady_clock::now();
    auto served = finish_probe(serve_patience_ms, "while " + cluster_.name(n) + " is stopped");
    note(row, served);
    pass(2 + 3 * part() - since(began));
    cluster_.resume(n);
    expect_service(everybody(), serve_patience_ms, "when " + cluster_.name(n) + " goes on");
  }

  using callers = std::vector<std::unique_ptr<polite_caller>>;

  callers polite_ones(const fault_row& row) {
    auto out = callers{};
    for (auto i = 0; i < 3; ++i)
      out.push_back(std::make_unique<polite_caller>(cluster_.apis(), app_,
          row.name + std::to_string(row.runs) + "-" + std::to_string(i), random_(), history_));
    return out;
  }

  /// None of them may have seen an error.
  std::string judge(callers& all, const std::string& what) {
    auto calls = std::uint64_t{0}, repeated = std::uint64_t{0};
    for (auto& x : all) {
      x->finish();
      calls += x->calls();
      repeated += x->repeated();
      for (auto& y : x->failures())
        trouble(what + " shows to a caller that retries once: " + y);
    }
    return std::to_string(calls) + " calls, " + std::to_string(repeated) + " repeated once";
  }

  /// Seconds until it ended.
  double terminate(std::size_t n) {
    auto began = steady_clock::now();
    cluster_.ask_to_end(n);
    if (!cluster_.await_end(n) || since(began) > end_patience_s)
      trouble(cluster_.name(n) + " does not end: " + std::to_string(since(began)) + " s");
    return since(began);
  }

  void terminate(fault_row& row) {
    auto n = pick();
    auto all = polite_ones(row);
    pass(0.3);
    probe_->begin(others({n}));
    auto ended_s = terminate(n);
    note(row, finish_probe(serve_patience_ms, "while " + cluster_.name(n) + " ends"));
    pass(1);
    cluster_.launch(n);
    cluster_.await_whole(whole_patience_ms);
    remark(row, judge(all, "SIGTERM of " + cluster_.name(n)) + ", ended after " +
                    std::to_string(ended_s) + " s");
  }

  void rolling(fault_row& row) { restart_in_turn(row, false); }
  void upgrade(fault_row& row) { restart_in_turn(row, true); }

  void restart_in_turn(fault_row& row, bool upgrading) {
    auto all = polite_ones(row);
    auto began = steady_clock::now();
    for (std::size_t n = 0; n < cluster_.size(); ++n) {
      pass(part());
      probe_->begin(others({n}));
      terminate(n);
      note(row, finish_probe(serve_patience_ms, "while " + cluster_.name(n) + " ends"));
      if (upgrading)
        cluster_.upgrade(n);
      cluster_.launch(n);
      if (!cluster_.await_whole(whole_patience_ms))
        trouble("not whole in a rolling restart: " + cluster_.what_is_missing());
    }
    remark(row, judge(all, "a rolling restart") + ", all restarted after " +
                    std::to_string(since(began)) + " s");
  }

  /// What it leads cannot be led by others before etcd is back; but it has to end, and nobody who
  /// calls it may be left without a word.
  void terminate_alone(fault_row& row) {
    auto n = pick();
    cluster_.pause_etcd();
    auto all = polite_ones(row);
    pass(0.2 + 2 * part()); // known to be away, or not yet
    row.serve_s.push_back(terminate(n));
    auto slowest_s = 0.0;
    for (auto& x : all) {
      x->finish();
      slowest_s = std::max(slowest_s, x->slowest_s());
    }
    remark(row, "ended after " + std::to_string(row.serve_s.back()) +
                    " s; slowest answer, or closed connection, after " + std::to_string(slowest_s) +
                    " s");
    if (slowest_s > end_patience_s + 1)
      trouble("a call heard nothing for " + std::to_string(slowest_s) + " s");
    cluster_.resume_etcd();
    expect_service(others({n}), serve_patience_ms, "when etcd goes on");
    cluster_.launch(n);
  }

  // -- etcd --------------------------------------------------------------------------------------

  void etcd_kill(fault_row& row) {
    cluster_.kill_etcd();
    serve_through(row, 3, "without etcd");
    cluster_.launch_etcd();
  }

  void etcd_pause(fault_row& row) {
    cluster_.pause_etcd();
    serve_through(row, 4, "while etcd is stopped");
    cluster_.resume_etcd();
  }

  void etcd_and_kill(fault_row& row) {
    auto n = pick();
    cluster_.kill_etcd();
    pass(part());
    cluster_.kill(n);
    pass(2);
    cluster_.launch_etcd();
    probe_->begin(others({n}));
    note(row, finish_probe(serve_patience_ms, "when etcd is back"));
    cluster_.launch(n);
  }

  void restart_all(fault_row& row) {
    for (std::size_t i = 0; i < cluster_.size(); ++i)
      cluster_.strike(i);
    for (std::size_t i = 0; i < cluster_.size(); ++i)
      cluster_.kill(i);
    for (std::size_t i = 0; i < cluster_.size(); ++i)
      cluster_.launch(i);
    probe_->begin(everybody());
    note(row, finish_probe(serve_patience_ms, "when all are back"));
  }

  // -- cables ------------------------------------------------------------------------------------

  using cables = std::vector<std::pair<std::size_t, std::size_t>>;

  void cut(fault_row& row) {
    auto n = pick();
    auto lost = cables{{n, cluster_.etcd_host()}, {cluster_.etcd_host(), n}};
    for (auto x : others({n})) {
      lost.emplace_back(n, x);
      lost.emplace_back(x, n);
    }
    without(row, lost, others({n}));
  }

  void cut_out(fault_row& row) {
    auto n = pick();
    auto lost = cables{};
    for (auto x : others({n}))
      lost.emplace_back(n, x);
    without(row, lost, others({n}));
  }

  void cut_in(fault_row& row) {
    auto n = pick();
    auto lost = cables{};
    for (auto x : others({n}))
      lost.emplace_back(x, n);
    without(row, lost, others({n}));
  }

  void cut_pair(fault_row& row) {
    auto n = pick();
    auto other = (n + 1) % cluster_.size();
    without(row, {{n, other}, {other, n}}, everybody());
  }

  void without(fault_row& row, const cables& lost, const std::vector<std::size_t>& usable) {
    for (auto [from, to] : lost)
      cluster_.cut(from, to);
    probe_->begin(usable);
    auto began = steady_clock::now();
    note(row, finish_probe(serve_patience_ms, "while cables are cut"));
    pass(2 + 4 * part() - since(began));
    for (auto [from, to] : lost)
      cluster_.heal(from, to);
  }

  void cut_etcd(fault_row& row) {
    auto n = pick();
    auto etcd = cluster_.etcd_host();
    cluster_.cut(n, etcd);
    cluster_.cut(etcd, n);
    serve_through(row, 6, "while " + cluster_.name(n) + " does not reach etcd");
    cluster_.heal(n, etcd);
    cluster_.heal(etcd, n);
  }

  // -- disks -------------------------------------------------------------------------------------

  void full_disk(fault_row& row) {
    auto n = cluster_.size() - 1;
    auto ballast = cluster_.data_dir(n) + "/ballast";
    {
      auto out = std::ofstream{ballast};
      auto block = std::string(1 << 16, 'x');
      while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
      }
    }
    auto led = led_by(n).size();
    probe_->begin(everybody());
    auto served = finish_probe(serve_patience_ms, "while the disk of a node is full");
    row.serve_s.push_back(last(served));
    auto text = std::ostringstream{};
    text << served.size() << " of " << wishes_.partitions << " partitions served (" << led
         << " led by the full node); refused:";
    for (auto& [why, count] : probe_->refusals())
      text << ' ' << why << ' ' << count;
    remark(row, text.str());
    fs::remove(ballast);
    expect_service(everybody(), serve_patience_ms, "when there is space again");
  }

  /// Serving must go on at once; that nothing is believed of the empty disk shows at the end, when
  /// each of the others is away.
  void empty_disk(fault_row& row) {
    auto n = pick();
    cluster_.kill(n);
    expect_service(others({n}), serve_patience_ms, "without " + cluster_.name(n));
    cluster_.replace_disk(n);
    probe_->begin(everybody());
    auto began = steady_clock::now();
    cluster_.launch(n);
    note(row, finish_probe(serve_patience_ms, "with an empty disk"));
    if (!cluster_.await_whole(whole_patience_ms))
      trouble(cluster_.name(n) + " is not filled: " + cluster_.what_is_missing());
    remark(row, "leads again after " + std::to_string(since(began)) + " s");
  }

  void flip(fault_row& row) {
    auto n = pick();
    cluster_.kill(n);
    expect_service(others({n}), serve_patience_ms, "without " + cluster_.name(n));
    auto flipped = flip_bits(cluster_.data_dir(n));
    probe_->begin(everybody());
    cluster_.launch(n);
    note(row, finish_probe(serve_patience_ms, "with a damaged node"));
    auto whole = wait_until(
        20'000, [&] { return !cluster_.running(n) || cluster_.what_is_missing().empty(); });
    if (whole && cluster_.running(n))
      return remark(row, flipped + ": healed by itself");
    remark(row, flipped +
                    (cluster_.running(n) ? ": its store takes no writes any more"
                                         : ": its store does not open") +
                    "; its folder was emptied");
    cluster_.kill(n);
    cluster_.replace_disk(n);
    cluster_.launch(n);
  }

  /// One bit in each of some files with data; says where.
  std::string flip_bits(const std::string& folder) {
    auto candidates = std::vector<fs::path>{};
    for (auto& x : fs::recursive_directory_iterator{folder})
      if (x.is_regular_file() && x.file_size() > 4096 &&
          (x.path().extension() == ".sst" || x.path().extension() == ".log"))
        candidates.push_back(x.path());
    std::sort(candidates.begin(), candidates.end());
    std::shuffle(candidates.begin(), candidates.end(), random_);
    candidates.resize(std::min<std::size_t>(candidates.size(), 2));
    auto out = std::string{};
    for (auto& path : candidates) {
      auto at = static_cast<std::streamoff>(random_() % fs::file_size(path));
      auto file = std::fstream{path, std::ios::in | std::ios::out | std::ios::binary};
      file.seekg(at);
      auto byte = static_cast<char>(file.get() ^ (1 << random_() % 8));
      file.seekp(at);
      file.put(byte);
      out += (out.empty() ? "" : ", ") + path.filename().string() + " at " + std::to_string(at);
    }
    return out;
  }

  // -- measuring ---------------------------------------------------------------------------------

  using served_map = std::map<std::uint16_t, double>;

  served_map finish_probe(int patience_ms, const std::string& when) {
    auto served = probe_->wait(patience_ms);
    if (served.size() < wishes_.partitions) {
      auto silent = std::string{};
      for (std::uint16_t i = 0; i < wishes_.partitions; ++i)
        if (!served.contains(i))
          silent += " " + std::to_string(i);
      for (auto& [why, count] : probe_->refusals())
        silent += "; " + why + " x" + std::to_string(count);
      trouble("partitions do not serve " + when + ":" + silent);
    }
    return served;
  }

  void expect_service(
      const std::vector<std::size_t>& usable, int patience_ms, const std::string& when) {
    probe_->begin(usable);
    finish_probe(patience_ms, when);
  }

  /// All partitions must serve all the time.
  void serve_through(fault_row& row, double seconds, const std::string& when) {
    auto began = steady_clock::now();
    auto slowest = 0.0;
    while (since(began) < seconds) {
      probe_->begin(everybody());
      slowest = std::max(slowest, last(finish_probe(calm_patience_ms, when)));
      pass(0.1);
    }
    row.serve_s.push_back(slowest);
    say("slowest append " + std::to_string(slowest) + " s");
  }

  static double last(const served_map& served) {
    auto out = 0.0;
    for (auto& [no, s] : served)
      out = std::max(out, s);
    return out;
  }

  void note(fault_row& row, const served_map& served) {
    row.serve_s.push_back(last(served));
    say("all serve after " + std::to_string(row.serve_s.back()) + " s");
  }

  void remark(fault_row& row, const std::string& text) {
    row.notes.push_back(text);
    say(text);
  }

  void split(const served_map& served, const std::set<std::uint16_t>& led) {
    auto mine = served_map{}, rest = served_map{};
    for (auto& [no, s] : served)
      (led.contains(no) ? mine : rest)[no] = s;
    auto& owner = report_.row("owner", "- the partitions that a killed node led");
    auto& follower = report_.row("follower", "- the partitions that it followed");
    ++owner.runs;
    ++follower.runs;
    owner.serve_s.push_back(last(mine));
    follower.serve_s.push_back(last(rest));
  }

  // -- choices -----------------------------------------------------------------------------------

  std::size_t pick() { return random_() % cluster_.size(); }
  double part() { return std::uniform_real_distribution<>{}(random_); }

  std::vector<std::size_t> others(const std::set<std::size_t>& without) const {
    auto out = std::vector<std::size_t>{};
    for (std::size_t i = 0; i < cluster_.size(); ++i)
      if (!without.contains(i))
        out.push_back(i);
    return out;
  }
  std::vector<std::size_t> everybody() const { return others({}); }

  std::set<std::uint16_t> led_by(std::size_t n) {
    auto out = std::set<std::uint16_t>{};
    for (auto& [no, x] : cluster_.views())
      if (x.leader == cluster_.name(n))
        out.insert(static_cast<std::uint16_t>(no));
    return out;
  }

  static void pass(double s) {
    if (s > 0)
      std::this_thread::sleep_for(std::chrono::duration<double>(s));
  }

  static double since(steady_clock::time_point x) {
    return std::chrono::duration<double>(steady_clock::now() - x).count();
  }

  // -- words -------------------------------------------------------------------------------------

  void trouble(const std::string& what) {
    history_.broken(what);
    seen_.insert(what);
    say("VIOLATION " + what);
  }

  void say(const std::string& what) const {
    auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    auto utc = std::tm{};
    ::gmtime_r(&now, &utc);
    char text[16];
    std::strftime(text, sizeof text, "%H:%M:%S ", &utc);
    std::cout << text << what << std::endl;
  }

  int report() {
    auto problems = history_.violations(true);
    auto n = history_.count();
    auto out = json{{"seed", wishes_.seed}, {"nodes", wishes_.nodes},
        {"partitions", wishes_.partitions}, {"attempted", n.attempted},
        {"acknowledged", n.acknowledged}, {"stored", n.stored}, {"handed", n.handed},
        {"connections", work_->connections()}, {"cursors_checked", work_->cursors_checked()},
        {"violations", problems}, {"faults", report_.as_json()}};
    for (std::size_t i = 0; i < std::min<std::size_t>(problems.size(), 50); ++i)
      std::cout << "VIOLATION " << problems[i] << '\n';
    std::cout << report_.as_table() << out.dump() << std::endl;
    if (!wishes_.json_file.empty())
      std::ofstream{wishes_.json_file} << out.dump(2) << '\n';
    return problems.empty() && n.acknowledged > 0 && n.handed > 0 ? 0 : 1;
  }

  options wishes_;
  std::mt19937_64 random_;
  fault_cluster cluster_;
  test_app app_;
  history history_;
  fault_report report_;
  std::set<std::string> seen_; ///< violations that were printed
  std::unique_ptr<workload> work_;
  std::unique_ptr<prober> probe_;
};

const auto short_mix = std::vector<std::string>{"kill", "pause", "terminate", "etcd-kill"};

int run(const options& wishes, bool own_network) {
  std::cout << "seed " << wishes.seed << ", logs in " << wishes.folder << std::endl;
  auto out = 1;
  try {
    out = fault_run{wishes, own_network}.run();
  } catch (const std::exception& e) {
    std::cerr << "shoal-cluster-faults: " << e.what() << " (seed " << wishes.seed << ")\n";
  }
  if (out == 0 && !wishes.keep)
    fs::remove_all(wishes.folder);
  return out;
}

} // namespace
} // namespace shoal::faults

int main(int argc, char** argv) {
  using namespace shoal::faults;
  auto wishes = options{};
  wishes.seed = std::random_device{}();
  wishes.shoald = find_shoald();
  wishes.faults = short_mix;
  auto all = false;
  auto app = CLI::App{"Does bad things to a loaded cluster, and checks that every promise held."};
  auto* chosen = app.add_option("--faults", wishes.faults, "Which, separated by commas");
  chosen->delimiter(',')->check(CLI::IsMember(fault_run::names()));
  app.add_flag("--all", all, "All faults, unless some are named");
  app.add_option("--rounds", wishes.rounds, "How often each, at least");
  app.add_option("--minutes", wishes.minutes, "Goes on for so long");
  app.add_option("--seed", wishes.seed, "Repeats the choices of an earlier run");
  app.add_option("--nodes", wishes.nodes, "Nodes")->check(CLI::Range(3, 9));
  app.add_option("--partitions", wishes.partitions, "Partitions")->check(CLI::Range(1, 1024));
  app.add_option("--replicas", wishes.replicas, "Of each partition; 0 = three")
      ->check(CLI::Range(0, 9));
  app.add_option("--users", wishes.users, "Users with two devices each")->check(CLI::Range(2, 500));
  app.add_option("--hang-up", wishes.hang_up, "How often a device reconnects after a delivery")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--compact", wishes.compact, "Compacts etcd once a second");
  app.add_option("--writers", wishes.writers, "Concurrent API callers")->check(CLI::Range(1, 64));
  app.add_option("--writer-pause", wishes.writer_pause_ms, "Longest pause of a caller, in ms")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--shoald", wishes.shoald, "The server under test");
  app.add_option("--old-shoald", wishes.old_shoald, "What all nodes run until they are upgraded");
  app.add_option("--folder", wishes.folder, "For data and logs; kept if a promise was broken");
  app.add_option("--json", wishes.json_file, "Where to write the result");
  app.add_flag("--keep", wishes.keep, "Keeps the folder");
  app.add_flag("--loopback", wishes.loopback, "No hosts of its own, even for root");
  CLI11_PARSE(app, argc, argv);
  if (std::system("command -v etcd >/dev/null 2>&1") != 0) {
    std::cerr << "shoal-cluster-faults: skipped, there is no etcd here\n";
    return skipped;
  }
  if (!fs::exists(wishes.shoald)) {
    std::cerr << "shoal-cluster-faults: there is no " << wishes.shoald << '\n';
    return 1;
  }
  if (all && chosen->empty())
    wishes.faults = fault_run::names();
  if (wishes.folder.empty()) {
    auto name = (fs::temp_directory_path() / "shoal-faults-XXXXXX").string();
    wishes.folder = ::mkdtemp(name.data()) ? name : "shoal-faults";
  }
  fs::create_directories(wishes.folder);
  wishes.folder = fs::absolute(wishes.folder).string();
  std::signal(SIGPIPE, SIG_IGN);
  return run(wishes, !wishes.loopback && leave_the_machine());
}
