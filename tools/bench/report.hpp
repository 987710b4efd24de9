// What a run found: one JSON line per metric, and the same as Markdown tables.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/bench/options.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

/// Figures of one scenario by contender, in the order of the first.
class result_table {
public:
  explicit result_table(const scenario& s, const options& wishes) : scenario_{s}, wishes_{wishes} {}

  void add(const std::string& contender, const figures& found);
  void add_failure(const std::string& contender, const std::string& why);

  /// {"scenario","metric","unit","better","shoal":x,"peer":{…},"ratio":{…},"sizes":{…}}, one line
  /// per metric.
  std::string json_lines() const;
  std::string markdown() const;

private:
  struct row {
    figure what;
    std::map<std::string, double> values; ///< by contender
  };
  std::string sizes_text() const;

  const scenario& scenario_;
  const options& wishes_;
  std::vector<row> rows_;
  std::vector<std::string> contenders_;
  std::map<std::string, std::string> failures_;
};

/// "# Benchmark", the machine, how to read it.
std::string report_head();

} // namespace shoal::bench
