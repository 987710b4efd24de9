#include "storage/rocks_layout.hpp"

#include <algorithm>

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

namespace shoal::storage {

namespace {

/// Files that RocksDB may hold open. A process here has 20,000 descriptors and wants 18,000 of them
/// for sockets; with 64 MiB per file this still keeps the filters of 64 GiB in memory.
constexpr int max_open_files = 1024;

// Where the family changes along the order of keys. Everything between is `rows`.
constexpr std::string_view entries_begin = "E"; // written and read like ops
constexpr std::string_view entries_end = "F";
constexpr std::string_view idempotency_begin = "I";
constexpr std::string_view idempotency_end = "J";
constexpr std::string_view ops_begin = "O";
constexpr std::string_view ops_end = "P";

rocksdb::CompressionType best_of(std::initializer_list<rocksdb::CompressionType> wanted) {
  auto have = rocksdb::GetSupportedCompressions();
  for (auto x : wanted)
    if (std::find(have.begin(), have.end(), x) != have.end())
      return x;
  return rocksdb::kNoCompression;
}

/// Everything but the last bytes of a key. The memtable remembers per group where it inserted last
/// and starts from there, which makes the next op of a stream, or the next version of a row, an
/// insert without a search.
class insert_group : public rocksdb::SliceTransform {
public:
  explicit insert_group(std::size_t tail) : tail_{tail} {}

  const char* Name() const override { return "shoal.insert_group"; }
  bool InDomain(const rocksdb::Slice& key) const override { return key.size() > tail_; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), key.size() - tail_};
  }

private:
  std::size_t tail_;
};

struct family_shape {
  const char* name;
  double filter_bits;
  std::size_t block_bytes;
  std::shared_ptr<const rocksdb::SliceTransform> inserts;
};

// A false positive of the filter of `idempotency` costs the accepting actor a trip to a reader
// thread, so its filter is sharper: 14 bits, about 1 in 1,000.
const std::array<family_shape, family_count> shapes = {{
    {"default", 10, 4096, std::make_shared<insert_group>(0)},
    {"ops", 10, 16384, std::make_shared<insert_group>(sizeof(std::uint64_t))},
    {"idempotency", 14, 4096, nullptr},
}};

rocksdb::ColumnFamilyOptions family_options(const family_shape& shape, const rocks_options& options,
    const std::shared_ptr<rocksdb::Cache>& cache) {
  auto table = rocksdb::BlockBasedTableOptions{};
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(shape.filter_bits));
  table.block_size = shape.block_bytes;
  table.format_version = 5;
  // Index and filter stay with the open table, outside the cache: a scan cannot push them out, so
  // `try_get` of a missing key is answered from memory.
  table.cache_index_and_filter_blocks = false;

  auto out = rocksdb::ColumnFamilyOptions{};
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  out.write_buffer_size = options.memtable_bytes;
  out.max_write_buffer_number = 3;
  out.memtable_insert_with_hint_prefix_extractor = shape.inserts;
  out.memtable_whole_key_filtering = true;
  out.memtable_prefix_bloom_size_ratio = 0.02;
  out.compression = best_of({rocksdb::kLZ4Compression, rocksdb::kSnappyCompression});
  out.bottommost_compression = best_of({rocksdb::kZSTD, rocksdb::kLZ4Compression});
  out.level_compaction_dynamic_level_bytes = true;
  out.target_file_size_base = 64u << 20;
  out.max_bytes_for_level_base = 256u << 20;
  return out;
}

} // namespace

family family_of(std::string_view key) {
  if (key.starts_with(ops_begin) || key.starts_with(entries_begin))
    return family::ops;
  return key.starts_with(idempotency_begin) ? family::idempotency : family::rows;
}

std::vector<scan_part> split_by_family(std::string_view from, std::string_view to) {
  constexpr auto stretches = std::array<scan_part, 7>{{
      {family::rows, "", entries_begin},
      {family::ops, entries_begin, entries_end},
      {family::rows, entries_end, idempotency_begin},
      {family::idempotency, idempotency_begin, idempotency_end},
      {family::rows, idempotency_end, ops_begin},
      {family::ops, ops_begin, ops_end},
      {family::rows, ops_end, ""},
  }};
  auto out = std::vector<scan_part>{};
  for (auto part : stretches) {
    part.from = std::max(part.from, from);
    if (part.to.empty() || (!to.empty() && to < part.to))
      part.to = to;
    if (part.to.empty() || part.from < part.to)
      out.push_back(part);
  }
  return out;
}

rocksdb::DBOptions engine_options(const rocks_options& options) {
  auto out = rocksdb::DBOptions{};
  out.create_if_missing = true;
  out.create_missing_column_families = true;
  out.paranoid_checks = true;
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  out.max_open_files = max_open_files;
  out.max_background_jobs = 2;
  // What a start after a crash has to read again, over all families.
  out.db_write_buffer_size = 2 * options.memtable_bytes;
  out.max_total_wal_size = 2 * options.memtable_bytes;
  // One writer thread: inserting into the memtable without compare-and-swap is cheaper.
  out.allow_concurrent_memtable_write = false;
  out.enable_pipelined_write = false;
  out.bytes_per_sync = 1u << 20;
  // Reading every table's properties at the start would make it grow with the data.
  out.skip_stats_update_on_db_open = true;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  out.info_log_level = rocksdb::WARN_LEVEL;
  return out;
}

std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(const rocks_options& options) {
  auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  auto out = std::vector<rocksdb::ColumnFamilyDescriptor>{};
  for (const auto& shape : shapes)
    out.emplace_back(shape.name, family_options(shape, options, cache));
  return out;
}

} // namespace shoal::storage
