#include "actors/gateway/response_cache.hpp"

#include <algorithm>

#include "actors/gateway/header_rules.hpp"

namespace shoal::gateway {
namespace {

/// One caller sets out to refresh; if nothing comes of it, another may try after this long.
constexpr std::int64_t refresh_patience_ms = 5000;

std::size_t bytes_of(const std::string& key, const answer& x) {
  auto sum = sizeof(answer) + 2 * key.size() + x.what.result_data.size() + 256;
  for (auto& [name, value] : x.headers)
    sum += name.size() + value.size() + 64;
  return sum;
}

std::string_view proven_or(
    std::string_view claimed, const header_list& principal, std::string_view name) {
  auto said = header_of(principal, name);
  return said.empty() ? claimed : said;
}

std::string_view part_of(const call& x, const header_list& principal, std::string_view name) {
  if (name == "body")
    return x.what.data;
  if (name == "user")
    return proven_or(x.what.user, principal, "UserId");
  if (name == "device")
    return proven_or(x.what.device, principal, "Did");
  if (name == "query")
    return x.query;
  if (name.starts_with("query."))
    return query_value(x.query, name.substr(6));
  if (name.starts_with("header."))
    return proven_or(header_of(x.headers, name.substr(7)), principal, name.substr(7));
  return {};
}

} // namespace

response_cache::found response_cache::find(
    const std::string& key, const cache_rule& by, std::int64_t now_ms) {
  auto kept = by_key_.find(key);
  if (kept == by_key_.end())
    return {};
  auto x = kept->second;
  auto age = now_ms - x->made_ms;
  if (age < 0 || age >= std::int64_t{by.ttl_ms} + by.stale_ms) {
    drop(x);
    return {};
  }
  entries_.splice(entries_.begin(), entries_, x);
  if (age < by.ttl_ms)
    return {outcome::hit, x->kept};
  if (now_ms - x->refreshed_ms < refresh_patience_ms)
    return {outcome::hit, x->kept};
  x->refreshed_ms = now_ms;
  return {outcome::refresh, x->kept};
}

void response_cache::keep(
    const std::string& key, const cache_rule& by, const answer& x, std::int64_t now_ms) {
  if (x.what.code != mgw::result::success || x.what.result_data.size() > by.max_bytes ||
      !header_of(x.headers, "Set-Cookie").empty() || (x.status != 200 && x.status != 203))
    return;
  if (auto old = by_key_.find(key); old != by_key_.end())
    drop(old->second);
  auto size = bytes_of(key, x);
  if (size > capacity_)
    return;
  while (bytes_ + size > capacity_)
    drop(std::prev(entries_.end()));
  entries_.push_front(
      {key, std::make_shared<const answer>(x), size, now_ms, now_ms - refresh_patience_ms});
  by_key_.emplace(key, entries_.begin());
  bytes_ += size;
}

void response_cache::drop(place x) {
  bytes_ -= x->bytes;
  by_key_.erase(x->key);
  entries_.erase(x);
}

std::string cache_key(const call& x, const api_definition& of, const header_list& principal) {
  auto out = std::to_string(of.id) + "." + std::to_string(of.version) + "@" + x.what.app + "@" +
             x.what.workspace + (x.is_rest() ? x.method + x.path : std::string{});
  out += static_cast<char>('0' + static_cast<int>(x.what.version));
  out += x.proven ? 'p' : 'c'; // what only somebody proven may see is not for who claims to be him
  auto add = [&](std::string_view part) {
    out.append("\n").append(std::to_string(part.size())).append(":").append(part);
  };
  if (of.cache.key.empty()) {
    add(x.what.data);
    add(x.query);
    add(part_of(x, principal, "user"));
  }
  for (auto& name : of.cache.key)
    add(part_of(x, principal, name));
  return out;
}

} // namespace shoal::gateway
