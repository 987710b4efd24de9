// Three nodes of Shoal (or more) with an etcd, on loopback: three replicas of every partition,
// generated configuration and certificates. Connection `i` goes to node `i % 3`, so most ops are
// led by another node than the one that took the call, and delivered by a third.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/bench/contenders/shoal.hpp"

namespace shoal::bench {

constexpr auto cluster_nodes = std::size_t{3}; ///< unless a scenario wants more
constexpr auto cluster_replicas = std::size_t{3};
constexpr auto cluster_partitions = std::uint16_t{64};

class shoal_cluster final : public shoal_contender {
public:
  explicit shoal_cluster(surroundings s, std::size_t nodes = cluster_nodes)
      : shoal_contender{std::move(s)}, ports_(nodes), nodes_(nodes) {}

  void start() override;
  void prepare(tls_loop& loop, const plan& p) override;
  memory_use memory() const override;
  double cpu_seconds() const override;

  std::size_t size() const { return nodes_.size(); }
  child& node(std::size_t i) { return nodes_[i]; }
  child& etcd() { return server_; }
  std::uint16_t admin_port(std::size_t i) const { return ports_[i].admin; }
  std::uint16_t link_port(std::size_t i) const { return ports_[i].link; }
  /// Without goodbye; `revive` starts it again on what it left behind.
  void kill(std::size_t i);
  void revive(std::size_t i);

  /// Which node leads each partition, as etcd knows it; nothing if etcd does not answer.
  std::optional<std::vector<std::size_t>> leaders() const;
  /// Every node runs, is ready and leads its part. Looks at most every 100 ms.
  bool balanced();

protected:
  std::uint16_t port(std::size_t i) const override { return ports_[i % size()].devices; }

private:
  struct ports {
    std::uint16_t devices = 0, link = 0, admin = 0;
  };
  void start_etcd();
  void write_config() const;
  void read_operator_key();
  bool in_balance();

  std::vector<ports> ports_;
  std::vector<child> nodes_;
  std::uint16_t etcd_port_ = 0;
  std::int64_t looked_ = 0;
};

} // namespace shoal::bench
