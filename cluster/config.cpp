#include "cluster/config.hpp"

#include <algorithm>
#include <fstream>
#include <limits> // cpptoml forgets it
#include <numeric>
#include <sstream>
#include <utility>
#include <vector>

#include <cpptoml.h>

#include "cluster/config_nodes.hpp"
#include "cluster/config_options.hpp"

namespace shoal::cluster {

namespace {

constexpr std::size_t max_file_size = 1u << 20;
// The parser recurses per bracket. All are counted: which of them nest, only a parser knows.
constexpr std::size_t max_brackets = 500;
constexpr std::size_t max_nodes = 1000;
constexpr auto nodes_header = std::string_view{"[[nodes]]"};

/// Where messages point to.
struct source {
  std::string_view text;
  const std::string& file;
};

[[noreturn]] void refuse(const std::string& file, std::size_t line, const std::string& what) {
  auto out = file + ": ";
  if (line != 0)
    out += "line " + std::to_string(line) + ": ";
  throw config_error{out + what};
}

std::string_view trimmed(std::string_view x) {
  constexpr auto blank = std::string_view{" \t\r"};
  auto begin = x.find_first_not_of(blank);
  return begin == x.npos ? x.substr(0, 0) : x.substr(begin, x.find_last_not_of(blank) - begin + 1);
}

/// Takes the first line off `rest`.
std::string_view next_line(std::string_view& rest) {
  auto end = rest.find('\n');
  auto line = trimmed(rest.substr(0, end));
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  return line;
}

/// The parser keeps no lines. Finds the plain forms `[section]` and `key = …`; 0 if there is none.
/// `nth` counts the entries of a section that may come again, from 0.
std::size_t line_of(
    const source& in, std::string_view section, std::string_view key, std::size_t nth = 0) {
  auto current = std::string_view{};
  auto rest = in.text;
  auto seen = std::size_t{0};
  for (std::size_t number = 1; !rest.empty(); ++number) {
    auto line = next_line(rest);
    if (line.starts_with('[')) {
      line.remove_prefix(line.starts_with("[[") ? 2 : 1);
      current = trimmed(line.substr(0, line.find(']')));
      seen += current == section ? 1 : 0;
      if (key.empty() && current == section && seen == nth + 1)
        return number;
    } else if (!key.empty() && current == section && (section.empty() || seen == nth + 1) &&
               trimmed(line.substr(0, line.find('='))) == key) {
      return number;
    }
  }
  return 0;
}

/// The line of the option, or else of its section.
std::size_t line_near(
    const source& in, std::string_view section, std::string_view key, std::size_t nth = 0) {
  auto line = line_of(in, section, key, nth);
  return line != 0 ? line : line_of(in, section, {}, nth);
}

/// What one must change to make one text the other: letters inserted, removed or replaced.
std::size_t distance(std::string_view a, std::string_view b) {
  auto row = std::vector<std::size_t>(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, diagonal + 1, replaced});
    }
  }
  return row.back();
}

template <class Visitor>
void for_all_infos(Visitor visit) {
  auto defaults = config{};
  for_each_option(defaults, [&](const option_info& x, auto&) { visit(x); });
  auto entry = config::node_entry{};
  for_each_node_option(entry, [&](const option_info& x, auto&) { visit(x); });
}

constexpr std::size_t longest_name = 64; // of what is compared: bounds the work

std::string header_of(std::string_view section) {
  return section == "nodes" ? std::string{nodes_header} : '[' + std::string{section} + ']';
}

/// ", did you mean …" or nothing. `key` is empty for a section.
std::string suggestion(std::string_view section, std::string_view key) {
  auto best = std::size_t{4};
  auto out = std::string{};
  auto offer = [&](std::size_t far, std::string text) {
    if (far < best) {
      best = far;
      out = ", did you mean " + text + '?';
    }
  };
  if (section.size() > longest_name || key.size() > longest_name)
    return out;
  for_all_infos([&](const option_info& x) {
    if (key.empty())
      offer(distance(section, x.section), header_of(x.section));
    else if (x.section == section)
      offer(distance(key, x.key), std::string{x.key});
    else if (x.key == key)
      offer(1, std::string{x.key} + " in " + header_of(x.section));
  });
  return out;
}

bool is_known(std::string_view section, std::string_view key) {
  auto found = false;
  for_all_infos([&](const option_info& x) {
    found = found || (x.section == section && (key.empty() || x.key == key));
  });
  return found;
}

