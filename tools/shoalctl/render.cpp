#include "tools/shoalctl/render.hpp"

#include <algorithm>

namespace shoal::ctl {

namespace {

std::string cell(const json& x) {
  auto out = x.is_null()     ? std::string{}
             : x.is_string() ? x.get<std::string>()
                             : x.dump(-1, ' ', false, json::error_handler_t::replace);
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return out;
}

// Characters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string lines_of(const std::vector<std::vector<std::string>>& cells) {
  std::vector<std::size_t> widths;
  for (const auto& row : cells) {
    widths.resize(std::max(widths.size(), row.size()));
    for (auto i = std::size_t{0}; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : cells) {
    std::string line;
    for (auto i = std::size_t{0}; i < row.size(); ++i)
      line.append(row[i]).append(widths[i] - width(row[i]) + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out.append(line).append("\n");
  }
  return out;
}

std::vector<std::string> columns_of(const json& rows, const command& of) {
  std::vector<std::string> out(of.columns.begin(), of.columns.end());
  if (!out.empty())
    return out;
  for (const auto& row : rows)
    for (const auto& [name, value] : row.items())
      if (std::find(out.begin(), out.end(), name) == out.end())
        out.push_back(name);
  return out;
}

std::string upper(std::string text) {
  for (auto& c : text)
    c = c == '_' ? ' ' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return text;
}

std::string table(const json& rows, const command& of) {
  if (rows.empty())
    return "none\n";
  auto columns = columns_of(rows, of);
  std::vector<std::vector<std::string>> cells(1);
  for (const auto& name : columns)
    cells[0].push_back(upper(name));
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (const auto& name : columns)
      line.push_back(row.contains(name) ? cell(row[name]) : "");
  }
  return lines_of(cells);
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
  return lines_of(cells);
}

} // namespace shoal::ctl
