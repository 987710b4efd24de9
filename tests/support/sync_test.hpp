// A whole sync node without sockets, threads or a clock of its own: real partitions, streams,
// relay, hub and devices over a database that can be made to misbehave. Tests read like the
// conversation between a device and the server.
#pragma once

#include <map>
#include <optional>

#include "actors/catalog/catalog.hpp"
#include "actors/device/device.hpp"
#include "actors/device/hub.hpp"
#include "actors/partition/partition.hpp"
#include "actors/partition/reader.hpp"
#include "actors/relay/relay.hpp"
#include "protocol/device.pb.h"
#include "protocol/signing.hpp"
#include "protocol/tls/commands.hpp"
#include "protocol/user_token.hpp"
#include "storage/keys.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal::testing_support {

constexpr std::int64_t start_ms = 1'760'000'000'000;
constexpr auto device_secret = "device-secret";
constexpr auto user_secret = "user-secret";

/// What a device has received, as a client would keep it.
class test_device {
public:
  struct received_op {
    std::uint64_t id;
    std::string payload;
  };

  std::string id;
  device_actor hdl;
  std::vector<frame> frames; ///< everything, in order
  std::map<std::string, position> positions;
  std::map<std::string, std::vector<received_op>> ops;
  std::map<std::string, std::vector<int>> resets;
  std::map<std::string, ec> refused; ///< bizs whose Subscribed had a code
  std::optional<ec> closed;
  std::uint32_t retry_after_ms = 0;  ///< of the Close
  std::string why_closed;            ///< the text of Close
  tls::device_identity_ptr identity; ///< what the I/O loop was told
  std::uint32_t calls = 0;           ///< allowed by Welcome
  std::uint32_t max_frame = 0;       ///< the same
  std::uint32_t heartbeat_s = 0;     ///< the same
  std::chrono::seconds heartbeat{0}; ///< what the I/O loop was told
  std::uint32_t binding = 0;
  ec bind_code = ec::none;
  std::string bind_text;
  bool welcome = false;
  bool gap = false; ///< an Ops frame did not continue at our position

  std::vector<std::string> payloads(const std::string& biz) const {
    std::vector<std::string> out;
    if (auto i = ops.find(biz); i != ops.end())
      for (auto& x : i->second)
        out.push_back(x.payload);
    return out;
  }

  std::vector<std::uint64_t> ids(const std::string& biz) const {
    std::vector<std::uint64_t> out;
    if (auto i = ops.find(biz); i != ops.end())
      for (auto& x : i->second)
        out.push_back(x.id);
    return out;
  }

  void receive(const std::string& bytes) {
    frame_reader reader{max_server_frame};
    reader.append(bytes);
    frame x;
    while (reader.next(x) == frame_reader::outcome::have_frame) {
      handle(x);
      frames.push_back(x);
    }
  }

private:
  void handle(const frame& x) {
    switch (x.type) {
    case frame_type::welcome: {
      auto m = wire::Welcome{};
      m.ParseFromString(x.body);
      calls = m.calls();
      max_frame = m.max_frame();
      heartbeat_s = m.heartbeat_s();
      welcome = true;
      break;
    }
    case frame_type::bound: {
      wire::Bound y;
      y.ParseFromString(x.body);
      binding = y.binding();
      bind_code = static_cast<ec>(y.code());
      bind_text = y.text();
      break;
    }
    case frame_type::subscribed: {
      wire::Subscribed y;
      y.ParseFromString(x.body);
      if (y.code() == 0)
        positions[y.biz()] = {y.position().epoch(), y.position().id()};
      else
        refused[y.biz()] = static_cast<ec>(y.code());
      break;
    }
    case frame_type::reset: {
      wire::Reset y;
      y.ParseFromString(x.body);
      resets[y.biz()].push_back(y.reason());
      positions[y.biz()] = {y.epoch(), y.id()};
      break;
    }
    case frame_type::ops:
      handle_ops(x.body);
      break;
    case frame_type::close: {
      wire::Close y;
      y.ParseFromString(x.body);
      closed = static_cast<ec>(y.code());
      retry_after_ms = y.retry_after_ms();
      why_closed = y.text();
      break;
    }
    case frame_type::pong:
      break;
    default:
      ADD_FAILURE() << "a frame that servers do not send";
    }
  }

  void handle_ops(const std::string& body) {
    wire::Ops y;
    y.ParseFromString(body);
    auto& mine = ops[y.biz()];
    if (y.epoch() == 0) {
      for (auto& op : y.ops())
        mine.push_back({op.id(), op.payload()});
      return;
    }
    auto& at = positions[y.biz()];
    if (y.after() > at.id || y.epoch() != at.epoch)
      gap = true;
    for (auto& op : y.ops())
      if (op.id() > at.id)
        mine.push_back({op.id(), op.payload()});
    at.id = std::max<std::uint64_t>(at.id, y.upto());
  }
};