void check_entry_names(const source& in, const cpptoml::table& entry, std::size_t nth) {
  for (const auto& [key, ignored] : entry)
    if (!is_known("nodes", key))
      refuse(in.file, line_of(in, "nodes", key, nth),
          "unknown option '" + key + "' in [[nodes]]" + suggestion("nodes", key));
}

void check_names(const source& in, const cpptoml::table& root) {
  for (const auto& [section, value] : root) {
    if (section == "nodes") {
      if (!value->is_table_array())
        refuse(in.file, line_of(in, "nodes", {}),
            "nodes must be given as [[nodes]], with two brackets, once per node");
      auto nth = std::size_t{0};
      for (const auto& entry : *value->as_table_array())
        check_entry_names(in, *entry, nth++);
      continue;
    }
    if (!value->is_table()) {
      if (!is_known(section, {}))
        refuse(in.file, line_of(in, {}, section),
            '\'' + section + "' is outside of any section" + suggestion("", section));
      refuse(in.file, 0, '[' + section + "] must be a section");
    }
    if (!is_known(section, {}))
      refuse(in.file, line_of(in, section, {}),
          "unknown section [" + section + ']' + suggestion(section, {}));
    for (const auto& [key, ignored] : *value->as_table())
      if (!is_known(section, key))
        refuse(in.file, line_of(in, section, key),
            "unknown option '" + key + "' in [" + section + ']' + suggestion(section, key));
  }
}

template <class T>
std::string expectation(const option_info& x, const T&) {
  if constexpr (std::is_same_v<T, std::vector<std::string>>)
    return "a list of texts in quotes, like [\"one\", \"two\"]";
  if (x.is_host_port)
    return "host:port in quotes, like \"127.0.0.1:8443\"";
  if (x.max != 0)
    return "a whole number from " + std::to_string(x.min) + " to " + std::to_string(x.max) +
           (x.unit.empty() ? "" : " (" + std::string{x.unit} + ')');
  if (x.choices.size() == 0)
    return x.may_be_empty ? "a text in quotes" : "a text in quotes, not empty";
  auto out = std::string{"one of"};
  for (auto choice : x.choices)
    out += " \"" + std::string{choice} + '"';
  return out;
}

// A NUL would cut paths and names short further down.
bool has_nul(const std::string& x) { return x.find('\0') != std::string::npos; }

bool read(const cpptoml::base& value, const option_info&, std::vector<std::string>& field) {
  const auto* elements = dynamic_cast<const cpptoml::array*>(&value);
  if (elements == nullptr)
    return false;
  auto out = std::vector<std::string>{};
  for (const auto& element : elements->get()) {
    auto text = element->as<std::string>();
    if (!text || text->get().empty() || has_nul(text->get()))
      return false;
    out.push_back(text->get());
  }
  field = std::move(out);
  return true;
}

bool read(const cpptoml::base& value, const option_info& x, std::string& field) {
  auto text = value.as<std::string>();
  if (!text || (text->get().empty() && !x.may_be_empty) || has_nul(text->get()))
    return false;
  auto where = host_port{};
  if (x.is_host_port && !from_string(text->get(), where))
    return false;
  if (x.choices.size() != 0 &&
      std::find(x.choices.begin(), x.choices.end(), text->get()) == x.choices.end())
    return false;
  field = text->get();
  return true;
}

template <class T>
bool read(const cpptoml::base& value, const option_info& x, T& field) {
  auto number = value.as<std::int64_t>();
  if (!number || number->get() < 0)
    return false;
  auto n = static_cast<std::uint64_t>(number->get());
  if (n < x.min || n > x.max)
    return false;
  field = static_cast<T>(n);
  return true;
}

/// Without those of [[nodes]] alone on a line: where they are no header, they are an error and the
/// parser stops.
std::size_t brackets_in(std::string_view text) {
  auto out = std::size_t{0};
  for (auto rest = text; !rest.empty();) {
    auto line = next_line(rest);
    if (line != nodes_header)
      out += static_cast<std::size_t>(
          std::count_if(line.begin(), line.end(), [](char c) { return c == '[' || c == '{'; }));
  }
  return out;
}

std::shared_ptr<cpptoml::table> parse_toml(const source& in) {
  if (in.text.size() > max_file_size)
    refuse(in.file, 0, "larger than 1 MiB, which no configuration is");
  if (brackets_in(in.text) > max_brackets)
    refuse(in.file, 0, "has more brackets than any configuration");
  auto stream = std::istringstream{std::string{in.text}};
  try {
    return cpptoml::parser{stream}.parse();
  } catch (const std::exception& e) {
    refuse(in.file, 0, std::string{"not TOML: "} + e.what());
  }
}

