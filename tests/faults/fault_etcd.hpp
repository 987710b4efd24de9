// The etcd of a cluster that tests may treat badly: one member, or three, each a child process with
// its own data folder and log. All of it ends with the object.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/faults/server.hpp"

namespace shoal::faults {

class fault_etcd {
public:
  /// Where a member runs, and how a command gets there.
  struct host {
    endpoint clients, peers;
    std::function<std::vector<std::string>(std::vector<std::string>)> command;
  };

  /// `hosts`: one for each member.
  fault_etcd(std::vector<host> hosts, std::string folder);
  ~fault_etcd() { kill(); }
  fault_etcd(const fault_etcd&) = delete;
  fault_etcd& operator=(const fault_etcd&) = delete;

  std::size_t size() const { return members_.size(); }
  /// http://host:port of each member.
  std::vector<std::string> urls() const;

  // -- all members; what starts may not answer yet --

  void launch();
  void kill();
  void pause();
  void resume();
  /// Once a second, as long as this lives.
  void compact_again_and_again();

  // -- one of them --

  void launch(std::size_t member);
  void kill(std::size_t member);
  /// Nothing if nobody says that he is.
  std::optional<std::size_t> leader() const;
  /// It knows a leader.
  bool takes_part(std::size_t member) const;

private:
  struct member {
    host at;
    bench::child process;
  };

  /// Its number, and the leader's as it says; zeros without an answer.
  struct standing {
    std::string self, leader;
  };

  static std::string name(std::size_t n) { return "e" + std::to_string(n + 1); }
  standing ask(std::size_t n) const;

  std::string folder_;
  std::vector<member> members_;
  bench::child compacting_;
};

} // namespace shoal::faults
