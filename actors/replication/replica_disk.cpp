#include "actors/replication/replica_disk.hpp"

#include "actors/log.hpp"

namespace shoal {

namespace {

constexpr std::size_t chunk_bytes = 256u << 10;

storage::log_place place(const cluster::log_position& x) { return {x.epoch, x.lsn}; }
cluster::log_position place(const storage::log_place& x) { return {x.epoch, x.lsn}; }

storage::replica_entry entry_of(const cluster::log_record& x) {
  return {{x.epoch, x.lsn}, x.kind == cluster::record_kind::epoch_start, x.payload};
}

} // namespace

std::uint32_t checksum_of(const cluster::log_record& x) {
  std::string head;
  for (auto number : {x.epoch, x.lsn, std::uint64_t{static_cast<std::uint8_t>(x.kind)}})
    for (auto shift = 0; shift < 64; shift += 8)
      head.push_back(static_cast<char>(number >> shift));
  auto crc = storage::crc32c(head);
  return x.payload ? storage::crc32c(*x.payload, crc) : crc;
}

replica_disk::replica_disk(
    storage::database& db, storage::commit_log& log, partition_no partition, disk_events events)
    : db_{db}, log_{log}, partition_{partition}, events_{std::move(events)} {}

ec replica_disk::load(cluster::durable_state& out) {
  waiting_.clear();
  log_.flush();
  storage::replica_start found;
  storage::write_batch cleanup;
  auto code = storage::read_replica(db_, partition_, found, cleanup);
  if (code == ec::none && !found.damaged && found.promise.installing.lsn != 0) {
    code = storage::install_staged(db_, partition_, found.promise);
    if (code == ec::quarantined)
      found.damaged = true; // what was put aside is damaged, too
    else if (code == ec::none)
      code = storage::read_replica(db_, partition_, found, cleanup);
  }
  if (code == ec::none && !cleanup.empty())
    code = db_.write(cleanup, true);
  if (code != ec::none && code != ec::quarantined)
    return code;
  promise_ = found.promise;
  last_ = found.last.lsn;
  for (auto& x : found.sizes) // what is stored has its own head
    x += static_cast<std::uint32_t>(cluster::log_record{}.bytes());
  out = {promise_.epoch, promise_.rejoin, place(promise_.base), {}, std::move(found.sizes), last_,
      std::max(found.applied.lsn, promise_.base.lsn), found.damaged};
  for (auto& run : found.runs)
    out.runs.push_back({run.epoch, run.first});
  return ec::none;
}

// -- writing -------------------------------------------------------------------------------------

void replica_disk::submit(
    storage::write_batch rows, storage::durability when, std::function<void(ec)> done) {
  storage::log_entry entry;
  entry.partition = partition_;
  entry.rows = std::move(rows);
  entry.when = when;
  entry.done = std::move(done);
  waiting_.push_back(std::move(entry));
  retry();
}

void replica_disk::retry() {
  while (!waiting_.empty() && log_.submit(std::move(waiting_.front())))
    waiting_.pop_front();
}

void replica_disk::write(const cluster::log_write& x) {
  if (x.wipe || x.install) {
    events_.persisted(x.ticket, replace_everything(x));
    return;
  }
  storage::write_batch rows;
  if (x.epoch)
    promise_.epoch = *x.epoch;
  if (x.rejoin)
    promise_.rejoin = *x.rejoin;
  if (x.epoch || x.rejoin)
    storage::put_promise(partition_, promise_, rows);
  if (x.truncate_after && *x.truncate_after < last_) {
    storage::erase_entries(partition_, *x.truncate_after + 1, last_, rows);
    last_ = *x.truncate_after;
  }
  for (auto& record : x.records) {
    storage::put_entry(partition_, entry_of(record), rows);
    last_ = record.lsn;
  }
  submit(std::move(rows), storage::durability::synced,
      [tell = events_.persisted, ticket = x.ticket](ec code) { tell(ticket, code); });
}

ec replica_disk::replace_everything(const cluster::log_write& x) {
  log_.flush();
  if (!waiting_.empty())
    return ec::overloaded;
  promise_.epoch = x.epoch.value_or(promise_.epoch);
  promise_.rejoin = x.rejoin.value_or(promise_.rejoin);
  outgoing_.clear();
  receiving_ = 0;
  auto code = ec::none;
  if (x.wipe) {
    promise_.base = {};
    last_ = 0;
    storage::write_batch rows;
    storage::put_promise(partition_, promise_, rows);
    code = db_.write(rows, true); // first: an empty log must not look like one without promises
    if (code == ec::none)
      code = storage::clear_partition(db_, partition_);
    if (code == ec::none)
      code = db_.write({}, true);
  }
  if (code == ec::none && x.install) {
    promise_.installing = place(*x.install);
    code = storage::install_staged(db_, partition_, promise_);
    promise_.base = promise_.installing;
    promise_.installing = {};
    last_ = x.install->lsn;
  }
  if (code == ec::none && !x.records.empty()) {
    storage::write_batch rows;
    for (auto& record : x.records)
      storage::put_entry(partition_, entry_of(record), rows);
    last_ = x.records.back().lsn;
    code = db_.write(rows, true);
  }
  return code;
}

void replica_disk::apply(const std::vector<cluster::log_record>& records) {
  storage::write_batch rows;
  auto last = records.back().position();
  for (auto& record : records)
    if (!storage::apply_entry(partition_, entry_of(record), rows)) {
      log::error("an entry cannot be applied",
          {{"partition", raw(partition_)}, {"at", to_string(record.position())}});
      return events_.applied(record.lsn, ec::quarantined);
    }
  storage::put_applied(partition_, place(last), rows);
  submit(std::move(rows), storage::durability::soon,
      [tell = events_.applied, lsn = last.lsn](ec code) { tell(lsn, code); });
}

void replica_disk::trim(std::uint64_t lsn) {
  std::vector<storage::replica_entry> found;
  if (storage::read_entries(db_, partition_, lsn, 1, found) != ec::none || found.empty())
    return; // the next one will do
  storage::write_batch rows;
  storage::erase_entries(partition_, promise_.base.lsn + 1, lsn, rows);
  promise_.base = found.front().at;
  storage::put_promise(partition_, promise_, rows);
  submit(std::move(rows), storage::durability::lazy, [](ec) {});
}

bool replica_disk::read(std::uint64_t from, std::uint64_t to, std::size_t max_bytes,
    std::vector<cluster::log_record>& out) {
  std::vector<storage::replica_entry> found;
  if (storage::read_entries(db_, partition_, from, max_bytes, found) != ec::none || found.empty())
    return false;
  for (auto& x : found) {
    if (x.at.lsn > to)
      break;
    cluster::log_record record{x.at.epoch, x.at.lsn,
        x.epoch_start ? cluster::record_kind::epoch_start : cluster::record_kind::entry, x.payload,
        0};
    record.crc = checksum_of(record);
    out.push_back(std::move(record));
  }
  return true;
}

// -- checkpoints ---------------------------------------------------------------------------------

cluster::log_position replica_disk::open_checkpoint(std::uint64_t id) {
  auto& x = outgoing_[id];
  x = {};
  x.rows = db_.snapshot();
  storage::log_place at;
  auto key = storage::log_place_key(partition_);
  std::string value;
  if (x.rows->get(key, value) == storage::lookup::found)
    storage::decode(value, key, at);
  return place(at);
}

bool replica_disk::read_chunk(std::uint64_t id, std::uint64_t chunk,
    std::shared_ptr<const std::string>& data, bool& is_last) {
  auto i = outgoing_.find(id);
  if (i == outgoing_.end())
    return false;
  auto& x = i->second;
  if (chunk == x.next && !x.done) {
    std::string bytes;
    auto more = false;
    if (storage::read_chunk(*x.rows, partition_, x.after, chunk_bytes, bytes, more) != ec::none)
      return false;
    x.last = std::make_shared<const std::string>(std::move(bytes));
    x.done = !more;
    ++x.next;
  } else if (chunk + 1 != x.next) {
    return false;
  }
  data = x.last;
  is_last = x.done;
  return true;
}

void replica_disk::close_checkpoint(std::uint64_t id) {
  outgoing_.erase(id);
  if (id == receiving_)
    begin_receiving(0); // what was put aside is worth nothing
}

void replica_disk::begin_receiving(std::uint64_t id) {
  receiving_ = id;
  log_.flush();
  if (auto code = storage::clear_staged(db_, partition_); code != ec::none)
    log::warn("old checkpoint chunks stay", {{"code", to_string(code)}});
}

void replica_disk::stage(std::uint64_t id, std::uint64_t chunk, const std::string& data) {
  if (id != receiving_)
    return;
  storage::write_batch rows;
  storage::put_staged(partition_, static_cast<std::uint32_t>(chunk), data, rows);
  submit(std::move(rows), storage::durability::synced,
      [tell = events_.staged, id, chunk](ec code) { tell(id, chunk, code); });
}

} // namespace shoal
