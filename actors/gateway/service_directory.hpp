// Instances of services that registered themselves: where groups with discovery `service` find
// theirs. In memory on every node, never in the store: instances say again that they are there.
//
//   instance ──PUT, each ttl/3──> any node ──its directory
//                                     └──beat──> directories of all others; the whole to one that
//                                                comes (actors/remote/gateway_share.hpp)
//
// An instance leaves when it says so, or when it has been silent for its time to live. If more than
// half of a service's instances fall silent together (within one time to live), it is more likely
// that they cannot reach us than that all are dead: they stay for ten times as long, and checks and
// ejection by failed calls tell who is. A node that starts has an empty directory and learns from
// the others at once, from the instances within one time to live.
//
// Safe to use from any thread; loops look at it four times a second.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

/// What an instance says, or what one node tells another of it.
struct service_beat {
  app_no app{};
  std::string service;
  upstream where;
  std::uint32_t ttl_ms = 0;
  std::int64_t said_ms = 0; ///< by the clock of the node that heard it: the newer word counts
  bool leaves = false;
};

/// As it stands now.
struct service_instance {
  std::string service;
  upstream where;
  std::uint32_t ttl_ms = 0;
  std::int64_t silent_ms = 0;
  bool serves = false; ///< gets calls, as far as this directory is asked
};

/// "" if it makes sense, else a sentence.
std::string problem_of(const service_beat& x);

class service_directory {
public:
  static constexpr std::size_t max_instances = 256; ///< of a service
  static constexpr std::size_t max_of_app = 10'000;
  static constexpr std::size_t max_all = 100'000;

  /// Makes the word of an instance to this node newer than what is known of it, whatever the clock
  /// did meanwhile. Before `take`, and before others are told.
  void stamp(service_beat& x) const;

  /// False: there is no room for another one.
  bool take(const service_beat& x, std::int64_t now_ms);

  /// Who serves now, by address.
  std::vector<upstream> find(app_no app, const std::string& service, std::int64_t now_ms) const;

  /// All of an app's, by service and address.
  std::vector<service_instance> list(app_no app, std::int64_t now_ms) const;

  /// Who was heard within their time to live, also those that left: to tell another node.
  std::vector<service_beat> all(std::int64_t now_ms) const;

  /// Forgets who has been gone for long. To be called now and then.
  void sweep(std::int64_t now_ms);

private:
  struct kept {
    upstream where;
    std::uint32_t ttl_ms = 0;
    std::int64_t said_ms = 0;
    std::int64_t heard_ms = 0; // by our steady clock
    bool left = false;         // remembered, so that an older word does not bring it back
  };
  using service_name = std::pair<app_no, std::string>;
  using instances = std::map<std::string, kept>;

  /// Since when those have been heard that deserve patience; nothing if nobody does.
  static std::optional<std::int64_t> silent_together_since(
      const instances& of, std::int64_t now_ms);
  static bool serves(const kept& x, std::optional<std::int64_t> patient_since, std::int64_t now_ms);
  bool has_room(const service_beat& x) const;
  void forget_the_gone(std::int64_t now_ms);

  mutable std::mutex mutex_;
  std::map<service_name, instances> services_; // guarded by mutex_
  std::map<app_no, std::size_t> counts_;       // guarded by mutex_
  std::size_t count_ = 0;                      // guarded by mutex_
};

} // namespace shoal::gateway
