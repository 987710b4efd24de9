#include "tests/faults/fault_report.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

#include <nlohmann/json.hpp>

namespace shoal::faults {

using nlohmann::json;

double quantile(std::vector<double> values, double share) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  auto rank = std::ceil(share * static_cast<double>(values.size()));
  return values[std::clamp<std::size_t>(static_cast<std::size_t>(rank), 1, values.size()) - 1];
}

fault_row& fault_report::row(const std::string& name, const std::string& title) {
  auto i = std::find_if(rows_.begin(), rows_.end(), [&](auto& x) { return x.name == name; });
  if (i != rows_.end())
    return *i;
  auto& out = rows_.emplace_back();
  out.name = name;
  out.title = title;
  return out;
}

json fault_report::as_json() const {
  auto out = json::array();
  for (auto& x : rows_)
    out.push_back({{"fault", x.name}, {"runs", x.runs}, {"acknowledged", x.acknowledged},
        {"serve_p50_s", quantile(x.serve_s, 0.5)}, {"serve_p95_s", quantile(x.serve_s, 0.95)},
        {"serve_max_s", quantile(x.serve_s, 1)}, {"serve_s", x.serve_s}, {"notes", x.notes}});
  return out;
}

std::string fault_report::as_table() const {
  auto out = std::ostringstream{};
  out << std::fixed << std::setprecision(2)
      << "| fault | runs | acknowledged meanwhile | serves again after p50 / p95 / max |\n"
         "| --- | --- | --- | --- |\n";
  for (auto& x : rows_) {
    out << "| " << x.title << " | " << x.runs << " | " << x.acknowledged << " | ";
    if (!x.serve_s.empty())
      out << quantile(x.serve_s, 0.5) << " / " << quantile(x.serve_s, 0.95) << " / "
          << quantile(x.serve_s, 1) << " s";
    out << " |\n";
  }
  return out.str();
}

} // namespace shoal::faults
