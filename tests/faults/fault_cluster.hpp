// A real cluster that tests may treat badly: etcd and several shoald, each a child process with its
// own data folder, certificates and log below one folder; on loopback, or each on a host of a
// private network. All of it ends with the object.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/meta_store.hpp"
#include "tests/faults/fault_etcd.hpp"
#include "tests/faults/private_network.hpp"
#include "tests/faults/server.hpp"
#include "tests/faults/sync_ledger.hpp"
#include "tests/faults/whims.hpp"

namespace shoal::faults {

struct cluster_plan {
  std::string shoald, folder;
  std::size_t nodes = 3;
  std::uint16_t partitions = 64;
  std::size_t replicas = 0; ///< of each partition; 0 = three
  bool own_network = false; ///< after `leave_the_machine`
  std::size_t etcd_members = 1;
  std::size_t small_disk_mb = 0; ///< of the last node; 0 = as large as the folder's
  std::string old_shoald{};      ///< what nodes run before they are upgraded; empty = `shoald`
  std::string preload{};         ///< library that gives nodes whims; empty = they have none
};

class fault_cluster {
public:
  /// Writes certificates and cluster.toml. Throws std::runtime_error.
  explicit fault_cluster(cluster_plan plan);
  ~fault_cluster();
  fault_cluster(const fault_cluster&) = delete;
  fault_cluster& operator=(const fault_cluster&) = delete;

  /// etcd, all nodes, and the operator's key.
  void start();

  std::size_t size() const { return nodes_.size(); }
  std::string name(std::size_t n) const { return "n" + std::to_string(n + 1); }
  endpoint api(std::size_t n) const { return nodes_[n].api; }
  std::vector<endpoint> apis() const;
  /// Where nodes reach servers of this process.
  std::string own_host() const { return network_ ? private_network::own_address() : "127.0.0.1"; }
  const api_key& operator_key() const { return operator_key_; }
  std::string data_dir(std::size_t n) const { return plan_.folder + "/" + name(n); }
  std::string log_file(std::size_t n) const { return plan_.folder + "/" + name(n) + ".log"; }

  // -- processes --

  void launch(std::size_t n);
  /// From the next launch on it runs `shoald`.
  void upgrade(std::size_t n) { nodes_[n].program = plan_.shoald; }
  /// Some node is of the old build.
  bool is_old() const;
  /// kill -9; `kill` also waits for the end.
  void strike(std::size_t n);
  void kill(std::size_t n);
  void pause(std::size_t n);
  void resume(std::size_t n);
  /// An empty data folder in place of a dead node's.
  void replace_disk(std::size_t n);
  /// SIGTERM.
  void ask_to_end(std::size_t n);
  /// False if it had to be killed.
  bool await_end(std::size_t n);
  bool running(std::size_t n) { return nodes_[n].process.running(); }
  bool ready(std::size_t n) const;
  /// Every node runs and is ready, the controller calls nobody dead, no view is in change or lacks
  /// a copy, and every node leads something. False after `patience_ms`.
  bool await_whole(int patience_ms);
  /// Why `await_whole` said no.
  std::string what_is_missing();

  fault_etcd& etcd() { return *etcd_; }
  /// All members, and waits until they answer.
  void launch_etcd();

  // -- cables; with `own_network` only --

  void cut(std::size_t from, std::size_t to) { network_->swallow(from, to); }
  void heal(std::size_t from, std::size_t to) { network_->heal(from, to); }
  /// Of its members.
  std::vector<std::size_t> etcd_hosts() const;
  bool has_cables() const { return network_ != nullptr; }

  // -- clocks and disks; with `preload` only --

  whims& whims_of(std::size_t n) { return *nodes_[n].has_whims; }
  /// Of a dead node's files, only what it synced is left.
  lost_cache lose_cache_of(std::size_t n) { return lose_cache(data_dir(n), *nodes_[n].ledger); }

  // -- who does what, as etcd says --

  std::map<partition_no, cluster::view> views();
  std::size_t controller();
  /// How many partitions each node leads.
  std::vector<std::size_t> leads();

private:
  struct node {
    endpoint api, link, admin;
    std::string program;
    whims* has_whims = nullptr;
    sync_ledger* ledger = nullptr;
    bench::child process;
  };

  std::vector<std::string> on_host(std::size_t host, std::vector<std::string> command) const;
  std::string host_of(std::size_t host) const;
  endpoint free_at(std::size_t host) const { return {bench::free_port(), host_of(host)}; }
  void plan_etcd();
  void write_certificates() const;
  void write_config() const;
  void await_etcd();
  void mount_small_disk();
  void give_whims();
  std::string whims_file(std::size_t n) const { return plan_.folder + "/" + name(n) + ".whims"; }
  std::string ledger_file(std::size_t n) const { return plan_.folder + "/" + name(n) + ".synced"; }
  std::size_t number_of(const std::string& name) const;
  std::size_t copies() const; ///< of each partition

  cluster_plan plan_;
  std::unique_ptr<private_network> network_;
  std::vector<node> nodes_;
  std::unique_ptr<fault_etcd> etcd_;
  std::unique_ptr<cluster::meta_store> meta_;
  api_key operator_key_;
};

} // namespace shoal::faults
