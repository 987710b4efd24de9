#include "cluster/meta_values.hpp"

#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "cluster/view_rules.hpp"

namespace shoal::cluster {

namespace {

using nlohmann::json;

/// JSON numbers are signed, or rounded, in many a reader: counters that may be large are text.
std::string hex(std::uint64_t x) {
  constexpr auto digits = std::string_view{"0123456789abcdef"};
  auto out = std::string(16, '0');
  for (auto i = out.rbegin(); i != out.rend(); ++i, x >>= 4)
    *i = digits[x & 15];
  return out;
}

std::uint64_t from_hex(const std::string& text) {
  constexpr auto digits = std::string_view{"0123456789abcdef"};
  auto out = std::uint64_t{0};
  for (auto c : text)
    out = out << 4 | (digits.find(c) & 15);
  if (hex(out) != text)
    throw std::invalid_argument{"not 16 hexadecimal digits"};
  return out;
}

/// The conversions of the library turn -1 and 1.5 into whole numbers.
template <class T>
void take(const json& from, const char* field, T& out) {
  const auto& value = from.at(field);
  if constexpr (std::is_same_v<T, bool>) {
    out = value.get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    if (!value.is_number_unsigned() || !std::in_range<T>(value.get<std::uint64_t>()))
      throw std::invalid_argument{"out of range"};
    out = value.get<T>();
  } else {
    value.get_to(out);
  }
}

template <class T>
void take_if_there(const json& from, const char* field, T& out) {
  if (from.contains(field))
    take(from, field, out);
}

/// `read` throws whatever it likes, or returns false.
template <class T, class Read>
bool parsed(std::string_view text, T& out, Read read) {
  out = {};
  try {
    if (read(json::parse(text)))
      return true;
  } catch (const std::exception&) {
    // what it was helps nobody who did not write the text by hand
  }
  out = {};
  return false;
}

node_state state_of(const std::string& text) {
  for (auto x : {node_state::up, node_state::draining, node_state::removed})
    if (text == to_string(x))
      return x;
  throw std::invalid_argument{"no such state"};
}

} // namespace

const char* to_string(node_state x) {
  switch (x) {
  case node_state::up:
    return "up";
  case node_state::draining:
    return "draining";
  case node_state::removed:
    return "removed";
  }
  return "unknown";
}

std::string to_text(const view& x) {
  auto out = json{{"epoch", x.epoch}, {"leader", x.leader}, {"replicas", x.replicas}};
  if (!x.previous.empty())
    out["previous"] = x.previous;
  return out.dump();
}

std::string to_text(const node_info& x) {
  return json{{"version", x.version}, {"name", x.name}, {"address", x.address}, {"link", x.link},
      {"admin", x.admin}, {"incarnation", hex(x.incarnation)}, {"state", to_string(x.state)},
      {"down", x.down}, {"disk", hex(x.disk)}}
      .dump();
}

std::string to_text(const controller_record& x) {
  return json{{"term", x.term}, {"beat", x.beat}, {"node", x.node},
      {"incarnation", hex(x.incarnation)}, {"ttl_ms", x.ttl_ms}}
      .dump();
}

std::string to_text(const cluster_identity& x) {
  return json{{"name", x.name}, {"partitions", x.partitions}, {"id", x.id}}.dump();
}

bool from_text(std::string_view text, view& out) {
  return parsed(text, out, [&](const json& x) {
    take(x, "epoch", out.epoch);
    take(x, "leader", out.leader);
    take(x, "replicas", out.replicas);
    take_if_there(x, "previous", out.previous);
    return wrong_with(out).empty();
  });
}

bool from_text(std::string_view text, node_info& out) {
  return parsed(text, out, [&](const json& x) {
    take(x, "version", out.version);
    take(x, "name", out.name);
    take_if_there(x, "address", out.address);
    take_if_there(x, "link", out.link);
    take_if_there(x, "admin", out.admin);
    take_if_there(x, "down", out.down);
    if (x.contains("incarnation"))
      out.incarnation = from_hex(x.at("incarnation").get<std::string>());
    if (x.contains("disk"))
      out.disk = from_hex(x.at("disk").get<std::string>());
    if (x.contains("state"))
      out.state = state_of(x.at("state").get<std::string>());
    return out.version != 0;
  });
}

bool from_text(std::string_view text, controller_record& out) {
  return parsed(text, out, [&](const json& x) {
    take(x, "term", out.term);
    take(x, "beat", out.beat);
    take(x, "node", out.node);
    take(x, "ttl_ms", out.ttl_ms);
    out.incarnation = from_hex(x.at("incarnation").get<std::string>());
    return out.term != 0;
  });
}

bool from_text(std::string_view text, cluster_identity& out) {
  return parsed(text, out, [&](const json& x) {
    take(x, "name", out.name);
    take(x, "partitions", out.partitions);
    take(x, "id", out.id);
    return out.partitions != 0;
  });
}

} // namespace shoal::cluster
