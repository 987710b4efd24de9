// What is known of the instances that are named in etcd: where loops look for those of groups with
// discovery `etcd`. Loops never ask etcd themselves.
//
//   etcd <──asks, each refresh_s── etcd_discovery ──puts──> this <──looks, 4 x a second── loops
//
// What was known stays as long as etcd is silent. In memory on every node, never in the store.
// Safe to use from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

class etcd_directory {
public:
  using list = std::shared_ptr<const std::vector<upstream>>;

  struct found {
    list instances;      ///< null: never known
    bool asking = false; ///< that will be known, or not, in a moment
  };

  /// `revision`: of the group that looks.
  found find(const std::string& prefix, std::uint64_t revision) const;

  /// Somebody asks etcd: this node knows where it is.
  bool serves() const { return serves_; }

  struct state {
    std::size_t prefixes = 0, instances = 0;
    std::int64_t silent_since_ms = 0; ///< when etcd answered last, if it does not now; else 0
    std::string trouble;              ///< why it does not
  };
  state now() const;

  // For who asks.
  void serve() { serves_ = true; }
  /// From now on these prefixes: those of the definitions of this revision.
  void follow(const std::map<std::string, std::uint32_t>& refresh_s, std::uint64_t revision);
  /// False: it is as it was.
  bool put(const std::string& prefix, std::vector<upstream> instances);
  void fail(const std::string& prefix);
  void is_silent(std::int64_t since_ms, std::string why);
  void answers();

private:
  struct entry {
    list instances;
    bool tried = false;
  };

  std::atomic<bool> serves_{false};      // looked at by each call of a group without `upstreams`
  mutable std::mutex mutex_;             // guards all that follows
  std::uint64_t revision_ = 0;           // of the definitions that are followed
  std::map<std::string, entry> entries_; // by prefix
  std::int64_t silent_since_ms_ = 0;
  std::string trouble_;
};

} // namespace shoal::gateway
