#include <map>
#include <set>

#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

constexpr auto nobody = "(nobody)";

/// What the nodes serve; and once each what they know nobody to serve, if no node shows it.
json list(session& s) {
  auto out = json::array();
  std::set<int> served;
  std::map<int, json> unserved;
  for (auto& x : s.all("/inspect/partitions")) {
    std::set<int> blocked;
    for (auto& row : x.data.value("unserved", json::array()))
      if (auto no = row.value("partition", -1); no >= 0) {
        blocked.insert(no);
        row["said_by"] = x.node;
        // Whoever leads it knows best why it does not serve.
        if (!unserved.contains(no) || row.value("leader", "") == x.node)
          unserved[no] = row;
      }
    for (auto& row : x.data["partitions"]) {
      if (row["partition"].is_number() && !blocked.contains(row["partition"].get<int>()))
        served.insert(row["partition"].get<int>());
      auto with_node = row_of(x.node, row);
      if (x.data.contains("copies_wanted"))
        with_node["copies_wanted"] = x.data["copies_wanted"];
      out.push_back(std::move(with_node));
    }
  }
  for (auto& [no, row] : unserved)
    if (!served.contains(no))
      out.push_back(row_of(nobody, row));
  return out;
}

bool is_short(const json& row) {
  return row.contains("copies") && row["copies"].is_number() && row.contains("copies_wanted") &&
         row["copies"].get<double>() < row["copies_wanted"].get<double>();
}

std::string draw(const json& rows, const canvas& on) {
  auto columns = command{"", "", "", {}, "",
      {"node", "partition", "leader", "epoch", "copies", "streams", "next_lsn", "waited_us",
          "handled", "restarts"},
      {"id", "replicas", "write_failures", "budget"}, {}, {}};
  auto plain = json::array(), lost = json::array();
  auto few = 0;
  for (const auto& row : rows) {
    auto unserved = row.value("node", "") == nobody;
    few += is_short(row);
    (unserved ? lost : plain).push_back(row);
  }
  auto out = plain.empty() && !lost.empty() ? std::string{} : print_table(plain, columns, on);
  if (few > 0)
    out.append("\n")
        .append(red(std::to_string(few) + " with fewer copies than wanted", on))
        .append("\n");
  if (lost.empty())
    return out;
  columns.columns = {"partition", "leader", "epoch", "said_by", "why"};
  return out.append(out.empty() ? "" : "\n")
      .append(red("Served by nobody that was asked: " + std::to_string(lost.size()), on))
      .append("\n")
      .append(print_table(lost, columns, on));
}

} // namespace

command partitions_command() {
  return {"partitions",
      "Partitions: leader, epoch, copies, streams; and in red those without a leader",
      "  actor-inspector partitions\n"
      "  actor-inspector --cluster cluster.toml partitions -o wide\n",
      {}, "", {}, {}, [](const given&, session& s) -> outcome { return {list(s)}; }, draw};
}

} // namespace shoal::inspector
