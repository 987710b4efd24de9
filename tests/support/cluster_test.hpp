// Several sync nodes in one thread: real partitions, streams, relays, hubs, devices and everything
// of actors/remote, with a network that does what the test says. All nodes share one database, as
// if replication were perfect; who leads a partition is said by the test.
#pragma once

#include <algorithm>
#include <map>
#include <optional>

#include "actors/catalog/catalog_actor.hpp"
#include "actors/catalog/catalog_codec.hpp"
#include "actors/gateway/gateway_writer.hpp"
#include "actors/remote/call_server.hpp"
#include "actors/remote/catalog_share.hpp"
#include "actors/remote/cluster_hub.hpp"
#include "actors/remote/gateway_share.hpp"
#include "actors/remote/peer.hpp"
#include "actors/remote/remote_partition.hpp"
#include "tests/support/fake_links.hpp"
#include "tests/support/sync_test.hpp"

namespace shoal::testing_support {

class cluster_test : public actor_test {
public:
  static constexpr std::uint16_t partitions = 8;

  struct node {
    std::string name;
    metrics count;
    std::unique_ptr<storage::commit_log> log;
    std::unique_ptr<nonce_cache> nonces;
    services_ptr sv;
    std::unique_ptr<cluster::node_links> links;
    append_client_actor sink;
    std::map<std::uint64_t, std::vector<append_result>> results;
    std::map<partition_no, partition_actor> led;
    bool dead = false;
  };

  void SetUp() override {
    storage::write_batch rows;
    put(rows, row_of(*known->app(app)));
    put(rows, row_of(*known->key("dk_test")));
    db->write(rows, true);
    boot(3);
  }

  void TearDown() override {
    for (auto& [name, x] : devices)
      self->send_exit(x->hdl, caf::exit_reason::kill);
    for (auto& x : spawned)
      self->send_exit(caf::actor_cast<caf::actor>(x), caf::exit_reason::kill);
    sched.run();
    for (auto& [name, x] : nodes) {
      x->links.reset();
      x->sv->where.clear();
      x->sv->remote->clear();
      x->sink = append_client_actor{};
      x->led.clear();
    }
    actor_test::TearDown();
  }

  void boot(int count) {
    for (auto i = 1; i <= count; ++i)
      start("n" + std::to_string(i));
    std::vector<cluster::peer_address> all;
    for (auto& [name, x] : nodes)
      all.push_back({name, "127.0.0.1", 1});
    for (auto& [name, x] : nodes)
      x->links->set_peers(all);
    for (std::uint16_t i = 0; i < partitions; ++i)
      lead(partition_no{i}, "n" + std::to_string(1 + i % count));
    run();
  }

  virtual std::size_t window() const { return 1u << 20; }

