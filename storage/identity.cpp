#include "storage/identity.hpp"

#include <algorithm>
#include <random>

#include "storage/keys.hpp"
#include "storage/record_bytes.hpp"

namespace shoal::storage {

namespace {

std::uint64_t random_id() {
  auto source = std::random_device{};
  return (static_cast<std::uint64_t>(source()) << 32) | source();
}

std::uint64_t epoch_at(std::int64_t now_s) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now_s, 1));
}

ec save(database& db, const store_identity& x) {
  auto key = identity_key("store");
  auto value = record_writer{24}.number(x.store_id).number(x.epoch).seal(key);
  auto batch = write_batch{};
  batch.put(std::move(key), std::move(value));
  return db.write(batch, true);
}

/// `none` with `out` all zero if there is no identity yet.
ec load(database& db, store_identity& out) {
  out = {};
  auto key = identity_key("store");
  auto value = std::string{};
  switch (db.get(key, value)) {
  case lookup::found:
    break;
  case lookup::missing:
    return ec::none;
  default:
    return ec::storage_failed;
  }
  auto in = record_reader{value, key};
  auto ok = in.number(out.store_id) && in.number(out.epoch) && in.done() && out.epoch != 0;
  return ok ? ec::none : ec::quarantined;
}

} // namespace

ec open_identity(database& db, std::int64_t now_s, store_identity& out) {
  if (auto code = load(db, out); code != ec::none || out.epoch != 0)
    return code;
  out = {random_id(), epoch_at(now_s)};
  return save(db, out);
}

ec new_epoch(database& db, std::int64_t now_s, store_identity& out) {
  if (auto code = open_identity(db, now_s, out); code != ec::none)
    return code;
  out.epoch = std::max(epoch_at(now_s), out.epoch + 1);
  return save(db, out);
}

bool is_enlisted(database& db) {
  auto value = std::string{};
  return db.get(identity_key("enlisted"), value) == lookup::found;
}

ec set_enlisted(database& db) {
  auto batch = write_batch{};
  batch.put(identity_key("enlisted"), "yes");
  return db.write(batch, true);
}

} // namespace shoal::storage
