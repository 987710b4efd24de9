#include "actors/gateway/etcd_instances.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "actors/gateway/check_words.hpp"
#include "protocol/mgw/json_text.hpp"

namespace shoal::gateway {
namespace {

using nlohmann::json;

constexpr unsigned max_depth = 8; // of a value's JSON; metadata of others may be in it
constexpr std::size_t max_shown_key = 200;

std::string_view trimmed(std::string_view x) {
  constexpr auto blank = std::string_view{" \t\r\n"};
  auto begin = x.find_first_not_of(blank);
  return begin == x.npos ? std::string_view{}
                         : x.substr(begin, x.find_last_not_of(blank) - begin + 1);
}

void take_address(const json& x, const char* field, upstream& out) {
  auto i = x.find(field);
  check::must(i != x.end() && i->is_string(), std::string{field} + " is missing, or no text");
  out.address = i->get<std::string>();
}

void take_weight(const json& x, upstream& out) {
  auto i = x.find("weight");
  if (i == x.end())
    return;
  check::must(i->is_number_unsigned() && i->get<std::uint64_t>() <= 1'000,
      "weight must be a whole number up to 1000");
  out.weight = i->get<std::uint32_t>();
}

void take_tags(const json& x, upstream& out) {
  auto i = x.find("tags");
  if (i == x.end())
    return;
  check::must(i->is_object() && i->size() <= 16, "tags must be an object of at most 16");
  for (auto& [name, value] : i->items()) {
    check::must(
        value.is_string() && name.size() <= 64 && value.get_ref<const std::string&>().size() <= 64,
        "tags must be texts of at most 64 bytes each");
    out.tags.emplace(name, value.get<std::string>());
  }
}

/// Resolvers of gRPC leave {"Op": 0, "Addr": …}; 1 says that it has left.
bool has_left(const json& x) {
  auto op = x.find("Op");
  return x.contains("Addr") && op != x.end() && *op == 1;
}

/// False: it names nobody. Throws check::wrong.
bool take_value(std::string_view value, upstream& out) {
  check::must(value.size() <= max_etcd_value, "longer than 4 KiB");
  auto text = trimmed(value);
  if (text.starts_with('{')) {
    check::must(mgw::is_json(text, max_depth), "no JSON, or nested too deeply");
    auto x = json::parse(text, nullptr, false);
    check::must(x.is_object(), "no JSON object");
    if (has_left(x))
      return false;
    take_address(x, x.contains("Addr") ? "Addr" : "address", out);
    take_weight(x, out);
    take_tags(x, out);
  } else {
    out.address = text;
  }
  check::must(check::valid_address(out.address), "the address must be host:port");
  return true;
}

} // namespace

std::string etcd_prefix_of(std::string_view source) {
  auto out = std::string{source};
  return out.ends_with('/') ? out : out + '/';
}

etcd_sources etcd_sources_of(const registry& x) {
  auto out = etcd_sources{};
  x.each_world([&](const world& in) {
    auto own = std::size_t{0};
    in.groups().each([&](const std::string&, const group_ptr& of) {
      auto& rule = of->set.discovery;
      if (rule.kind != discovery_kind::etcd || of->set.kind == backend_kind::local)
        return;
      auto prefix = etcd_prefix_of(rule.source);
      auto found = out.refresh_s.find(prefix);
      if (found != out.refresh_s.end()) {
        found->second = std::min(found->second, rule.refresh_s);
      } else if (own == max_etcd_prefixes_of_app || out.refresh_s.size() == max_etcd_prefixes) {
        ++out.left_out;
      } else {
        out.refresh_s.emplace(std::move(prefix), rule.refresh_s);
        ++own;
      }
    });
  });
  return out;
}

etcd_instances read_etcd_instances(const std::vector<cluster::stored_value>& values) {
  auto out = etcd_instances{};
  auto seen = std::set<std::string>{};
  auto skip = [&](const std::string& key, std::string_view why) {
    if (out.skipped++ == 0)
      out.first_skipped = key.substr(0, max_shown_key).append(": ").append(why);
  };
  for (auto& value : values) {
    auto x = upstream{};
    try {
      if (!take_value(value.text, x) || !seen.insert(x.address).second)
        continue;
      if (out.instances.size() == max_etcd_instances)
        skip(value.name, "there are 256 instances already");
      else
        out.instances.push_back(std::move(x));
    } catch (const check::wrong& why) {
      skip(value.name, why.sentence);
    }
  }
  return out;
}

} // namespace shoal::gateway
