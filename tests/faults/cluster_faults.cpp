// shoal-cluster-faults: what happens to a cluster is up to fault_run.hpp; here are its options.
// Ends with 1 if a promise was broken.
#include <csignal>
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>

#include "tests/faults/fault_run.hpp"

namespace shoal::faults {
namespace {

namespace fs = std::filesystem;

constexpr auto skipped = 77; // as ctest is told
const auto short_mix =
    std::vector<std::string>{"kill", "pause", "terminate", "gateway-kill", "etcd-kill"};

int run(const fault_options& wishes, bool own_network) {
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
  auto wishes = fault_options{};
  wishes.seed = std::random_device{}();
  wishes.shoald = find_shoald();
  wishes.preload = SHOAL_WHIMS_LIBRARY;
  wishes.faults = short_mix;
  auto all = false;
  auto judged = std::string{};
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
  app.add_option("--etcd-members", wishes.etcd_members, "Three if a chosen fault needs them")
      ->check(CLI::IsMember({1, 3, 5}));
  app.add_flag("--compact", wishes.compact, "Compacts etcd once a second");
  app.add_option("--writers", wishes.writers, "Concurrent API callers")->check(CLI::Range(1, 64));
  app.add_option("--writer-pause", wishes.writer_pause_ms, "Longest pause of a caller, in ms")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--shoald", wishes.shoald, "The server under test");
  app.add_option("--old-shoald", wishes.old_shoald, "What all nodes run until they are upgraded");
  app.add_option("--preload", wishes.preload, "Library that makes clocks jump and disks slow");
  app.add_option("--folder", wishes.folder, "For data and logs; kept if a promise was broken");
  app.add_option("--json", wishes.json_file, "Where to write the result");
  app.add_option("--history", wishes.history_path, "Where to keep all that was seen");
  app.add_option("--judge", judged, "Judges such a file again, without a cluster")
      ->check(CLI::ExistingFile);
  app.add_flag("--keep", wishes.keep, "Keeps the folder");
  app.add_flag("--loopback", wishes.loopback, "No hosts of its own, even for root");
  CLI11_PARSE(app, argc, argv);
  if (!judged.empty())
    return judge(judged, std::cout);
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
