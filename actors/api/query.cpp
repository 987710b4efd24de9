#include "actors/api/query.hpp"

#include <algorithm>
#include <charconv>

#include "actors/api/near_miss.hpp"
#include "actors/api/refusal.hpp"
#include "protocol/percent.hpp"

namespace shoal::api {

namespace {

std::string decoded(std::string_view text) {
  if (auto out = form_decoded(text))
    return *std::move(out);
  throw refusal{ec::invalid_argument, "the query has a '%' that is not followed by two hex digits"};
}

void refuse_unknown(std::string_view name, std::string_view known) {
  auto nearest = near_miss{name};
  while (!known.empty()) {
    auto one = known.substr(0, known.find(' '));
    known.remove_prefix(std::min(known.size(), one.size() + 1));
    if (one == name)
      return;
    nearest.look_at(one);
  }
  throw refusal{ec::invalid_argument,
      std::string{name.substr(0, 64)}.append(": unknown query parameter").append(nearest.hint())};
}

} // namespace

query::query(std::string_view text, std::string_view known) {
  while (!text.empty()) {
    auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    auto split = pair.find('=');
    auto name = decoded(pair.substr(0, split));
    auto value = split == std::string_view::npos ? "" : decoded(pair.substr(split + 1));
    refuse_unknown(name, known);
    if (!values_.emplace(name, std::move(value)).second)
      throw refusal{ec::invalid_argument, name + ": given twice"};
  }
}

const std::string& query::text(std::string_view name) const {
  static const std::string nothing;
  auto i = values_.find(name);
  return i == values_.end() ? nothing : i->second;
}

std::uint64_t query::number(
    std::string_view name, std::uint64_t otherwise, std::uint64_t max) const {
  const auto& given = text(name);
  if (given.empty())
    return otherwise;
  auto out = std::uint64_t{0};
  auto [end, err] = std::from_chars(given.data(), given.data() + given.size(), out);
  if (err != std::errc{} || end != given.data() + given.size() || out > max)
    throw refusal{ec::invalid_argument,
        std::string{name}.append(": must be an integer from 0 to ").append(std::to_string(max))};
  return out;
}

std::uint32_t query::limit(std::uint32_t otherwise, std::uint32_t max) const {
  return std::max(1u, static_cast<std::uint32_t>(number("limit", otherwise, max)));
}

} // namespace shoal::api
