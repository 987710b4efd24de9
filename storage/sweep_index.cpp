#include "storage/sweep_index.hpp"

#include "storage/keys.hpp"

namespace shoal::storage {

namespace {

/// Tag, partition and hour: what all rows of one hour begin with.
std::string hour_prefix(partition_no p, std::uint32_t hour) {
  auto key = sweep_prefix(p);
  for (auto shift : {24, 16, 8, 0})
    key.push_back(static_cast<char>(hour >> shift));
  return key;
}

} // namespace

void put_sweep(write_batch& out, partition_no p, const due_stream& x) {
  out.put(sweep_key(p, x.hour, x.stream), {}); // the key says everything
}

void erase_sweep(write_batch& out, partition_no p, const due_stream& x) {
  out.erase(sweep_key(p, x.hour, x.stream));
}

ec due_streams(database& db, partition_no p, std::uint32_t hour, std::size_t max, sweep_page& out) {
  out = {};
  return db.scan(sweep_prefix(p), prefix_end(hour_prefix(p, hour)), [&](auto key, auto) {
    if (out.streams.size() + out.damaged.size() >= max) {
      out.more = true;
      return false;
    }
    auto partition = partition_no{};
    auto x = due_stream{};
    if (parse_sweep_key(key, partition, x.hour, x.stream))
      out.streams.push_back(std::move(x));
    else
      out.damaged.emplace_back(key);
    return true;
  });
}

} // namespace shoal::storage
