#include "tools/inspector/printers.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <sstream>

namespace shoal::inspector {

namespace {

constexpr auto longest_us = 1e18; // thirty thousand years

std::string number_text(double x, const char* unit) {
  std::array<char, 32> out{};
  std::snprintf(
      out.data(), out.size(), x < 10 && x != std::floor(x) ? "%.1f%s" : "%.0f%s", x, unit);
  return out.data();
}

std::string without_unit(std::string_view field) {
  for (auto ending : {"_us", "_ms", "_s"})
    if (field.ends_with(ending))
      field.remove_suffix(std::string_view{ending}.size());
  return std::string{field};
}

std::string table(const json& rows, const command& of, const canvas& on) {
  if (rows.empty())
    return "none\n";
  auto wanted = std::vector<std::string>(of.columns.begin(), of.columns.end());
  if (on.wide)
    wanted.insert(wanted.end(), of.wide.begin(), of.wide.end());
  auto columns = terminal::columns_of(rows, std::move(wanted));
  // A column that says the same nothing in every row only takes room.
  std::erase_if(columns, [&](const std::string& name) {
    return std::ranges::none_of(rows, [&](const json& row) { return row.contains(name); });
  });
  std::vector<std::vector<std::string>> cells(1);
  for (const auto& name : columns)
    cells[0].push_back(terminal::heading(without_unit(name)));
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (const auto& name : columns)
      line.push_back(row.contains(name) ? cell_text(name, row[name]) : "");
  }
  return aligned(cells);
}

void add_lines(
    std::vector<std::vector<std::string>>& to, const std::string& prefix, const json& x) {
  for (const auto& [name, value] : x.items()) {
    if (value.is_object() && !value.empty())
      add_lines(to, prefix + name + ".", value);
    else // a number is shown with its unit, or as a date
      to.push_back(
          {prefix + (value.is_number() ? without_unit(name) : name), cell_text(name, value)});
  }
}

bool plain_yaml(const std::string& text) {
  if (text.empty() || json::accept(text) || text == "yes" || text == "no" || text == "on" ||
      text == "off" || text == "~")
    return false;
  if (!std::isalnum(static_cast<unsigned char>(text[0])) && text[0] != '/')
    return false;
  return text.find_first_of(":#\n\t\"'{}[],&*!|>%@`\\") == std::string::npos && text.back() != ' ';
}

void yaml(std::string& out, const json& x, std::size_t depth) {
  auto indent = std::string(depth * 2, ' ');
  auto below = [&](const json& value) {
    if (value.is_structured() && !value.empty()) {
      out += '\n';
      yaml(out, value, depth + 1);
    } else {
      out += ' ';
      yaml(out, value, 0);
    }
  };
  if (x.is_object() && !x.empty()) {
    for (const auto& [name, value] : x.items()) {
      out.append(indent).append(plain_yaml(name) ? name : json(name).dump()).append(":");
      below(value);
    }
  } else if (x.is_array() && !x.empty()) {
    for (const auto& value : x) {
      std::string item;
      yaml(item, value, depth + 1);
      // The first line of an item stands behind its dash.
      if (value.is_structured() && !value.empty())
        item.replace(0, indent.size() + 2, indent + "- ");
      else
        item = indent + "- " + item;
      out += item;
    }
  } else if (x.is_string() && plain_yaml(x.get<std::string>())) {
    out.append(x.get<std::string>()).append("\n");
  } else {
    out.append(x.dump(-1, ' ', false, json::error_handler_t::replace)).append("\n");
  }
}

} // namespace

json harmless(const json& x) {
  if (x.is_string())
    return harmless(x.get<std::string>());
  if (!x.is_structured())
    return x;
  json out = x.is_array() ? json::array() : json::object();
  for (const auto& [name, value] : x.items())
    if (x.is_array())
      out.push_back(harmless(value));
    else
      out[harmless(name)] = harmless(value);
  return out;
}

const json& part(const json& of, const char* field) {
  static const json none;
  auto i = of.find(field);
  return i == of.end() ? none : *i;
}

std::string red(std::string text, const canvas& on) {
  return on.colors ? "\x1b[31m" + text + "\x1b[0m" : text;
}

