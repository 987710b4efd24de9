// Pages of one global stream, shared by everyone who catches up. Pure.
//
// A page is a batch covering (after, upto]; pages never overlap, except that a newer one may start
// inside an older one's end. Least recently used pages go first when `max_bytes` is exceeded. Live
// batches are pages too, so devices that are only a little behind never cause a read.
#pragma once

#include <cstdint>
#include <list>
#include <map>

#include "actors/messages.hpp"

namespace shoal {

class page_cache {
public:
  explicit page_cache(std::size_t max_bytes) : max_bytes_{max_bytes} {}

  void put(op_batch_ptr page);

  /// The page that contains the id after `after`; null if none does.
  op_batch_ptr find(std::uint64_t after);

  /// Where to start reading so that the answer can be shared: devices at different places inside
  /// the same `page_ops` ids ask for the same page.
  std::uint64_t start_for(std::uint64_t after, std::uint32_t page_ops) const;

  std::size_t bytes() const { return bytes_; }
  std::size_t pages() const { return pages_.size(); }

private:
  struct entry {
    op_batch_ptr page;
    std::size_t bytes;
    std::list<std::uint64_t>::iterator place;
  };

  void erase(std::map<std::uint64_t, entry>::iterator i);

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::map<std::uint64_t, entry> pages_; ///< by `after`
  std::list<std::uint64_t> order_;       ///< most recently used first
};

} // namespace shoal
