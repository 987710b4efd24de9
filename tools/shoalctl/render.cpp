#include "tools/shoalctl/render.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "tools/terminal/table.hpp"

namespace shoal::ctl {

namespace {

constexpr std::int64_t first_moment_ms = 100'000'000'000; // less is a duration, or 1973

/// A moment, as against a duration: both are fields whose names end with _ms.
bool is_moment(std::string_view field, const json& x) {
  return field.ends_with("_ms") && x.is_number_integer() &&
         x.get<std::int64_t>() >= first_moment_ms;
}

std::string moment_text(std::int64_t ms) {
  auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr)
    return std::to_string(ms);
  std::array<char, 40> text{};
  auto size = std::strftime(text.data(), text.size(), "%FT%T", &parts);
  std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(ms % 1000));
  return text.data();
}

std::string cell(const json& x) {
  if (x.is_null())
    return {};
  return terminal::harmless(x.is_string() ? x.get<std::string>()
                                          : x.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string cell(std::string_view field, const json& x) {
  return is_moment(field, x) ? moment_text(x.get<std::int64_t>()) : cell(x);
}

/// A row without objects in it: their fields become its own, as "position.id".
json flat(const json& row, const command& of) {
  if (!row.is_object() || !of.columns.empty())
    return row;
  auto out = json::object();
  for (const auto& [name, value] : row.items()) {
    if (!value.is_object() || value.empty()) {
      out[name] = value;
      continue;
    }
    for (const auto& [inner, y] : value.items())
      out[std::string{name}.append(".").append(inner)] = y;
  }
  return out;
}

/// A moment needs no unit.
std::string title(const std::string& name, const json& rows) {
  auto moments = std::ranges::any_of(rows, [&](const json& row) {
    auto i = row.find(name);
    return i != row.end() && is_moment(name, *i);
  });
  return terminal::harmless(terminal::heading(
      moments ? name.substr(0, name.size() - std::string_view{"_ms"}.size()) : name));
}

std::string table(const json& given_rows, const command& of) {
  if (given_rows.empty())
    return "none\n";
  auto rows = json::array();
  for (const auto& row : given_rows)
    rows.push_back(flat(row, of));
  auto columns = terminal::columns_of(rows, {of.columns.begin(), of.columns.end()});
  std::vector<std::vector<std::string>> cells(1);
  for (const auto& name : columns)
    cells[0].push_back(title(name, rows));
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (const auto& name : columns)
      line.push_back(row.contains(name) ? cell(name, row[name]) : "");
  }
  return terminal::aligned(cells);
}

/// "name=ORDERS online=true": the fields that say what became of a change; -o json has all.
std::string one_line(const json& x, const command& of) {
  std::string out;
  for (auto name : of.line) {
    auto i = x.find(name);
    if (i == x.end() || i->is_structured())
      continue;
    if (auto text = cell(name, *i); !text.empty())
      out.append(out.empty() ? "" : " ").append(name).append("=").append(text);
  }
  return (out.empty() ? "done" : out) + "\n";
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
  if (!of.line.empty())
    return one_line(x, of);
  std::vector<std::vector<std::string>> cells;
  auto add = [&](std::string name, const json& value) {
    auto text = cell(name, value);
    if (is_moment(name, value))
      name.resize(name.size() - std::string_view{"_ms"}.size());
    cells.push_back({terminal::harmless(std::move(name)), std::move(text)});
  };
  for (const auto& [name, value] : x.items())
    if (!value.is_object())
      add(name, value);
    else
      for (const auto& [inner, y] : value.items())
        add(std::string{name}.append(".").append(inner), y);
  return terminal::aligned(cells);
}

} // namespace shoal::ctl
