#include "actors/api/near_miss.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace shoal::api {

namespace {

constexpr std::size_t longest = 64;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (auto i = std::size_t{1}; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (auto j = std::size_t{1}; j <= b.size(); ++j) {
      auto above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

} // namespace

void near_miss::look_at(std::string_view known) {
  if (given_.size() > longest)
    return;
  auto distance = edit_distance(given_, known);
  if (distance >= distance_)
    return;
  distance_ = distance;
  nearest_ = known;
}

std::string near_miss::hint() const {
  if (nearest_.empty())
    return {};
  return std::string{", did you mean \""}.append(nearest_).append("\"?");
}

} // namespace shoal::api
