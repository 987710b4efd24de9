#include "storage/lost_records.hpp"

#include "storage/keys.hpp"

namespace shoal::storage {

namespace {

std::string row_key() { return identity_key("lost"); }

} // namespace

std::string lost_records(database& db) {
  auto value = std::string{};
  switch (db.get(row_key(), value)) {
  case lookup::found:
    return value;
  case lookup::missing:
    return {};
  default:
    return "whether records were lost cannot be read";
  }
}

ec set_lost_records(database& db, const std::string& what) {
  auto batch = write_batch{};
  batch.put(row_key(), what);
  return db.write(batch, true);
}

ec forget_lost_records(database& db) {
  auto batch = write_batch{};
  batch.erase(row_key());
  return db.write(batch, true);
}

} // namespace shoal::storage