std::string toml_text(std::string_view x) {
  constexpr auto digits = std::string_view{"0123456789abcdef"};
  auto out = std::string{'"'};
  for (auto c : x) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (byte < 0x20 || byte == 0x7f)
      out += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    else
      out += c;
  }
  return out + '"';
}

std::string printed(const std::string& x) { return toml_text(x); }

std::string printed(const std::vector<std::string>& xs) {
  auto out = std::string{"["};
  for (const auto& x : xs)
    out += (out.size() == 1 ? "" : ", ") + toml_text(x);
  return out + ']';
}

template <class T>
std::string printed(T x) {
  return std::to_string(x);
}

/// What a [[nodes]] entry holds, as comments, then the entries.
std::string dump_nodes(const config& x) {
  auto out = std::string{"\n# The nodes of a cluster, one [[nodes]] each, the same list for all of "
                         "them; a node that is alone\n# needs none. Which of them a process is, "
                         "--node tells.\n"};
  auto blank = config::node_entry{};
  for_each_node_option(blank, [&](const option_info& info, const auto& field) {
    out += "#   " + std::string{info.key} + ": " + std::string{info.help} + "\n#     " +
           expectation(info, field) + (info.must_be_given ? "; has no default\n" : "\n");
  });
  for (const auto& entry : x.nodes) {
    out += '\n' + std::string{nodes_header} + '\n';
    for_each_node_option(entry, [&](const option_info& info, const auto& field) {
      out += std::string{info.key} + " = " + printed(field) + '\n';
    });
  }
  return out;
}

config::node_entry read_entry(const source& in, const cpptoml::table& entry, std::size_t nth) {
  if (nth == max_nodes)
    refuse(in.file, 0, "has more than " + std::to_string(max_nodes) + " [[nodes]]");
  auto out = config::node_entry{};
  for_each_node_option(out, [&](const option_info& x, auto& field) {
    auto key = std::string{x.key};
    auto given = entry.contains(key);
    if (given ? !read(*entry.get(key), x, field) : x.must_be_given)
      refuse(in.file, line_near(in, "nodes", key, nth),
          "[[nodes]] number " + std::to_string(nth + 1) + ": " + key + " must be " +
              expectation(x, field));
  });
  return out;
}

} // namespace

config parse_config(std::string_view text, const std::string& file) {
  auto in = source{text, file};
  auto root = parse_toml(in);
  check_names(in, *root);
  auto out = config{};
  for_each_option(out, [&](const option_info& x, auto& field) {
    auto section = root->get_table(std::string{x.section});
    auto key = std::string{x.key};
    if (!section || !section->contains(key))
      return;
    if (!read(*section->get(key), x, field))
      refuse(file, line_of(in, x.section, x.key),
          '[' + std::string{x.section} + "] " + key + " must be " + expectation(x, field));
  });
  if (auto entries = root->get_table_array("nodes"))
    for (const auto& entry : *entries)
      out.nodes.push_back(read_entry(in, *entry, out.nodes.size()));
  if (auto found = inconsistency(out); !found.what.empty())
    refuse(file, line_near(in, found.section, found.key, found.nth), found.what);
  return out;
}

config load_config(const std::string& file) {
  auto in = std::ifstream{file, std::ios::binary};
  if (!in)
    refuse(file, 0, "cannot be read");
  auto text = std::string(max_file_size + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof()))
    refuse(file, 0, "cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse_config(text, file);
}

std::string dump(const config& x) {
  auto out = std::string{"# Configuration of a Shoal node. An option that is not given has the "
                         "value named as default.\n"};
  auto section = std::string_view{};
  auto defaults = std::vector<std::string>{};
  auto standard = config{};
  for_each_option(
      standard, [&](const option_info&, auto& field) { defaults.push_back(printed(field)); });
  auto next = defaults.begin();
  for_each_option(x, [&](const option_info& info, const auto& field) {
    if (info.section != section) {
      section = info.section;
      out += "\n[" + std::string{section} + "]\n";
    }
    out += "# " + std::string{info.help} + '\n';
    out += "# " + expectation(info, field) + "; default " + *next++ + '\n';
    out += std::string{info.key} + " = " + printed(field) + '\n';
  });
  return out + dump_nodes(x);
}

} // namespace shoal::cluster
