// shoal-bench: runs scenarios against Shoal and its peers, in turn, in one invocation.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <CLI/CLI.hpp>

#include "tools/bench/floor/server.hpp"
#include "tools/bench/floor/streams.hpp"
#include "tools/bench/machine/child.hpp"
#include "tools/bench/machine/interrupt.hpp"
#include "tools/bench/report.hpp"

namespace {

using namespace shoal::bench;

/// Modes in which shoal-bench starts itself as a child; not for people.
bool run_as_child(int argc, char** argv) {
  auto mode = std::string{argc > 1 ? argv[1] : ""};
  if (mode == "--floor-server" && argc == 6)
    run_floor_server(static_cast<std::uint16_t>(std::stoul(argv[2])), {argv[3], argv[4]}, argv[5]);
  if (mode != "--prepare-streams" || argc != 4)
    return false;
  prepare_streams(argv[2], std::stoul(argv[3]));
  std::puts("done");
  return true;
}

std::vector<std::string> contenders_of(const scenario& s, const options& wishes) {
  auto result = std::vector<std::string>{};
  if (!wishes.without_shoal)
    result.push_back("shoal");
  for (auto& x : s.peers) {
    auto named = std::find(wishes.peers.begin(), wishes.peers.end(), x) != wishes.peers.end();
    if (wishes.peers.empty() || named)
      result.push_back(x);
  }
  return result;
}

figures run_one(const scenario& s, const std::string& name, const options& wishes) {
  auto folder = scratch_folder{wishes.work_dir};
  auto around = surroundings{wishes, folder.path(), make_certificate(folder.path())};
  if (name == "floor" && s.bare)
    return s.bare(around);
  auto who = make_contender(name, around);
  who->start();
  try {
    return s.run(*who, around);
  } catch (const std::exception& e) {
    auto alive = who->server().running();
    auto tail = log_tail(around.folder);
    throw std::runtime_error{e.what() + std::string{alive ? "" : " (the server has ended)"} +
                             (tail.empty() ? "" : "; its log ends: " + tail)};
  }
}

/// A scenario that starts its servers itself.
bool run_whole(const scenario& s, const options& wishes, result_table& table) {
  auto folder = scratch_folder{wishes.work_dir};
  try {
    s.whole({wishes, folder.path(), {}},
        [&](const std::string& who, const figures& found) { table.add(who, found); });
    return true;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s failed: %s\n", s.name.c_str(), e.what());
    table.add_failure("shoal", e.what());
    return false;
  }
}

/// Returns false if Shoal failed; a peer that fails is reported, no more.
bool run_scenario(const scenario& s, const options& wishes) {
  auto table = result_table{s, wishes};
  auto ok = true;
  if (s.whole && !wishes.without_shoal)
    ok = run_whole(s, wishes, table);
  for (auto& name : s.whole ? std::vector<std::string>{} : contenders_of(s, wishes)) {
    if (interrupted())
      return false;
    std::fprintf(stderr, "%s: %s …\n", s.name.c_str(), name.c_str());
    try {
      table.add(name, run_one(s, name, wishes));
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s: %s failed: %s\n", s.name.c_str(), name.c_str(), e.what());
      table.add_failure(name, e.what());
      ok = ok && name != "shoal";
    }
  }
  std::fputs(table.json_lines().c_str(), stdout);
  std::fflush(stdout);
  if (!wishes.json_file.empty())
    std::ofstream{wishes.json_file, std::ios::app} << table.json_lines();
  if (!wishes.report_file.empty())
    std::ofstream{wishes.report_file, std::ios::app} << table.markdown();
  return ok;
}

void add_options(CLI::App& app, options& x) {
  app.add_option(
         "--peer", x.peers, "nats, jetstream, mosquitto, nginx, haproxy or floor; repeatable")
      ->check(CLI::IsMember({"nats", "jetstream", "mosquitto", "nginx", "haproxy", "floor"}));
  app.add_flag("--without-shoal", x.without_shoal, "Peers and floors only");
  app.add_option("--json", x.json_file, "Append the JSON lines to this file, too");
  app.add_option("--report", x.report_file, "Append Markdown tables to this file");
  app.add_flag(
      "--quick", x.quick, "A tenth of the default sizes: to see that it runs, not for figures");
  app.add_option("--part", x.parts, "cluster: only this part; repeatable")
      ->check(CLI::IsMember(cluster_parts()));
  app.add_option("--bin-dir", x.bin_dir, "Where shoald is (default: beside this program)");
  app.add_option("--work-dir", x.work_dir, "Parent of the servers' data folders; a real disk");
  app.add_option("--timeout", x.timeout_s, "Seconds for each phase");
  auto size = [&](const char* flag, std::size_t& value, const char* help) {
    app.add_option(flag, value, help)->check(CLI::PositiveNumber)->group("Sizes");
  };
  size("--devices", x.devices, "idle, broadcast, burst");
  size("--handshakes", x.handshakes, "connect");
  size("--concurrency", x.concurrency, "Connections being opened at the same time");
  size("--payload", x.payload, "Bytes of one op");
  size("--rounds", x.rounds, "broadcast; the median counts");
  size("--burst-rounds", x.burst_rounds, "The same for burst");
  size("--burst", x.burst, "Ops of one burst");
  size("--users", x.users, "sync, latency, replay");
  size("--ops", x.ops, "sync");
  size("--publishers", x.publishers, "sync, replay: connections that send");
  size("--batch", x.batch, "sync, replay: items per call, or messages in flight per publisher");
  size("--rate", x.rate, "latency: calls per second");
  size("--jetstream-rate", x.jetstream_rate, "latency: the same for JetStream");
  size("--callers", x.callers, "latency: connections that the calls are spread over");
  size("--seconds", x.seconds, "latency: how long");
  size("--backlog", x.backlog, "replay: ops waiting per user");
  size("--streams", x.streams, "start: streams on disk");
  size("--cluster-rate", x.cluster_rate, "cluster: calls per second, for its latency");
  size("--cluster-devices", x.cluster_devices, "cluster: idle devices per node");
  size("--kills", x.kills, "cluster: how often a node is killed");
  size("--crowd", x.crowd, "cluster: devices at four nodes");
  size("--gateway-seconds", x.gateway_seconds, "gateway: seconds of each measurement");
  size("--soak-calls", x.soak_calls, "soak: calls, all signed");
  size("--soak-changes", x.soak_changes, "soak: changes of an API");
}

std::vector<scenario> chosen(const std::string& name) {
  auto result = all_scenarios();
  if (name != "all")
    std::erase_if(result, [&](auto& x) { return x.name != name; });
  return result;
}

} // namespace

