#include "tests/faults/fault_run.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace shoal::faults {

using nlohmann::json;

namespace {

constexpr auto calm_patience_ms = 5000; // of a probe while nothing may be refused
constexpr auto final_patience_ms = 90'000;
constexpr std::size_t small_disk_mb = 512;
constexpr auto most_printed = 20; // violations found after one fault

} // namespace

int fault_run::run() {
  keep_history();
  cluster_.start();
  if (wishes_.compact)
    cluster_.etcd().compact_again_and_again();
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

std::vector<std::string> fault_run::names() {
  auto out = std::vector<std::string>{};
  for (auto& x : table())
    out.emplace_back(x.name);
  return out;
}

const std::vector<fault_run::fault>& fault_run::table() {
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
      {"gateway-kill", "kill -9 of a node, three times, under calls through the gateway",
          &self::gateway_kill},
      {"drain", "drained by the API, and up again; longest time without an acknowledgement",
          &self::drain},
      {"etcd-kill", "kill -9 of etcd, back after 3 s", &self::etcd_kill},
      {"etcd-pause", "etcd stopped for 4 s", &self::etcd_pause},
      {"etcd-member-kill", "kill -9 of one etcd member of three, then of its leader and of a node",
          &self::etcd_member_kill, false, 3, false, 3},
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
      {"slow-disk", "each sync of a node takes 50 to 500 ms longer", &self::slow_disk, false, 3,
          true},
      {"lose-cache", "kill -9 of a node, and its page cache lost; from its start",
          &self::lose_cache_of_one, false, 3, true},
      {"lose-cache-two",
          "kill -9 of two nodes at once, and their page caches lost; from their start",
          &self::lose_cache_of_two, false, 3, true},
      {"lose-cache-all",
          "kill -9 of all nodes at once, and their page caches lost; from their start",
          &self::lose_cache_of_all, false, 3, true},
      {"clock-jump", "the wall clock of a node jumps by up to 4 minutes, and back",
          &self::clock_jump, false, 3, true},
      {"empty-disk", "kill -9 of a node, its data folder emptied, start", &self::empty_disk},
      {"flip", "kill -9 of a node, bit flips in its tables, start", &self::flip},
      {"flip-log", "kill -9 of a node, bit flips in its write-ahead logs, start", &self::flip_log},
  };
  return out;
}

cluster_plan fault_run::plan_of(const fault_options& x, bool own_network) {
  auto out = cluster_plan{};
  out.shoald = x.shoald;
  out.old_shoald = x.old_shoald;
  out.folder = x.folder;
  out.nodes = x.nodes;
  out.partitions = x.partitions;
  out.replicas = x.replicas;
  out.own_network = own_network;
  out.etcd_members = x.etcd_members;
  for (auto& name : x.faults) {
    auto& what = named(name);
    out.etcd_members = std::max(out.etcd_members, what.etcd_members);
    if (what.needs_whims)
      out.preload = x.preload;
    if (name == "full-disk" && own_network)
      out.small_disk_mb = small_disk_mb;
  }
  return out;
}

const fault_run::fault& fault_run::named(const std::string& name) {
  auto& all = table();
  return *std::find_if(all.begin(), all.end(), [&](auto& x) { return x.name == name; });
}

void fault_run::inject_all() {
  auto end = steady_clock::now() + std::chrono::duration<double>(60 * wishes_.minutes);
  for (auto i = 0; i < wishes_.rounds || steady_clock::now() < end; ++i) {
    auto order = wishes_.faults;
    std::shuffle(order.begin(), order.end(), random_);
    if (i == 0) // what follows is about the new build
      std::stable_partition(
          order.begin(), order.end(), [](const std::string& name) { return name == "upgrade"; });
    for (auto& name : order)
      if (i < wishes_.rounds || steady_clock::now() < end)
        inject(name);
  }
}

