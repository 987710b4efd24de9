#include "actors/remote/catalog_share.hpp"

#include "actors/catalog/catalog_codec.hpp"
#include "actors/log.hpp"
#include "actors/registry/watched.hpp"
#include "storage/keys.hpp"

namespace shoal {

namespace {

constexpr auto announce_interval = std::chrono::seconds{1};
constexpr auto settle_interval = std::chrono::milliseconds{100};
constexpr std::uint32_t page_rows = 500;
constexpr std::size_t max_waiting = 64;

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

// -- changes -------------------------------------------------------------------------------------

caf::result<change_result> catalog_share_state::change(const catalog_change& x) {
  auto reply = self->make_response_promise<change_result>();
  auto epoch = sv->where.led_epoch(partition_no{0});
  if (epoch == 0) {
    forward(x, reply);
  } else if (epoch == led_since) {
    make(x, reply);
  } else if (waiting.size() < max_waiting) {
    waiting.emplace_back(x, reply);
    tick();
  } else {
    reply.deliver(
        change_result{ec::overloaded, "too many changes of the catalog wait", {}, {}, {}});
  }
  return reply;
}

void catalog_share_state::forward(const catalog_change& x, promise reply) {
  auto stand_in = caf::actor_cast<catalog_actor>(sv->where.partition(partition_no{0}));
  self->request(stand_in, sv->limit.call_timeout, atom::change::value, x)
      .then([reply](const change_result& done) mutable { reply.deliver(done); },
          [reply](caf::error&) mutable {
            reply.deliver(change_result{ec::outcome_unknown,
                "the leader did not answer in time; look before you repeat", {}, {}, {}});
          });
}

void catalog_share_state::make(const catalog_change& x, promise reply) {
  self->request(sv->remote->local_writer(), sv->limit.call_timeout, atom::change::value, x)
      .then([this, reply](const change_result& done) { made(done, reply); },
          [reply](caf::error&) mutable {
            reply.deliver(change_result{ec::outcome_unknown,
                "the log did not answer in time; look before you repeat", {}, {}, {}});
          });
}

void catalog_share_state::made(const change_result& x, promise reply) {
  if (x.code != ec::none) {
    reply.deliver(x);
    return;
  }
  spreading s{reply, x, version(), {}, self->clock().now() + sv->limit.catalog_patience};
  for (auto& [node, peer] : sv->remote->peers())
    if (sv->remote->ready(node))
      s.missing.insert(node);
  spread.push_back(std::move(s));
  announce();
  settle(self->clock().now());
  if (!spread.empty())
    self->delayed_send(self, settle_interval, atom::frame::value, std::string{}, std::string{});
}

void catalog_share_state::settle(time_point now) {
  std::erase_if(spread, [&](spreading& s) {
    std::erase_if(s.missing, [&](auto& node) { return !sv->remote->ready(node); });
    if (!s.missing.empty() && now < s.deadline)
      return false;
    s.reply.deliver(std::move(s.result));
    return true;
  });
}

// -- what other nodes say ------------------------------------------------------------------------

void catalog_share_state::frame(const std::string& from, const std::string& body) {
  if (from.empty()) { // our own reminder
    settle(self->clock().now());
    if (!spread.empty())
      self->delayed_send(self, settle_interval, atom::frame::value, std::string{}, std::string{});
    return;
  }
  pb::Control in;
  if (!in.ParseFromString(body))
    return shoal::log::warn("a control frame cannot be read", {{"node", from}});
  if (in.has_catalog())
    heard(from, in.catalog());
  else if (in.has_have())
    has(from, in.have());
}

void catalog_share_state::heard(const std::string& from, const pb::CatalogVersion& x) {
  if (x.epoch() < heard_epoch || sv->where.led_epoch(partition_no{0}) != 0)
    return;
  heard_epoch = x.epoch();
  announcer = from;
  if (x.version() == version())
    return say_have(from);
  if (!fetching)
    fetch(catalog_begin());
}

void catalog_share_state::has(const std::string& from, const pb::CatalogVersion& x) {
  for (auto& s : spread)
    if (s.version == x.version())
      s.missing.erase(from);
  // Who has a later version has ours as well.
  if (x.version() == version())
    for (auto& s : spread)
      s.missing.erase(from);
  settle(self->clock().now());
}

void catalog_share_state::announce() {
  pb::Control out;
  out.mutable_catalog()->set_epoch(led_since);
  out.mutable_catalog()->set_version(version());
  auto body = out.SerializeAsString();
  for (auto& [node, peer] : sv->remote->peers())
    sv->remote->send(node, cluster::traffic::control, body);
}

void catalog_share_state::say_have(const std::string& to) {
  sv->remote->set_knows_catalog();
  pb::Control out;
  out.mutable_have()->set_epoch(heard_epoch);
  out.mutable_have()->set_version(version());
  sv->remote->send(to, cluster::traffic::control, out.SerializeAsString());
}

// -- reading all rows ----------------------------------------------------------------------------

void catalog_share_state::fetch(std::string from_key) {
  if (!fetching) {
    rows_read = storage::make_memory_database();
    fetch_epoch = sv->where.led_epoch(partition_no{0});
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
  auto epoch = sv->where.led_epoch(partition_no{0});
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
  led_since = epoch;
  sv->remote->set_knows_catalog();
  announce();
  auto all = std::move(waiting);
  waiting.clear();
  for (auto& [x, reply] : all)
    make(x, reply);
}

// -- time ----------------------------------------------------------------------------------------

void catalog_share_state::tick() {
  auto epoch = sv->where.led_epoch(partition_no{0});
  if (epoch == 0) {
    led_since = 0;
    auto all = std::move(waiting);
    waiting.clear();
    for (auto& [x, reply] : all)
      forward(x, reply);
  } else if (epoch == led_since) {
    announce();
  } else if (!fetching) {
    fetch(catalog_begin());
  }
}

catalog_share_actor::behavior_type catalog_share(
    catalog_share_actor::stateful_pointer<catalog_share_state> self, services_ptr services) {
  self->state.sv = std::move(services);
  self->delayed_send(self, announce_interval, atom::tick::value);
  return {
      [self](atom::change, const catalog_change& x) { return self->state.change(x); },
      [self](atom::frame, const std::string& from, const std::string& body) {
        self->state.frame(from, body);
      },
      [self](atom::tick) {
        self->state.tick();
        self->delayed_send(self, announce_interval, atom::tick::value);
      },
  };
}

catalog_share_actor spawn_catalog_share(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors) {
  if (!services->remote->local_writer())
    services->remote->set_local_writer(services->where.catalog_writer());
  auto hdl =
      spawn_watched(sys, actors, below_root(actors, "", "catalog-share"), catalog_share, services);
  services->remote->set_catalog_share(hdl);
  services->where.set_catalog_writer(caf::actor_cast<catalog_actor>(hdl));
  return hdl;
}

} // namespace shoal
