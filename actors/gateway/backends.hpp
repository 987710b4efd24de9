// The instances behind the groups, as one I/O loop knows them: addresses, connections, health.
//
// Owned by the loop's worker. A `backend_group` is made when its group is called first and follows
// the definitions: instances that stay keep their connections and what is known of their health;
// those that go finish what they carry. Names are resolved in the background (Asio's resolver),
// again every `refresh_s`; an old address stays in use while the name does not resolve. The
// directories of services and of etcd's instances are looked at with every tick.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "actors/gateway/balancer.hpp"
#include "actors/gateway/etcd_directory.hpp"
#include "actors/gateway/instance_health.hpp"
#include "actors/gateway/registry.hpp"
#include "actors/gateway/retry_budget.hpp"
#include "actors/gateway/split.hpp"
#include "protocol/tls/alarm_clock.hpp"
#include "protocol/tls/client_pool.hpp"

namespace shoal::gateway {

class health_probe;

/// One address of a group.
struct instance {
  ~instance();
  std::string address; ///< as configured: "10.0.0.7:8080"; also the Host header
  std::uint32_t weight = 1;
  std::map<std::string, std::string> tags;
  std::uint64_t hash = 0;
  std::unique_ptr<tls::client_pool> pool; ///< null: the name is not resolved
  instance_health health;
  std::uint32_t under_way = 0;
  bool unknown = false; ///< the name does not resolve
  std::int64_t resolved_ms = 0;
  bool resolving = false;
  std::unique_ptr<health_probe> probe;
  std::int64_t next_check_ms = 0;
};
using instance_ptr = std::shared_ptr<instance>;

/// Where instances are that no definition names.
struct instance_directories {
  app_no app{}; ///< whose services
  const service_directory& services;
  const etcd_directory& etcd;
};

class backend_group {
public:
  backend_group(tls::io_loop& loop, group_ptr of, std::uint64_t seed, instance_directories where,
      std::int64_t now_ms);
  ~backend_group();

  const group_ptr& definition() const { return of_; }
  void follow(group_ptr newer, std::int64_t now_ms);

  enum class pick_flaw : std::uint8_t { none, no_instance, resolving, unknown_host };
  struct picked {
    instance_ptr to;
    pick_flaw flaw = pick_flaw::none;
  };

  /// `key`: of the user, for balancing by it. `of`: the part of the instances. `not_this`: a retry
  /// goes elsewhere if it can.
  picked pick(
      std::uint64_t key, const tagged_part& of, const instance* not_this, std::int64_t now_ms);

  /// A call of an instance went well, or did not.
  void on_success(instance& x) { x.health.on_success(); }
  void on_failure(instance& x, std::int64_t now_ms);

  /// Calls `then` when some name has been resolved, or could not be, or etcd has been asked.
  void when_resolved(std::function<void()> then) { waiting_.push_back(std::move(then)); }

  void on_tick(std::int64_t now_ms);

  retry_budget& budget() { return budget_; }
  const std::vector<instance_ptr>& instances() const { return instances_; }

private:
  void take_over(std::vector<upstream> wanted);
  void resolve(const instance_ptr& x);
  void resolve_all();
  void ask_services(std::int64_t now_ms);
  bool ask_etcd();
  void serve_by(const std::vector<upstream>& found);
  void tell_waiting();
  void check(instance& x, std::int64_t now_ms);
  void open_pool(instance& x, const boost::asio::ip::tcp::endpoint& where);

  tls::io_loop& loop_;
  instance_directories where_;
  group_ptr of_;
  std::vector<instance_ptr> instances_;
  std::vector<instance_ptr> leaving_; ///< until they carry nothing
  std::vector<std::unique_ptr<tls::client_pool>> old_pools_;
  std::vector<candidate> candidates_; // kept to save the memory
  balancer balancer_;
  retry_budget budget_;
  std::vector<std::function<void()>> waiting_;
  boost::asio::ip::tcp::resolver resolver_;
  std::int64_t names_asked_ms_ = 0; // of a group that finds its instances by DNS
  bool asking_ = false;
  bool etcd_pending_ = false; // it will be known in a moment whether there are instances
  std::shared_ptr<int> alive_ = std::make_shared<int>(0); // for what the resolver brings too late
};

/// "host:port", "[::1]:80"; false if it is neither.
bool split_address(std::string_view address, std::string& host, std::string& port);

} // namespace shoal::gateway
