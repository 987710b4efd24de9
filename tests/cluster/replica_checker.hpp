// What must hold in every history, checked while it happens. It knows only what a user or an
// operator could see: what was acknowledged, what was applied where, and who said it serves.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/cluster/simulated_disk.hpp"

namespace shoal::cluster {

struct broken_rule {
  std::string rule; ///< a short name
  std::string what; ///< what happened
};

class replica_checker {
public:
  /// A caller was told that its proposal is committed.
  void acknowledged(const std::string& node, const log_position& at, std::uint64_t content);
  /// A node applies a record; `applied_before` = its last lsn before.
  void applies(const std::string& node, const log_record& x, std::uint64_t applied_before);
  /// A node got all rows at once.
  void installs(const std::string& node, const log_position& position,
      const std::vector<simulated_row>& rows);
  /// A start of a node says that it serves an epoch, for the first time.
  void serves(const std::string& node, std::uint64_t incarnation, std::uint64_t epoch,
      std::uint64_t applied);
  /// A node writes a record to its disk.
  void writes(const std::string& node, const log_record& x);
  /// The same start of a node reported `before`, and now reports `after`, as committed.
  void commits(const std::string& node, std::uint64_t before, std::uint64_t after);

  /// At the end: these rows are all that was acknowledged, each once, in order.
  void ends_with(const std::string& node, const std::vector<simulated_row>& rows);

  void breaks(std::string rule, std::string what);
  const std::optional<broken_rule>& broken() const { return broken_; }
  std::uint64_t acknowledged_count() const { return acknowledged_.size(); }
  /// How many rows a complete replica has.
  std::uint64_t history_size() const {
    auto told = acknowledged_.empty() ? 0 : acknowledged_.rbegin()->first;
    return std::max<std::uint64_t>(told, history_.size());
  }
  std::uint64_t epochs_served() const { return served_.size(); }

private:
  bool agrees(const std::string& node, std::uint64_t lsn, const simulated_row& row);

  std::vector<simulated_row> history_;                     ///< what was applied first anywhere
  std::unordered_map<std::uint64_t, std::uint64_t> place_; ///< content of an entry -> lsn
  std::map<std::uint64_t, simulated_row> acknowledged_;    ///< by lsn
  std::map<std::uint64_t, std::pair<std::string, std::uint64_t>> served_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> written_;
  std::optional<broken_rule> broken_;
};

} // namespace shoal::cluster
