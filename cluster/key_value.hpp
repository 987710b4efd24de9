// What a meta store needs of whatever keeps its values: reads, a compare-and-swap of one key, and a
// hint that something changed.
//
// Implemented by the node's own folder (local_meta_store.cpp) and by etcd (etcd_meta_store.cpp).
// All calls may block, each for a bounded time, and may come from several threads.
//
// Guarantees: a swap happens only if the key holds exactly the value and revision that were read
// (so that a store whose revisions went back fools nobody); reads see every swap that was reported
// as done before they began. Does not: understand values, or retry a swap whose outcome is unknown.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::cluster {

enum class meta_result : std::uint8_t {
  done,
  missing,
  conflict, ///< somebody else was faster, or the new epoch is not greater: read again
  failed,   ///< not reachable or damaged; whether a swap happened is unknown: read again
};

struct stored_value {
  std::string name; ///< without the prefix of the store
  std::string text;
  std::int64_t revision = 0; ///< of the last change, as the store counts
};

/// Hints come until this is destroyed; none is running any more when its destructor returns.
class meta_watch {
public:
  virtual ~meta_watch() = default;
};

class key_value {
public:
  virtual ~key_value() = default;

  /// `done` or `missing` or `failed`.
  virtual meta_result get(std::string_view name, stored_value& out) {
    auto ignored = std::int64_t{0};
    return get(name, out, ignored);
  }

  /// The same; `store_revision` grows by one with each change of anything in the store, or is 0 if
  /// the store does not count. Nothing is said of it if the call failed.
  virtual meta_result get(
      std::string_view name, stored_value& out, std::int64_t& store_revision) = 0;

  /// All whose names begin with `prefix`, sorted by name. `done` or `failed`. Not one moment's
  /// picture if somebody writes meanwhile.
  virtual meta_result list(std::string_view prefix, std::vector<stored_value>& out) = 0;

  /// Replaces exactly `expected` (nullopt: there is nothing) by `text`. `done`, `conflict` or
  /// `failed`.
  virtual meta_result swap(std::string_view name, const std::optional<stored_value>& expected,
      std::string_view text) = 0;

  /// Calls `hint`, from any thread, when something may have changed; sometimes when nothing did,
  /// and late or never if the store misbehaves. `hint` must not block, nor destroy the watch.
  virtual std::unique_ptr<meta_watch> watch(std::function<void()> hint) = 0;

  /// For a node that ends: calls under way fail within about a second, later ones at once.
  virtual void interrupt() {}

  /// Why the last call that failed did, for people.
  virtual std::string problem() const = 0;
};

} // namespace shoal::cluster
