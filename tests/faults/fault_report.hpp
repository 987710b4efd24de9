// What was injected and what it cost, by fault: for people (a table), and for programs (JSON).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace shoal::faults {

struct fault_row {
  std::string name, title;
  std::uint64_t runs = 0, acknowledged = 0;
  std::vector<double> serve_s; ///< of each run: until the last partition served again
  std::vector<std::string> notes;
};

class fault_report {
public:
  /// The row of that name, made at the first call.
  fault_row& row(const std::string& name, const std::string& title);
  nlohmann::json as_json() const;
  /// A table in Markdown.
  std::string as_table() const;

private:
  std::deque<fault_row> rows_; ///< references to rows stay good
};

/// The value that `share` of all are not above; 0 without values.
double quantile(std::vector<double> values, double share);

} // namespace shoal::faults
