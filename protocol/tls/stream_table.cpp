#include "protocol/tls/stream_table.hpp"

#include "protocol/tls/stream_carrier.hpp"

namespace shoal::tls {

stream_table::stream_table() = default;
stream_table::~stream_table() = default;

stream_carrier& stream_table::add(io_loop& loop, h2_driver& on, std::uint32_t stream) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  auto i = free_.back();
  free_.pop_back();
  auto self = target{first_slot + i, slots_[i].generation};
  slots_[i].occupant = std::make_unique<stream_carrier>(loop, self, on, stream);
  return *slots_[i].occupant;
}

stream_carrier* stream_table::find(target x) {
  if (x.slot < first_slot || x.slot - first_slot >= slots_.size())
    return nullptr;
  auto& found = slots_[x.slot - first_slot];
  if (found.generation != x.generation || !found.occupant || found.occupant->is_dead())
    return nullptr;
  return found.occupant.get();
}

void stream_table::list_open(std::vector<target>& out) const {
  for (auto& x : slots_)
    if (x.occupant && x.occupant->is_open())
      out.push_back(x.occupant->self());
}

std::size_t stream_table::sweep() {
  auto n = dead_.size();
  for (auto i : dead_) {
    slots_[i].occupant.reset();
    ++slots_[i].generation;
    free_.push_back(i);
  }
  dead_.clear();
  return n;
}

} // namespace shoal::tls
