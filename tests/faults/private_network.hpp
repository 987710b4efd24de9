// Hosts of a test's own: this process and its children leave the machine's network for one in which
// every host is a network namespace on one bridge, and cables can be cut in one direction.
//
// Needs root. Vanishes with the processes; nothing of it is to be seen outside. Packets of a cut
// direction leave and nobody takes them, as behind a broken switch: they carry a hardware address
// that nobody has.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/bench/machine/child.hpp"

namespace shoal::faults {

/// Moves this process into a network and a mount namespace of its own. Before any thread starts.
/// False if that is not allowed here.
bool leave_the_machine();

class private_network {
public:
  /// `hosts` of them, beside this process, which is on the same bridge. Throws std::runtime_error.
  explicit private_network(std::size_t hosts);

  std::string address(std::size_t host) const;
  /// Of this process.
  static std::string own_address();
  /// Put before a command, it runs on that host, as the same process.
  std::vector<std::string> on(std::size_t host) const;

  /// What `from` sends to `to` gets lost, until `heal`.
  void swallow(std::size_t from, std::size_t to);
  void heal(std::size_t from, std::size_t to);

private:
  void run(const std::string& command) const;
  std::string inside(std::size_t host) const;

  std::vector<bench::child> hosts_; ///< each keeps a namespace alive
};

} // namespace shoal::faults