int main(int argc, char** argv) {
  if (run_as_child(argc, argv))
    return 0;
  auto app =
      CLI::App{"Measures Shoal beside its peers, with the same client loop and the same sizes"};
  auto names = std::vector<std::string>{"all"};
  auto help = std::string{"all, or one of:"};
  for (auto& x : all_scenarios()) {
    names.push_back(x.name);
    help += "\n  " + x.name + ": " + x.help;
  }
  auto name = std::string{};
  auto wishes = options{};
  app.add_option("SCENARIO", name, help)->required()->check(CLI::IsMember(names));
  // `--quick` changes defaults, so it must be known before the sizes are read.
  if (std::any_of(argv, argv + argc, [](auto* x) { return std::string_view{x} == "--quick"; }))
    shrink(wishes);
  add_options(app, wishes);
  CLI11_PARSE(app, argc, argv);
  if (wishes.bin_dir.empty())
    wishes.bin_dir = std::filesystem::canonical("/proc/self/exe").parent_path().string();
  raise_file_limit();
  catch_interrupts();
  if (load_average() > 1)
    std::fprintf(stderr, "the machine is busy (load %.1f): these figures will not say much\n",
        load_average());
  if (!wishes.report_file.empty() && !std::filesystem::exists(wishes.report_file))
    std::ofstream{wishes.report_file} << report_head();
  auto ok = true;
  for (auto& s : chosen(name))
    ok = run_scenario(s, wishes) && ok;
  return ok ? 0 : 1;
}
