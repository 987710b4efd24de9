// Links between processes that are stopped, killed and cut off.
#include <algorithm>
#include <cmath>
#include <csignal>

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "tests/support/links_world.hpp"
#include "tools/bench/machine/child.hpp"

namespace shoal::cluster::links {
namespace {

using namespace shoal::test;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using ::testing::StartsWith;

constexpr auto patience_ms = 20'000;
constexpr auto dead_after = 1000ms;

/// Next to this test.
std::string program(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

class link_process {
public:
  link_process(socket_world& world, const std::string& name, std::vector<std::string> arguments,
      std::vector<std::string> before = {}) {
    auto paper = world.ca.issue(name);
    auto command = std::move(before);
    for (auto& x : {program("shoal-link-node"), std::string{"--name"}, name,
             std::string{"--certificate"}, paper.certificate, std::string{"--key"}, paper.key,
             std::string{"--ca"}, world.ca.file()})
      command.push_back(x);
    command.insert(command.end(), arguments.begin(), arguments.end());
    process_ = bench::child{command, (world.folder.path() / (name + ".log")).string(), true};
    auto line = next_line();
    EXPECT_THAT(line, StartsWith("port ")) << name << " did not start";
    if (line.size() > 5)
      port = static_cast<std::uint16_t>(std::stoul(line.substr(5)));
  }

  std::string next_line() { return process_.read_line(patience_ms).value_or("(silence)"); }
  void signal(int x) { ::kill(process_.pid(), x); }
  void end_at_once() {
    signal(SIGKILL);
    process_.stop();
  }

  std::uint16_t port = 0;

private:
  bench::child process_;
};

class link_processes_test : public ::testing::Test {
protected:
  void SetUp() override {
    auto options = options_of("n1", 1);
    options.dead_after = dead_after;
    here = world.start(options);
    other = std::make_unique<link_process>(world, "n2", arguments());
    here->links->set_peers({{"n2", "127.0.0.1", other->port}});
    ASSERT_TRUE(up(1));
  }
  std::vector<std::string> arguments() const {
    return {"--peer", "n1=127.0.0.1:" + std::to_string(here->address.port)};
  }
  bool up(int times) {
    return here->seen.wait(
        [&] { return here->seen.at("n2").up && here->seen.at("n2").ups == times; });
  }
  bool down() {
    return here->seen.wait([&] { return !here->seen.at("n2").up; });
  }
  bool more_frames(std::size_t count) {
    auto until = here->seen.frame_count() + count;
    return here->seen.wait([&, until] { return here->seen.frames().size() >= until; });
  }
  /// Numbers start at 0 with each `up`, and none is missing before the last one.
  void check_numbers(std::size_t links) {
    auto next = 0ul, starts = 0ul;
    for (auto& body : here->seen.bodies("n2", traffic::feeds)) {
      auto n = std::stoul(body);
      starts += n == 0 ? 1 : 0;
      EXPECT_TRUE(n == 0 || n == next) << n << " after " << next - 1;
      next = n + 1;
    }
    EXPECT_LE(starts, links);
  }

  socket_world world;
  std::unique_ptr<links_node> here;
  std::unique_ptr<link_process> other;
};

TEST_F(link_processes_test, sees_a_stopped_process_go_down_and_come_back) {
  for (auto round = 1; round <= 3; ++round) {
    ASSERT_TRUE(more_frames(20));
    auto start = clock::now();
    other->signal(SIGSTOP);
    ASSERT_TRUE(down());
    EXPECT_LT(clock::now() - start, dead_after + 5s);
    other->signal(SIGCONT);
    ASSERT_TRUE(up(round + 1)) << here->error();
  }
  ASSERT_TRUE(more_frames(20));
  check_numbers(4);
  EXPECT_EQ(other->next_line(), "up n1 1");
  for (auto round = 1; round <= 3; ++round) {
    EXPECT_THAT(other->next_line(), StartsWith("down n1 "));
    EXPECT_EQ(other->next_line(), "up n1 1");
  }
}

TEST_F(link_processes_test, does_not_mind_a_short_stop) {
  auto pause = link_recorder{};
  for (auto i = 0; i < 5; ++i) {
    other->signal(SIGSTOP);
    pause.wait([] { return false; }, dead_after / 2);
    other->signal(SIGCONT);
    ASSERT_TRUE(more_frames(20));
  }
  EXPECT_EQ(here->seen.peer_now("n2").downs, 0);
  check_numbers(1);
}

TEST_F(link_processes_test, spends_no_cpu_on_a_stopped_process) {
  auto cpu = [] {
    auto x = rusage{};
    ::getrusage(RUSAGE_SELF, &x);
    return static_cast<double>(x.ru_utime.tv_sec + x.ru_stime.tv_sec) +
           static_cast<double>(x.ru_utime.tv_usec + x.ru_stime.tv_usec) / 1e6;
  };
  other->signal(SIGSTOP);
  ASSERT_TRUE(down());
  auto before = cpu();
  auto pause = link_recorder{};
  pause.wait([] { return false; }, 2s); // it is dialed, accepts, and says nothing
  EXPECT_LT(cpu() - before, 0.2);
  other->signal(SIGCONT);
  EXPECT_TRUE(up(2));
}

TEST_F(link_processes_test, links_with_each_next_start_of_a_killed_process) {
  for (auto round = 1; round <= 5; ++round) {
    ASSERT_TRUE(more_frames(20));
    auto old = here->seen.peer_now("n2").info.incarnation;
    auto port = std::to_string(other->port);
    auto start = clock::now();
    other->end_at_once();
    ASSERT_TRUE(down());
    auto noticed = clock::now();
    EXPECT_LT(noticed - start, dead_after + 5s) << "the kernel closes its connections";
    auto again = arguments();
    again.insert(again.end(), {"--port", port});
    other = std::make_unique<link_process>(world, "n2", again);
    auto started = clock::now();
    ASSERT_TRUE(up(round + 1)) << here->error();
    std::printf("  down %.3f s after the kill, up %.3f s after the next start listens\n",
        std::chrono::duration<double>(noticed - start).count(),
        std::chrono::duration<double>(clock::now() - started).count());
    EXPECT_NE(here->seen.peer_now("n2").info.incarnation, old);
  }
  ASSERT_TRUE(more_frames(20));
  check_numbers(6);
}

// -- network namespaces ---------------------------------------------------------------------------

/// Two hosts and a cable. A host is cut off in one direction by giving it a wrong hardware address
/// of the other: its packets leave and nobody takes them, as behind a broken switch.
class two_hosts {
public:
  two_hosts() {
    auto id = std::to_string(::getpid());
    for (auto i : {0, 1}) {
      name[i] = "shoal" + id + (i == 0 ? "a" : "b");
      run("ip netns add " + name[i]);
    }
    run("ip link add v0 netns " + name[0] + " type veth peer name v1 netns " + name[1]);
    for (auto i : {0, 1}) {
      run(in(i) + "ip addr add " + address(i) + "/24 dev " + device(i));
      run(in(i) + "ip link set " + device(i) + " up");
    }
  }
  ~two_hosts() {
    for (auto& x : name)
      run("ip netns del " + x);
  }
  two_hosts(const two_hosts&) = delete;

  bool works() const { return works_; }
  static std::string address(int i) { return "10.99.0." + std::to_string(i + 1); }

  void swallow_packets_from(int i) {
    run(in(i) + "ip neigh replace " + address(1 - i) + " lladdr 02:00:00:00:00:99 dev " +
        device(i) + " nud permanent");
  }
  void heal(int i) { run(in(i) + "ip neigh del " + address(1 - i) + " dev " + device(i)); }
  void unplug(bool out) { run(in(0) + "ip link set " + device(0) + (out ? " down" : " up")); }

  std::string name[2];

private:
  static std::string device(int i) { return "v" + std::to_string(i); }
  std::string in(int i) const { return "ip netns exec " + name[i] + " "; }
  void run(const std::string& command) {
    works_ = std::system((command + " 2>/dev/null").c_str()) == 0 && works_;
  }
  bool works_ = true;
};

TEST(link_hosts, notice_black_holes_and_cut_cables_and_link_again) {
  if (::getuid() != 0)
    GTEST_SKIP() << "network namespaces need root";
  auto hosts = two_hosts{};
  if (!hosts.works())
    GTEST_SKIP() << "this machine makes no network namespaces";
  auto world = socket_world{};
  auto nodes = std::vector<std::unique_ptr<link_process>>{};
  for (auto i : {0, 1})
    nodes.push_back(std::make_unique<link_process>(world, i == 0 ? "n1" : "n2",
        std::vector<std::string>{"--listen", two_hosts::address(i), "--port", "7000", "--peer",
            (i == 0 ? "n2=" : "n1=") + two_hosts::address(1 - i) + ":7000"},
        std::vector<std::string>{"ip", "netns", "exec", hosts.name[i]}));
  auto both_say = [&](const char* word, clock::duration within) {
    auto start = clock::now();
    for (auto& x : nodes)
      EXPECT_THAT(x->next_line(), StartsWith(word));
    auto took = clock::now() - start;
    EXPECT_LT(took, within) << word;
    return std::chrono::duration<double>(took).count();
  };
  both_say("up", 5s);
  auto report = [](const char* what, double down, double up) {
    std::printf("  %-28s both down after %.2f s, up %.2f s after healing\n", what, down, up);
  };
  for (auto i : {0, 1}) {
    hosts.swallow_packets_from(i);
    auto down = both_say("down", dead_after + 5s);
    hosts.heal(i);
    report(i == 0 ? "packets of n1 are swallowed" : "packets of n2 are swallowed", down,
        both_say("up", 5s));
  }
  hosts.unplug(true);
  auto down = both_say("down", dead_after + 5s);
  hosts.unplug(false);
  report("the cable is unplugged", down, both_say("up", 5s));
}

} // namespace
} // namespace shoal::cluster::links
