#include "actors/remote/catalog_share.hpp"

#include "actors/catalog/catalog_codec.hpp"
#include "actors/log.hpp"
#include "actors/registry/watched.hpp"
#include "storage/keys.hpp"

namespace shoal {

namespace {

constexpr std::uint32_t page_rows = 500;

std::string catalog_begin() { return std::string(1, static_cast<char>(storage::table::object)); }

} // namespace

std::uint64_t catalog_version(const catalog& x) {
  std::uint64_t out = 0;
  auto add = [&](const storage::write_batch::row& row) {
    out += stable_hash(row.value, stable_hash(row.key));
  };
  auto keys_of = [&](app_no app) {
    for (auto& key : x.keys(app))
      add(row_of(*key));
  };
  keys_of(app_no{0});
  for (auto& app : x.apps()) {
    add(row_of(*app));
    for (auto& biz : x.bizs(app->no))
      add(row_of(*biz));
    keys_of(app->no);
  }
  return out;
}

std::uint64_t catalog_share_state::version() {
  auto now = sv->catalog.load();
  if (now != hashed) {
    hashed = now;
    hash = catalog_version(*now);
  }
  return hash;
}

// -- what nodes say ------------------------------------------------------------------------------

pb::Control catalog_share_state::announcement() {
  pb::Control out;
  out.mutable_catalog()->set_epoch(led_since);
  out.mutable_catalog()->set_version(version());
  return out;
}

void catalog_share_state::hear(const std::string& from, const pb::Control& x) {
  if (x.has_catalog())
    heard(from, x.catalog());
  else if (x.has_have())
    has(from, [this, theirs = x.have().version()](std::uint64_t ours) {
      return ours == theirs || theirs == version(); // who has a later version has ours as well
    });
}

void catalog_share_state::heard(const std::string& from, const pb::CatalogVersion& x) {
  if (!follows(from, x.epoch()))
    return;
  if (x.version() == version())
    return say_have(from);
  read();
}

void catalog_share_state::say_have(const std::string& to) {
  set_known();
  pb::Control out;
  out.mutable_have()->set_epoch(heard_epoch);
  out.mutable_have()->set_version(version());
  tell(to, out);
}

// -- reading all rows ----------------------------------------------------------------------------

void catalog_share_state::read() {
  if (!fetching)
    fetch(catalog_begin());
}

void catalog_share_state::fetch(std::string from_key) {
  if (!fetching) {
    rows_read = storage::make_memory_database();
    fetch_epoch = led_epoch();
  }
  fetching = true;
  self->request(sv->where.reader_for(partition_no{0}), sv->limit.call_timeout, atom::page::value,
          std::move(from_key), storage::prefix_end(catalog_begin()), page_rows)
      .then([this](const storage::write_batch& rows) { fetched(rows); },
          [this](caf::error&) { fetching = false; }); // the next announcement starts again
}

void catalog_share_state::fetched(const storage::write_batch& rows) {
  rows_read->write(rows, false);
  if (!rows.empty()) // a page may end before its rows do
    return fetch(rows.rows().back().key + '\0');
  fetching = false;
  publish();
}

void catalog_share_state::publish() {
  auto epoch = led_epoch();
  if (epoch != fetch_epoch)
    return; // led elsewhere meanwhile, or here: what was read is not the newest
  try {
    sv->catalog.store(std::make_shared<const catalog>(load_catalog(*rows_read)));
  } catch (const std::exception& e) {
    return shoal::log::error("catalog not taken over", {{"why", e.what()}});
  }
  rows_read.reset();
  if (epoch == 0)
    return say_have(announcer);
  lead(epoch);
}

catalog_share_actor spawn_catalog_share(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors) {
  if (!services->remote->local_writer())
    services->remote->set_local_writer(services->where.catalog_writer());
  auto hdl = spawn_watched(
      sys, actors, below_root(actors, "", "catalog-share"), share<catalog_share_state>, services);
  services->remote->set_catalog_share(hdl);
  services->where.set_catalog_writer(caf::actor_cast<catalog_actor>(hdl));
  return hdl;
}

} // namespace shoal
