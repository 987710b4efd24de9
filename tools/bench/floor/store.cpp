#include "tools/bench/floor/store.hpp"

#include <memory>
#include <stdexcept>

#include <rocksdb/db.h>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

void check(const rocksdb::Status& x) {
  if (!x.ok())
    throw std::runtime_error{"RocksDB: " + x.ToString()};
}

} // namespace

double synced_rows_per_second(
    const std::string& folder, std::size_t ops, std::size_t batch, std::size_t payload) {
  auto settings = rocksdb::Options{};
  settings.create_if_missing = true;
  rocksdb::DB* raw = nullptr;
  check(rocksdb::DB::Open(settings, folder + "/rows", &raw));
  auto db = std::unique_ptr<rocksdb::DB>{raw};
  auto synced = rocksdb::WriteOptions{};
  synced.sync = true;
  auto value = std::string(payload, 'x');
  auto begin = now_ns();
  for (auto done = std::size_t{0}; done < ops;) {
    auto rows = rocksdb::WriteBatch{};
    for (auto i = std::size_t{0}; i < batch && done < ops; ++i, ++done)
      rows.Put(numbered("row", 10'000'000 + done), value);
    check(db->Write(synced, &rows));
  }
  return static_cast<double>(ops) / seconds_of(now_ns() - begin);
}

double open_milliseconds(const std::string& folder) {
  auto begin = now_ns();
  auto families = std::vector<std::string>{};
  check(rocksdb::DB::ListColumnFamilies({}, folder, &families));
  auto descriptors = std::vector<rocksdb::ColumnFamilyDescriptor>{};
  for (auto& x : families)
    descriptors.emplace_back(x, rocksdb::ColumnFamilyOptions{});
  auto handles = std::vector<rocksdb::ColumnFamilyHandle*>{};
  rocksdb::DB* raw = nullptr;
  check(rocksdb::DB::OpenForReadOnly({}, folder, descriptors, &handles, &raw));
  auto db = std::unique_ptr<rocksdb::DB>{raw};
  auto rows = std::unique_ptr<rocksdb::Iterator>{db->NewIterator({})};
  rows->SeekToLast();
  auto result = seconds_of(now_ns() - begin) * 1000;
  rows.reset();
  for (auto* x : handles)
    db->DestroyColumnFamilyHandle(x);
  return result;
}

} // namespace shoal::bench
