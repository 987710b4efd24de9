#include "tests/faults/private_network.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/faults/server.hpp"

namespace shoal::faults {

namespace {

constexpr auto patience_ms = 5000;

std::string network_of(const std::string& pid) {
  auto error = std::error_code{};
  return std::filesystem::read_symlink("/proc/" + pid + "/ns/net", error).string();
}

} // namespace

bool leave_the_machine() {
  auto bridge = "ip link set lo up && ip link add br0 type bridge && ip addr add " +
                private_network::own_address() + "/24 dev br0 && ip link set br0 up";
  return ::getuid() == 0 && ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         std::system(bridge.c_str()) == 0;
}

std::string private_network::own_address() { return "10.77.0.254"; }

private_network::private_network(std::size_t hosts) {
  for (std::size_t i = 0; i < hosts; ++i) {
    hosts_.emplace_back(
        std::vector<std::string>{"unshare", "--net", "sleep", "infinity"}, "/dev/null");
    auto pid = std::to_string(hosts_[i].pid());
    if (!wait_until(patience_ms, [&] { return network_of(pid) != network_of("self"); }))
      throw std::runtime_error{"cannot make a network namespace"};
    auto cable = "v" + std::to_string(i);
    run("ip link add " + cable + " type veth peer name eth0 netns " + pid);
    run("ip link set " + cable + " master br0 up");
    run(inside(i) + "ip link set lo up");
    run(inside(i) + "ip addr add " + address(i) + "/24 dev eth0");
    run(inside(i) + "ip link set eth0 up");
  }
}

std::string private_network::address(std::size_t host) const {
  return "10.77.0." + std::to_string(host + 1);
}

std::vector<std::string> private_network::on(std::size_t host) const {
  return {"nsenter", "--net=/proc/" + std::to_string(hosts_[host].pid()) + "/ns/net"};
}

void private_network::swallow(std::size_t from, std::size_t to) {
  run(inside(from) + "ip neigh replace " + address(to) +
      " lladdr 02:00:00:00:00:99 dev eth0 nud permanent");
}

void private_network::heal(std::size_t from, std::size_t to) {
  run(inside(from) + "ip neigh del " + address(to) + " dev eth0");
}

std::string private_network::inside(std::size_t host) const {
  auto out = std::string{};
  for (auto& word : on(host))
    out += word + " ";
  return out;
}

void private_network::run(const std::string& command) const {
  if (std::system(command.c_str()) != 0)
    throw std::runtime_error{"failed: " + command};
}

} // namespace shoal::faults
