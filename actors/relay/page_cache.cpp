#include "actors/relay/page_cache.hpp"

#include <algorithm>

namespace shoal {

namespace {

/// Two frames of an op may be encoded and kept beside the op itself; the rest is bookkeeping.
std::size_t cost_of(const op_batch& page) {
  return 2 * page.payload_bytes() + page.ops.size() * 200 + 200;
}

} // namespace

void page_cache::erase(std::map<std::uint64_t, entry>::iterator i) {
  bytes_ -= i->second.bytes;
  order_.erase(i->second.place);
  pages_.erase(i);
}

void page_cache::put(op_batch_ptr page) {
  if (page->upto <= page->after)
    return;
  if (auto i = pages_.find(page->after); i != pages_.end()) {
    if (i->second.page->upto >= page->upto)
      return;
    erase(i);
  }
  auto cost = cost_of(*page);
  auto after = page->after;
  order_.push_front(after);
  pages_.emplace(after, entry{std::move(page), cost, order_.begin()});
  bytes_ += cost;
  while (bytes_ > max_bytes_ && pages_.size() > 1)
    erase(pages_.find(order_.back()));
}

op_batch_ptr page_cache::find(std::uint64_t after) {
  auto i = pages_.upper_bound(after);
  if (i == pages_.begin())
    return nullptr;
  --i;
  if (i->second.page->upto <= after)
    return nullptr;
  order_.splice(order_.begin(), order_, i->second.place);
  return i->second.page;
}

std::uint64_t page_cache::start_for(std::uint64_t after, std::uint32_t page_ops) const {
  auto aligned = after - after % page_ops;
  auto i = pages_.upper_bound(after);
  if (i == pages_.begin())
    return aligned;
  return std::max(aligned, std::min(std::prev(i)->second.page->upto, after));
}

} // namespace shoal