void fault_run::inject(const std::string& name) {
  auto& what = named(name);
  if (what.needs_cables && !cluster_.has_cables())
    return say("skipped " + name + ": needs root, for hosts of its own");
  if (name == "upgrade" && wishes_.old_shoald.empty())
    return say("skipped " + name + ": needs --old-shoald");
  if (what.needs_whims && wishes_.preload.empty())
    return say("skipped " + name + ": needs --preload");
  if (cluster_.size() < what.nodes)
    return say("skipped " + name + ": needs --nodes " + std::to_string(what.nodes));
  pass(0.5 + part());
  say("fault " + name + (cluster_.is_old() ? ", of nodes of the old build" : ""));
  auto before = history_.count().acknowledged;
  auto& row = report_.row(name, what.title);
  ++row.runs;
  (this->*what.inject)(row);
  row.acknowledged += history_.count().acknowledged - before;
  settle(name);
}

void fault_run::settle(const std::string& name) {
  auto began = steady_clock::now();
  if (!cluster_.await_whole(whole_patience_ms))
    trouble("the cluster does not become whole after " + name + ": " + cluster_.what_is_missing());
  say("whole after " + std::to_string(since(began)) + " s");
  expect_service(everybody(), serve_patience_ms, "after " + name);
  work_->read_back(false);
  work_->check_cursors();
  auto printed = 0;
  for (auto& x : history_.violations(false))
    if (seen_.insert(x).second && ++printed <= most_printed)
      say("VIOLATION " + x);
}

void fault_run::conclude() {
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

fault_run::served_map fault_run::finish_probe(int patience_ms, const std::string& when) {
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

void fault_run::expect_service(
    const std::vector<std::size_t>& usable, int patience_ms, const std::string& when) {
  probe_->begin(usable);
  finish_probe(patience_ms, when);
}

void fault_run::serve_through(fault_row& row, double seconds, const std::string& when) {
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

double fault_run::last(const served_map& served) {
  auto out = 0.0;
  for (auto& [no, s] : served)
    out = std::max(out, s);
  return out;
}

void fault_run::note(fault_row& row, const served_map& served) {
  row.serve_s.push_back(last(served));
  say("all serve after " + std::to_string(row.serve_s.back()) + " s");
}

void fault_run::remark(fault_row& row, const std::string& text) {
  row.notes.push_back(text);
  say(text);
}

void fault_run::split(const served_map& served, const std::set<std::uint16_t>& led) {
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

std::vector<std::size_t> fault_run::others(const std::set<std::size_t>& without) const {
  auto out = std::vector<std::size_t>{};
  for (std::size_t i = 0; i < cluster_.size(); ++i)
    if (!without.contains(i))
      out.push_back(i);
  return out;
}

std::set<std::uint16_t> fault_run::led_by(std::size_t n) {
  auto out = std::set<std::uint16_t>{};
  for (auto& [no, x] : cluster_.views())
    if (x.leader == cluster_.name(n))
      out.insert(static_cast<std::uint16_t>(no));
  return out;
}

void fault_run::pass(double s) {
  if (s > 0)
    std::this_thread::sleep_for(std::chrono::duration<double>(s));
}

double fault_run::since(steady_clock::time_point x) {
  return std::chrono::duration<double>(steady_clock::now() - x).count();
}

void fault_run::trouble(const std::string& what) {
  history_.broken(what);
  seen_.insert(what);
  say("VIOLATION " + what);
}

void fault_run::say(const std::string& what) const {
  auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  auto utc = std::tm{};
  ::gmtime_r(&now, &utc);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S ", &utc);
  std::cout << text << what << std::endl;
}

void fault_run::keep_history() {
  if (wishes_.history_path.empty())
    return;
  kept_.open(wishes_.history_path);
  if (!kept_)
    throw std::runtime_error{"cannot write " + wishes_.history_path};
  history_.tell(&file_);
}

int fault_run::report() {
  if (kept_.is_open())
    file_.end();
  if (kept_.is_open() && !kept_)
    trouble(wishes_.history_path + " is not complete");
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

} // namespace shoal::faults
