#include "cluster/partition_table.hpp"

#include <algorithm>

namespace shoal::cluster {

partition_table::partition_table(std::uint16_t count) : views_(std::max<std::uint16_t>(count, 1)) {}

partition_no partition_table::partition_for(app_no app, const principal& who) const {
  return partition_of(app, who, size());
}

const view& partition_table::at(partition_no p) const {
  static const auto none = view{};
  return raw(p) < views_.size() ? views_[raw(p)] : none;
}

const view& partition_table::view_for(app_no app, const principal& who) const {
  return at(partition_for(app, who));
}

bool partition_table::learn(partition_no p, view x) {
  if (raw(p) >= views_.size() || x.epoch <= views_[raw(p)].epoch)
    return false;
  views_[raw(p)] = std::move(x);
  return true;
}

std::vector<partition_no> partition_table::led_by(std::string_view node) const {
  auto out = std::vector<partition_no>{};
  for (std::uint16_t i = 0; i < size(); ++i)
    if (views_[i].epoch != 0 && views_[i].leader == node)
      out.push_back(static_cast<partition_no>(i));
  return out;
}

} // namespace shoal::cluster