/// Gives a test device what the server sends.
class test_connection : public connection {
public:
  explicit test_connection(test_device& x) : device_{x} {}
  void send(shared_bytes bytes) const override { device_.receive(*bytes); }
  void close(shared_bytes last, ec why) const override {
    if (!device_.closed && last)
      device_.receive(*last);
    device_.closed = device_.closed.value_or(why);
  }
  void consumed(std::uint32_t) const override {}
  void set_heartbeat(std::chrono::seconds x) const override { device_.heartbeat = x; }
  void identify(tls::device_identity_ptr who) const override { device_.identity = std::move(who); }
  const std::string& peer() const override { return device_.id; }

private:
  test_device& device_;
};

/// A biz as the catalog has it, or a new one; online, and then as the test wants it.
inline biz_ptr changed_biz(const catalog& known, app_no app, const std::string& name,
    std::int64_t revision, const std::function<void(biz_config&)>& tweak) {
  auto x = std::make_shared<biz_config>();
  if (auto old = known.biz(app, name))
    *x = *old;
  else
    x->no = biz_no{known.next_biz(app)};
  x->app = app;
  x->name = name;
  x->online = true;
  x->updated_ms = revision;
  if (tweak)
    tweak(*x);
  return x;
}

class sync_test : public actor_test {
public:
  static constexpr std::uint16_t partitions = 4;

  void SetUp() override { boot(); }

  void TearDown() override {
    stop();
    actor_test::TearDown();
  }

