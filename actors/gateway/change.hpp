// What one change of the gateway's definitions does, decided without actors and disks: is it
// allowed, which ids and versions does it give, which rows make it durable, what does the registry
// look like afterwards.
//
// A change is one or more edits of one app, all or nothing. An edit that changes nothing writes
// nothing: importing a file twice makes no second version. Each change makes the registry's
// revision one higher, and leaves a record by which other nodes follow (storage/README.md,
// "Gateway").
#pragma once

#include <string>
#include <vector>

#include "actors/catalog/catalog.hpp"
#include "actors/gateway/gateway_rows.hpp"
#include "actors/gateway/registry.hpp"
#include "storage/database.hpp"

namespace shoal::gateway {

constexpr std::size_t max_edits = 500;
constexpr std::size_t max_change_bytes = 2u << 20;
constexpr std::uint32_t kept_versions = 50; ///< of each API
constexpr std::uint64_t kept_changes = 256; ///< for nodes that were away

struct edit {
  enum class expect : std::uint8_t { any, absent, present };
  entry what; ///< `in` is filled in; without a definition it is removed
  expect before = expect::any;
  std::uint32_t version = 0; ///< not 0: an API must have this version before
};

struct change {
  app_no app{};
  std::vector<edit> edits;
  std::string actor; ///< key id of who asked, for the audit record
  std::string note;  ///< one sentence, for the audit record
  /// Words of instances instead of edits: they change directories, not definitions, and leave no
  /// rows and no revision.
  std::vector<service_beat> beats{};
};

struct change_outcome {
  ec code = ec::none;
  std::string text;           ///< why not
  std::uint64_t revision = 0; ///< of the registry that has the change
  storage::write_batch rows;  ///< the definitions as stored, and as erased; none if nothing changed
};

struct planned_change {
  change_outcome outcome;    ///< code other than `none`: refused, nothing else is set
  storage::write_batch rows; ///< to make durable; none: nothing changes
  registry_ptr next;         ///< to publish then
};

/// `audit_seq` makes audit records of one millisecond distinct.
planned_change plan_change(const registry& now, const catalog& apps, const change& x,
    std::int64_t now_ms, std::uint32_t audit_seq);

/// Puts the words of instances into a directory. Refused: there is no room, or one makes no sense.
change_outcome take_beats(
    service_directory& into, std::vector<service_beat>& beats, std::int64_t now_ms);

// One edit of each kind; for the API's calls and for tests.
edit put(api_definition x, edit::expect before = edit::expect::any);
edit put(api_group x, edit::expect before = edit::expect::any);
edit put(authorizer_rule x, edit::expect before = edit::expect::any);
edit put(proto_definition x, edit::expect before = edit::expect::any);
edit put(app_settings x);
edit removal(entry_kind kind, std::string name);

} // namespace shoal::gateway
