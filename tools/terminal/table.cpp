#include "tools/terminal/table.hpp"

#include <algorithm>

namespace shoal::terminal {

namespace {

// Characters, not bytes: continuation bytes of UTF-8 take no room, nor do colors.
std::size_t width(const std::string& text) {
  std::size_t out = 0;
  auto escaped = false;
  for (auto c : text) {
    if (c == '\x1b')
      escaped = true;
    else if (escaped)
      escaped = c != 'm';
    else
      out += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }
  return out;
}

} // namespace

std::string harmless(std::string text) {
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return text;
}

std::string heading(std::string field) {
  for (auto& c : field)
    c = c == '_' ? ' ' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return field;
}

std::vector<std::string> columns_of(
    const nlohmann::ordered_json& rows, std::vector<std::string> wanted) {
  if (!wanted.empty())
    return wanted;
  for (const auto& row : rows)
    for (const auto& [name, value] : row.items())
      if (std::find(wanted.begin(), wanted.end(), name) == wanted.end())
        wanted.push_back(name);
  return wanted;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line.append(row[i]).append(widths[i] - width(row[i]) + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out.append(line).append("\n");
  }
  return out;
}

} // namespace shoal::terminal
