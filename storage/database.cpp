#include "storage/database.hpp"

#include <iterator>

namespace shoal::storage {

void write_batch::put(std::string key, std::string value) {
  bytes_ += key.size() + value.size();
  rows_.push_back({std::move(key), std::move(value), false});
}

void write_batch::erase(std::string key) {
  bytes_ += key.size();
  rows_.push_back({std::move(key), {}, true});
}

void write_batch::append(write_batch&& other) {
  if (rows_.empty())
    rows_.swap(other.rows_);
  else
    rows_.insert(rows_.end(), std::make_move_iterator(other.rows_.begin()),
        std::make_move_iterator(other.rows_.end()));
  bytes_ += other.bytes_;
  other.rows_.clear();
  other.bytes_ = 0;
}

std::string prefix_end(std::string_view prefix) {
  auto end = std::string{prefix};
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff)
    end.pop_back();
  if (!end.empty())
    end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

} // namespace shoal::storage
