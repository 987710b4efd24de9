#include "actors/gateway/accepted.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>

#include "actors/gateway/content_type.hpp"

namespace shoal::gateway {
namespace {

using mgw::data_format;

std::string_view trimmed(std::string_view x) {
  constexpr auto blank = std::string_view{" \t"};
  auto begin = std::min(x.find_first_not_of(blank), x.size());
  x.remove_prefix(begin);
  return x.substr(0, x.find_last_not_of(blank) + 1); // npos + 1 is 0
}

/// 0, 1, or either with up to three digits behind a point.
std::optional<unsigned> weight(std::string_view x) {
  if (x.empty() || x.size() > 5 || (x[0] != '0' && x[0] != '1') || (x.size() > 1 && x[1] != '.'))
    return {};
  auto out = x[0] == '1' ? accepted::most : 0u;
  auto digit = accepted::most / 10;
  for (auto c : x.substr(std::min<std::size_t>(2, x.size()))) {
    if (c < '0' || c > '9')
      return {};
    out += static_cast<unsigned>(c - '0') * digit;
    digit /= 10;
  }
  return std::min(out, accepted::most);
}

unsigned weight_in(std::string_view parameters) {
  while (!parameters.empty()) {
    auto one = parameters.substr(0, parameters.find(';'));
    parameters.remove_prefix(std::min(parameters.size(), one.size() + 1));
    one = trimmed(one);
    if (one.starts_with("q=") || one.starts_with("Q="))
      return weight(one.substr(2)).value_or(accepted::most);
  }
  return accepted::most;
}

/// How a list speaks of one thing.
struct mention {
  std::optional<unsigned> weight; ///< nothing: not named
  std::size_t place = 0;

  void hear(const accepted& x, std::size_t at) {
    if (weight && *weight >= x.weight)
      return;
    weight = x.weight;
    place = at;
  }
};

/// Refused is less than not mentioned.
int rank(const mention& x, const mention& range) {
  if (x.weight)
    return *x.weight == 0 ? -1 : static_cast<int>(*x.weight);
  return static_cast<int>(range.weight.value_or(0));
}

} // namespace

bool next_accepted(std::string_view& list, accepted& out) {
  while (!list.empty()) {
    auto part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), part.size() + 1));
    auto end = std::min(part.find(';'), part.size());
    out.name = trimmed(part.substr(0, end));
    if (out.name.empty())
      continue;
    out.weight = weight_in(part.substr(std::min(part.size(), end + 1)));
    return true;
  }
  return false;
}

std::vector<accepted> ranked(std::string_view list) {
  constexpr std::size_t most_elements = 32;
  auto out = std::vector<accepted>{};
  auto x = accepted{};
  for (auto i = std::size_t{0}; i < most_elements && next_accepted(list, x); ++i)
    if (x.weight != 0)
      out.push_back(x);
  std::ranges::stable_sort(out, std::ranges::greater{}, &accepted::weight);
  return out;
}

data_format preferred_format(std::string_view accept) {
  auto json = mention{}, protobuf = mention{}, near = mention{}, far = mention{};
  auto place = std::size_t{0};
  for (auto x = accepted{}; next_accepted(accept, x); ++place) {
    if (auto format = format_of(x.name); format != data_format::other)
      (format == data_format::json ? json : protobuf).hear(x, place);
    else if (http::same_name(x.name, "application/*"))
      near.hear(x, place);
    else if (x.name == "*/*")
      far.hear(x, place);
  }
  if (!json.weight && !protobuf.weight)
    return data_format::other;
  auto& range = near.weight ? near : far;
  auto for_json = rank(json, range), for_protobuf = rank(protobuf, range);
  if (for_json != for_protobuf)
    return for_json > for_protobuf ? data_format::json : data_format::protobuf;
  if (for_json < 0)
    return data_format::other;
  if (json.weight && protobuf.weight)
    return json.place < protobuf.place ? data_format::json : data_format::protobuf;
  return json.weight ? data_format::json : data_format::protobuf;
}

bool takes_gzip(std::string_view accepted_encodings) {
  auto gzip = mention{}, plain = mention{}, any = mention{};
  for (auto x = accepted{}; next_accepted(accepted_encodings, x);) {
    if (http::same_name(x.name, "gzip") || http::same_name(x.name, "x-gzip"))
      gzip.hear(x, 0);
    else if (http::same_name(x.name, "identity"))
      plain.hear(x, 0);
    else if (x.name == "*")
      any.hear(x, 0);
  }
  auto weight = gzip.weight ? *gzip.weight : any.weight.value_or(0);
  return weight > 0 && weight >= plain.weight.value_or(0);
}

} // namespace shoal::gateway