  /// Starts everything over `db`, as a node does.
  void boot() {
    sv = std::make_shared<services>(partitions);
    sv->now_ms = [this] { return now; };
    sv->steady_ms = [this] { return steady; };
    sv->epoch = 7;
    sv->count = &count;
    sv->db = db.get();
    log = storage::make_inline_committer(*db);
    sv->log = log.get();
    nonces = std::make_unique<nonce_cache>(start_ms - 1000, 300'000);
    sv->hello_nonces = nonces.get();
    sv->catalog.store(known);
    sv->where.set_readers({keep(sys.spawn(reader, sv))});
    for (std::uint16_t i = 0; i < partitions; ++i) {
      partition_options x;
      x.services = sv;
      x.no = partition_no{i};
      x.sweep = false;
      storage::log_place place;
      std::string value;
      auto row = storage::log_place_key(x.no);
      if (db->get(row, value) == storage::lookup::found)
        storage::decode(value, row, place);
      x.log = storage::make_local_partition_log(*log, x.no, sv->view_epoch, place.lsn);
      if (wrap_log)
        x.log = wrap_log(std::move(x.log));
      sv->where.set_partition(x.no, keep(sys.spawn(partition, x)));
    }
    sv->where.set_hub(keep(sys.spawn(hub, sv)));
    sv->where.set_relay_factory([this](app_no no) { return keep(sys.spawn(relay, sv, no)); });
    sink =
        keep(sys.spawn([this](append_client_actor::pointer) -> append_client_actor::behavior_type {
          return {[this](atom::appended, const append_answer& x) {
            for (auto& y : x.results)
              results[x.call].push_back(y);
          }};
        }));
    sched.run();
  }

  /// Ends every actor without a word, like kill -9; only `db` survives.
  void stop() {
    for (auto& [name, x] : devices)
      self->send_exit(x->hdl, caf::exit_reason::kill);
    for (auto& x : spawned)
      self->send_exit(caf::actor_cast<caf::actor>(x), caf::exit_reason::kill);
    sched.run();
    devices.clear();
    sv->where.clear();
    spawned.clear();
    sink = append_client_actor{};
  }

  void restart() {
    stop();
    sched.trigger_timeouts();
    sched.run();
    boot();
  }

  biz_ptr add_biz(const std::string& name, const std::function<void(biz_config&)>& tweak = {}) {
    auto x = changed_biz(*known, app, name, ++revision, tweak);
    known = std::make_shared<const catalog>(known->with(x));
    sv->catalog.store(known);
    return x;
  }

  // -- devices ----------------------------------------------------------------------------------

  test_device& connect(const std::string& id, const std::function<void(wire::Hello&)>& tweak = {}) {
    auto& x = devices[id + "#" + std::to_string(++connections)];
    x = std::make_unique<test_device>();
    x->id = id;
    auto raw = x.get();
    auto wire = std::make_shared<const test_connection>(*raw);
    raw->hdl = sys.spawn(device, device_options{sv, wire, 0});
    wire::Hello hello;
    hello.set_key("dk_test");
    hello.set_device(id);
    hello.set_timestamp_ms(now);
    hello.set_nonce(random_bytes(16));
    hello.set_version(1);
    if (tweak)
      tweak(hello);
    if (hello.signature().empty())
      hello.set_signature(hmac_sha256(device_secret,
          hello_string(hello.key(), hello.device(), hello.timestamp_ms(), hello.nonce())));
    say(*raw, frame_type::hello, hello);
    return *raw;
  }

  void say(test_device& x, frame_type type, const google::protobuf::MessageLite& body) {
    tell(x.hdl, atom::frame::value, device_frame{type, body.SerializeAsString()});
  }

  void bind(test_device& x, const std::string& user) {
    wire::Bind y;
    y.set_user(user);
    y.set_token(make_user_token(user_secret, user, "", now / 1000 + 60));
    say(x, frame_type::bind, y);
  }

  void unbind(test_device& x) { say(x, frame_type::unbind, wire::Unbind{}); }

  void subscribe(test_device& x, const std::string& biz, std::optional<position> at = {}) {
    wire::Subscribe y;
    auto& entry = *y.add_entries();
    entry.set_biz(biz);
    if (at) {
      entry.mutable_position()->set_epoch(at->epoch);
      entry.mutable_position()->set_id(at->id);
    }
    say(x, frame_type::subscribe, y);
  }

  void ack(test_device& x, const std::string& biz, std::optional<std::uint64_t> id = {}) {
    wire::Ack y;
    auto& entry = *y.add_entries();
    entry.set_biz(biz);
    entry.set_epoch(x.positions[biz].epoch);
    entry.set_id(id.value_or(x.positions[biz].id));
    y.set_binding(x.binding);
    say(x, frame_type::ack, y);
  }

  void lose(test_device& x) { tell(x.hdl, atom::lost::value); }

  /// A device of a user that listens to a biz.
  test_device& online(const std::string& id, const std::string& user, const std::string& biz,
      std::optional<position> at = {}) {
    auto& x = connect(id);
    if (!user.empty())
      bind(x, user);
    subscribe(x, biz, at);
    return x;
  }

  // -- appends ----------------------------------------------------------------------------------

  append_item item(
      const principal& who, const std::string& biz, std::string payload, std::string key = {}) {
    append_item x;
    x.who = who;
    x.biz = sv->catalog.load()->biz(app, biz);
    x.op.payload = std::move(payload);
    x.op.client_key = std::move(key);
    return x;
  }

  std::uint64_t send(std::vector<append_item> items) {
    auto call = next_call++;
    for (std::uint32_t i = 0; i < items.size(); ++i)
      items[i].index = i;
    auto to = sv->where.owner_of(app, items.front().who);
    caf::anon_send(to, atom::append::value, append_call{call, app, sink, std::move(items)});
    return call;
  }

  append_result append(append_item x) {
    auto call = send({std::move(x)});
    sched.run();
    auto& got = results[call];
    EXPECT_EQ(got.size(), 1u) << "an append was not answered exactly once";
    return got.empty() ? append_result{} : got.front();
  }

  append_result append(
      const principal& who, const std::string& biz, std::string payload, std::string key = {}) {
    return append(item(who, biz, std::move(payload), std::move(key)));
  }

  /// Lets every partition look for streams whose retention is due.
  void sweep() {
    for (std::uint16_t i = 0; i < partitions; ++i)
      tell(sv->where.partition(partition_no{i}), atom::tick::value);
  }

  /// Moves all clocks; `now += x` sets that of the wall.
  void wait(std::chrono::milliseconds x) {
    now += x.count();
    steady += x.count();
    advance(x);
  }

  static std::shared_ptr<const catalog> make_catalog() {
    auto x = std::make_shared<app_config>();
    x->no = app_no{1};
    x->id = "demo";
    x->users.how = user_auth::mode::hmac;
    x->users.secret = user_secret;
    auto key = std::make_shared<key_config>();
    key->id = "dk_test";
    key->app = x->no;
    key->role = key_role::device;
    key->secret = device_secret;
    return std::make_shared<const catalog>(catalog{}.with(app_ptr{x}).with(key_ptr{key}));
  }

  const app_no app{1};
  std::int64_t now = start_ms;
  std::int64_t steady = 1'000;
  metrics count;
  std::unique_ptr<storage::faulty_database> db = storage::make_faulty_database();
  std::unique_ptr<storage::commit_log> log;
  /// Before `boot`: what partitions write to instead of their logs.
  std::function<std::shared_ptr<storage::partition_log>(std::shared_ptr<storage::partition_log>)>
      wrap_log;
  std::unique_ptr<nonce_cache> nonces;
  std::shared_ptr<const catalog> known = make_catalog();
  services_ptr sv;
  append_client_actor sink;
  std::map<std::uint64_t, std::vector<append_result>> results;
  std::map<std::string, std::unique_ptr<test_device>> devices;
  std::uint64_t next_call = 1;
  int connections = 0;
  std::int64_t revision = 0;
};

} // namespace shoal::testing_support