  node& start(const std::string& name) {
    auto& x = *(nodes[name] = std::make_unique<node>());
    x.name = name;
    x.sv = std::make_shared<services>(partitions);
    auto& sv = *x.sv;
    sv.now_ms = [this] { return now; };
    sv.steady_ms = [this] { return now - start_ms + 1'000; };
    sv.epoch = 7;
    sv.count = &x.count;
    sv.db = db.get();
    x.log = storage::make_inline_committer(*db);
    sv.log = x.log.get();
    x.nonces = std::make_unique<nonce_cache>(start_ms - 1000, 300'000);
    sv.hello_nonces = x.nonces.get();
    sv.catalog.store(known);
    sv.remote = std::make_shared<remote_nodes>(name);
    sv.where.set_readers({keep(sys.spawn(reader, x.sv))});
    sv.where.set_hub(keep(sys.spawn(hub, x.sv)));
    sv.where.set_relay_factory(
        [this, s = x.sv](app_no no) { return keep(sys.spawn(relay, s, no)); });
    keep(spawn_cluster_hub(sys, x.sv));
    keep(spawn_call_server(sys, x.sv));
    sv.where.set_catalog_writer(keep(spawn_catalog_writer(sys, x.sv)));
    keep(spawn_catalog_share(sys, x.sv));
    sv.where.set_gateway_writer(keep(spawn_gateway_writer(sys, x.sv)));
    keep(spawn_gateway_share(sys, x.sv));
    for (std::uint16_t i = 0; i < partitions; ++i) {
      auto no = partition_no{i};
      keep(spawn_remote_partition(sys, x.sv, no));
      tell_view(x, no);
    }
    x.sink =
        keep(sys.spawn([&x](append_client_actor::pointer) -> append_client_actor::behavior_type {
          return {[&x](atom::appended, const append_answer& y) {
            for (auto& z : y.results)
              x.results[y.call].push_back(z);
          }};
        }));
    cluster::link_options options;
    options.cluster = "test";
    options.self = name;
    options.incarnation = ++incarnations;
    options.window_bytes = window();
    auto remote = sv.remote;
    x.links = net.join(
        options, {[remote](const cluster::peer_info& from, cluster::traffic kind,
                      std::string body) { remote->on_frame(from.name, kind, std::move(body)); },
                     [remote](const cluster::peer_info& peer) { remote->on_up(peer.name); },
                     [remote](const cluster::peer_info& peer, const std::string&) {
                       remote->on_down(peer.name);
                     }});
    sv.remote->set_links(x.links.get());
    for (auto& [other, y] : nodes)
      if (other != name) {
        keep(spawn_peer(sys, x.sv, other));
        keep(spawn_peer(sys, y->sv, name));
      }
    return x;
  }

  // -- who leads ---------------------------------------------------------------------------------

  void tell_view(node& x, partition_no no) {
    if (auto i = views.find(no); i != views.end())
      x.sv->remote->set_view(no, i->second);
  }

  /// The leader stops to serve; nobody leads.
  void resign(partition_no no) {
    for (auto& [name, x] : nodes)
      if (auto i = x->led.find(no); i != x->led.end()) {
        x->sv->where.set_partition(no, {});
        self->send_exit(i->second, caf::exit_reason::user_shutdown);
        x->led.erase(i);
      }
  }

  void serve(partition_no no, const std::string& who) {
    auto& x = at(who);
    partition_options options;
    options.services = x.sv;
    options.no = no;
    options.sweep = false;
    storage::log_place place;
    std::string value;
    auto row = storage::log_place_key(no);
    if (db->get(row, value) == storage::lookup::found)
      storage::decode(value, row, place);
    options.log = storage::make_local_partition_log(*x.log, no, x.sv->view_epoch, place.lsn);
    x.led[no] = keep(sys.spawn(partition, options));
    x.sv->where.set_partition(no, x.led[no], views[no].epoch);
  }

  void lead(partition_no no, const std::string& who) {
    resign(no);
    sched.run();
    views[no] = {views[no].epoch + 1, who};
    serve(no, who);
    for (auto& [name, x] : nodes)
      if (!x->dead)
        tell_view(*x, no);
  }

  node& at(const std::string& name) { return *nodes.at(name); }
  node& leader_of(const principal& who) { return at(views[home(who)].leader); }
  partition_no home(const principal& who) const { return partition_of(app, who, partitions); }

  /// A user whose partition is led by a node.
  std::string user_at(const std::string& name, int nth = 0) {
    for (auto i = 0;; ++i) {
      auto user = "u" + std::to_string(i);
      if (views[home(principal::user(user))].leader == name && nth-- == 0)
        return user;
    }
  }

  // -- time --------------------------------------------------------------------------------------

  void run() {
    do
      sched.run();
    while (net.deliver_all() != 0 || sched.has_job());
  }

  void wait(std::chrono::milliseconds x) {
    for (; x > std::chrono::milliseconds{0}; x -= step) {
      now += step.count();
      net.advance(step);
      sched.advance_time(step);
      run();
    }
  }

  // -- the world outside -------------------------------------------------------------------------

  biz_ptr add_biz(const std::string& name, const std::function<void(biz_config&)>& tweak = {}) {
    auto x = changed_biz(*known, app, name, ++revision, tweak);
    known = std::make_shared<const catalog>(known->with(x));
    storage::write_batch rows;
    put(rows, row_of(*x));
    db->write(rows, true);
    for (auto& [where, y] : nodes)
      y->sv->catalog.store(known);
    return x;
  }

  static void put(storage::write_batch& rows, storage::write_batch::row row) {
    rows.put(std::move(row.key), std::move(row.value));
  }

  /// Asks and lets the network run.
  template <class R, class Handle, class... Ts>
  caf::expected<R> ask(const Handle& hdl, Ts&&... xs) {
    auto out = caf::expected<R>{caf::no_error};
    auto pending = self->request(hdl, std::chrono::seconds{60}, std::forward<Ts>(xs)...);
    run();
    pending.receive([&](R& x) { out = std::move(x); }, [&](caf::error& e) { out = std::move(e); });
    return out;
  }

  test_device& connect(const std::string& where, const std::string& id) {
    auto& x = devices[id + "#" + std::to_string(++connections)];
    x = std::make_unique<test_device>();
    x->id = id;
    auto raw = x.get();
    auto wire = std::make_shared<const test_connection>(*raw);
    raw->hdl = sys.spawn(device, device_options{at(where).sv, wire, 0});
    wire::Hello hello;
    hello.set_key("dk_test");
    hello.set_device(id);
    hello.set_timestamp_ms(now);
    hello.set_nonce(random_bytes(16));
    hello.set_version(1);
    hello.set_signature(hmac_sha256(device_secret,
        hello_string(hello.key(), hello.device(), hello.timestamp_ms(), hello.nonce())));
    say(*raw, frame_type::hello, hello);
    return *raw;
  }

  void say(test_device& x, frame_type type, const google::protobuf::MessageLite& body) {
    caf::anon_send(x.hdl, atom::frame::value, device_frame{type, body.SerializeAsString()});
    run();
  }

  void bind(test_device& x, const std::string& user) {
    wire::Bind y;
    y.set_user(user);
    y.set_token(make_user_token(user_secret, user, "", now / 1000 + 60));
    say(x, frame_type::bind, y);
  }

  void subscribe(test_device& x, const std::string& biz, std::optional<position> from = {}) {
    wire::Subscribe y;
    auto& entry = *y.add_entries();
    entry.set_biz(biz);
    if (from) {
      entry.mutable_position()->set_epoch(from->epoch);
      entry.mutable_position()->set_id(from->id);
    }
    say(x, frame_type::subscribe, y);
  }

  void ack(test_device& x, const std::string& biz) {
    wire::Ack y;
    auto& entry = *y.add_entries();
    entry.set_biz(biz);
    entry.set_epoch(x.positions[biz].epoch);
    entry.set_id(x.positions[biz].id);
    y.set_binding(x.binding);
    say(x, frame_type::ack, y);
  }

  void lose(test_device& x) {
    caf::anon_send(x.hdl, atom::lost::value);
    run();
  }

  test_device& online(const std::string& where, const std::string& id, const std::string& user,
      const std::string& biz, std::optional<position> from = {}) {
    auto& x = connect(where, id);
    if (!user.empty())
      bind(x, user);
    subscribe(x, biz, from);
    return x;
  }

  append_item item(
      const principal& who, const std::string& biz, std::string payload, std::string key = {}) {
    append_item x;
    x.who = who;
    x.biz = known->biz(app, biz);
    x.op.payload = std::move(payload);
    x.op.client_key = std::move(key);
    return x;
  }

  std::uint64_t send(const std::string& where, std::vector<append_item> items) {
    auto call = next_call++;
    for (std::uint32_t i = 0; i < items.size(); ++i)
      items[i].index = i;
    auto& x = at(where);
    auto to = x.sv->where.owner_of(app, items.front().who);
    caf::anon_send(to, atom::append::value, append_call{call, app, x.sink, std::move(items)});
    return call;
  }

  append_result append(const std::string& where, append_item x) {
    auto call = send(where, {std::move(x)});
    run();
    return outcome(where, call);
  }

  append_result append(const std::string& where, const principal& who, const std::string& biz,
      std::string payload, std::string key = {}) {
    return append(where, item(who, biz, std::move(payload), std::move(key)));
  }

  append_result outcome(const std::string& where, std::uint64_t call) {
    auto& got = at(where).results[call];
    EXPECT_EQ(got.size(), 1u) << "an append was not answered exactly once";
    return got.empty() ? append_result{} : got.front();
  }

  const app_no app{1};
  std::chrono::milliseconds step{10};
  std::int64_t now = start_ms;
  test::fake_network net;
  std::unique_ptr<storage::faulty_database> db = storage::make_faulty_database();
  std::shared_ptr<const catalog> known = sync_test::make_catalog();
  std::map<partition_no, partition_view> views;
  std::map<std::string, std::unique_ptr<node>> nodes;
  std::map<std::string, std::unique_ptr<test_device>> devices;
  std::uint64_t next_call = 1;
  std::uint64_t incarnations = 0;
  int connections = 0;
  std::int64_t revision = 0;
};

} // namespace shoal::testing_support