std::string faint(std::string text, const canvas& on) {
  return on.colors ? "\x1b[2m" + text + "\x1b[0m" : text;
}

std::string time_text(double us) {
  us = std::min(us, longest_us);
  if (us < 1000)
    return number_text(us, " us");
  if (us < 1e6)
    return number_text(us / 1e3, " ms");
  if (us < 60e6)
    return number_text(us / 1e6, " s");
  auto s = static_cast<std::uint64_t>(us / 1e6);
  if (s < 3600)
    return std::to_string(s / 60) + "m " + std::to_string(s % 60) + "s";
  if (s < 48 * 3600)
    return std::to_string(s / 3600) + "h " + std::to_string(s / 60 % 60) + "m";
  return std::to_string(s / 86400) + "d " + std::to_string(s / 3600 % 24) + "h";
}

std::string bytes_text(double bytes) {
  for (auto unit : {" B", " KB", " MB"}) {
    if (bytes < 1000)
      return number_text(bytes, unit);
    bytes /= 1024;
  }
  return number_text(bytes, " GB");
}

std::string cell_text(std::string_view field, const json& value) {
  if (value.is_null())
    return "?";
  if (value.is_number()) {
    auto x = value.get<double>();
    if (field == "busy")
      return number_text(x * 100, "%");
    if (field == "rate")
      return number_text(x, "/s");
    if (field.ends_with("bytes") || field == "memory" || field == "rss")
      return bytes_text(x);
    if (field.ends_with("_us"))
      return time_text(x);
    if (field.ends_with("_ms") && field != "time_ms" && !field.starts_with("last") &&
        !field.starts_with("connected") && !field.starts_with("attached") &&
        !field.starts_with("first") && !field.ends_with("since_ms"))
      return time_text(x * 1e3);
    if (field.ends_with("_s"))
      return x < 1 ? "0 s" : time_text(x * 1e6);
    if (field.ends_with("_ms")) { // a moment, not a duration
      if (x == 0)
        return "never";
      auto seconds = static_cast<std::time_t>(std::clamp(x, 0.0, longest_us / 1000) / 1000);
      std::tm parts{};
      gmtime_r(&seconds, &parts);
      std::array<char, 32> out{};
      std::strftime(out.data(), out.size(), "%FT%TZ", &parts);
      return out.data();
    }
  }
  if (value.is_number_float()) {
    auto x = value.get<double>();
    return x == std::floor(x) && std::abs(x) < 1e15 ? std::to_string(static_cast<std::int64_t>(x))
                                                    : (std::ostringstream{} << x).str();
  }
  if (value.is_string())
    return harmless(value.get<std::string>());
  return harmless(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string print_json(const json& x) {
  return x.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string print_yaml(const json& x) {
  std::string out;
  yaml(out, x, 0);
  return out;
}

std::string print_table(const json& x, const command& of, const canvas& on) {
  if (of.draw)
    return of.draw(x, on);
  if (x.is_array())
    return table(x, of, on);
  if (!x.is_object())
    return x.is_null() ? "done\n" : cell_text("", x) + "\n";
  if (!of.rows.empty() && x.contains(of.rows))
    return table(x[std::string{of.rows}], of, on);
  std::vector<std::vector<std::string>> lines;
  add_lines(lines, "", x);
  return aligned(lines);
}

std::string print_names(const json& x, const command& of) {
  const auto* rows = &x;
  if (x.is_object() && !of.rows.empty() && x.contains(of.rows))
    rows = &x[std::string{of.rows}];
  std::string out;
  auto one = [&](const json& row) {
    auto text = [&](const char* field) {
      return row.contains(field) ? cell_text("", row[field]) : std::string{};
    };
    auto node = text("node");
    for (auto field : {"id", "device", "partition", "name", "message"})
      if (row.contains(field)) {
        out.append(node.empty() ? "" : node + "/").append(text(field)).append("\n");
        return;
      }
    if (!node.empty())
      out.append(node).append("\n");
  };
  if (rows->is_array())
    for (const auto& row : *rows)
      one(row);
  else if (rows->is_object())
    one(*rows);
  return out;
}

} // namespace shoal::inspector
