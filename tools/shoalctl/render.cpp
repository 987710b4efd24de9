#include "tools/shoalctl/render.hpp"

#include "tools/terminal/table.hpp"

namespace shoal::ctl {

namespace {

std::string cell(const json& x) {
  if (x.is_null())
    return {};
  return terminal::harmless(x.is_string() ? x.get<std::string>()
                                          : x.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string table(const json& rows, const command& of) {
  if (rows.empty())
    return "none\n";
  auto columns = terminal::columns_of(rows, {of.columns.begin(), of.columns.end()});
  std::vector<std::vector<std::string>> cells(1);
  for (const auto& name : columns)
    cells[0].push_back(terminal::heading(name));
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (const auto& name : columns)
      line.push_back(row.contains(name) ? cell(row[name]) : "");
  }
  return terminal::aligned(cells);
}

} // namespace

std::string render_json(const json& x) {
  return x.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string render_table(const json& x, const command& of) {
  if (x.is_array())
    return table(x, of);
  if (!x.is_object())
    return x.is_null() ? "done\n" : cell(x) + "\n";
  if (!of.rows.empty() && x.contains(of.rows))
    return table(x[std::string{of.rows}], of);
  std::vector<std::vector<std::string>> cells;
  for (const auto& [name, value] : x.items())
    if (!value.is_object())
      cells.push_back({name, cell(value)});
    else
      for (const auto& [inner, y] : value.items())
        cells.push_back({name + "." + inner, cell(y)});
  return terminal::aligned(cells);
}

} // namespace shoal::ctl
