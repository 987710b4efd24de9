#include "cluster/config.hpp"

#include <algorithm>
#include <fstream>
#include <limits> // cpptoml forgets it
#include <numeric>
#include <sstream>
#include <utility>
#include <vector>

#include <cpptoml.h>

#include "cluster/config_options.hpp"

namespace shoal::cluster {

namespace {

constexpr std::size_t max_file_size = 1u << 20;
// The parser recurses per bracket. All are counted: which of them nest, only a parser knows.
constexpr std::ptrdiff_t max_brackets = 500;

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

/// The parser keeps no lines. Finds the plain forms `[section]` and `key = …`; 0 if there is none.
std::size_t line_of(const source& in, std::string_view section, std::string_view key) {
  auto current = std::string_view{};
  auto rest = in.text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    auto line = trimmed(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(
        std::min(rest.size(), rest.find('\n') == rest.npos ? rest.size() : rest.find('\n') + 1));
    if (line.starts_with('[')) {
      current = trimmed(line.substr(1, std::min(line.find(']'), line.size()) - 1));
      if (key.empty() && current == section)
        return number;
    } else if (!key.empty() && current == section &&
               trimmed(line.substr(0, line.find('='))) == key) {
      return number;
    }
  }
  return 0;
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

constexpr std::size_t longest_name = 64; // of what is compared: bounds the work

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
  auto defaults = config{};
  for_each_option(defaults, [&](const option_info& x, auto&) {
    if (key.empty())
      offer(distance(section, x.section), '[' + std::string{x.section} + ']');
    else if (x.section == section)
      offer(distance(key, x.key), std::string{x.key});
    else if (x.key == key)
      offer(1, std::string{x.key} + " in [" + std::string{x.section} + ']');
  });
  return out;
}

bool is_known(std::string_view section, std::string_view key) {
  auto found = false;
  auto defaults = config{};
  for_each_option(defaults, [&](const option_info& x, auto&) {
    found = found || (x.section == section && (key.empty() || x.key == key));
  });
  return found;
}

void check_names(const source& in, const cpptoml::table& root) {
  for (const auto& [section, value] : root) {
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

std::string expectation(const option_info& x) {
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

bool read(const cpptoml::base& value, const option_info& x, std::string& field) {
  auto text = value.as<std::string>();
  if (!text || (text->get().empty() && !x.may_be_empty))
    return false;
  // A NUL would cut paths and names short further down.
  if (text->get().find('\0') != std::string::npos)
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

/// What one option alone cannot tell.
void check_together(const std::string& file, const config& x) {
  const auto& l = x.limits;
  if (l.heartbeat_min_s > l.heartbeat_default_s || l.heartbeat_default_s > l.heartbeat_max_s)
    refuse(file, 0,
        "[limits] heartbeat_min_s, heartbeat_default_s and heartbeat_max_s must be in this order");
  if (x.listen.certificate.empty() != x.listen.key.empty())
    refuse(file, 0, "[listen] certificate and key must be given together");
}

std::shared_ptr<cpptoml::table> parse_toml(const source& in) {
  if (in.text.size() > max_file_size)
    refuse(in.file, 0, "larger than 1 MiB, which no configuration is");
  auto opened =
      std::count_if(in.text.begin(), in.text.end(), [](char c) { return c == '[' || c == '{'; });
  if (opened > max_brackets)
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

template <class T>
std::string printed(T x) {
  return std::to_string(x);
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
          '[' + std::string{x.section} + "] " + key + " must be " + expectation(x));
  });
  check_together(file, out);
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
    out += "# " + expectation(info) + "; default " + *next++ + '\n';
    out += std::string{info.key} + " = " + printed(field) + '\n';
  });
  return out;
}

} // namespace shoal::cluster
