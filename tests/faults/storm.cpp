// shoal-storm: thousands of devices lose their connections in the same moment and come back, each
// with the backoff of protocol/README.md. All must be online again and get, once, what was sent
// while they were away. The server is a process of its own: each side may open as many files as
// the system allows one process.
#include <algorithm>
#include <iostream>
#include <random>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "protocol/device.pb.h"
#include "protocol/signing.hpp"
#include "tests/faults/server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/tls_loop.hpp"
#include "tools/bench/names.hpp"

namespace shoal::faults {
namespace {

using bench::now_ns;

constexpr auto biz = "ALL";
constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr auto ready_patience = 20 * ns_per_s; // from dialling to Subscribed
constexpr std::size_t first_wave = 256;        // devices that connect at once before the storm

struct options {
  std::size_t devices = 15'000;
  int storms = 2;
  int patience_s = 300;
  std::uint64_t seed = 0;
  std::string shoald;
};

struct scene {
  test_app app;
  std::uint16_t port = 0;
  bench::tls_loop loop;
  std::mt19937_64 random;
  std::size_t ready = 0, attempts = 0;
  std::string trouble;
};

/// One device that follows a global biz.
class storm_device final : public bench::conversation {
public:
  storm_device(scene& at, std::size_t number) : scene_{at}, name_{bench::numbered("d", number)} {}

  bool ready() const { return ready_; }

  std::uint64_t handed() const { return handed_; }

  void dial() {
    ++scene_.attempts;
    began_ns_ = now_ns();
    wire_ = &scene_.loop.open({scene_.port, "shoal/1"}, *this);
  }

  /// As if the network were gone: no goodbye.
  void cut() {
    if (wire_)
      wire_->close();
    gone();
    failures_ = 0;
    back_off();
  }

  /// What time brings: dials when the backoff is over, gives an attempt up that takes too long.
  void tick(std::int64_t now) {
    if (!wire_ && now >= due_ns_)
      return dial();
    if (!wire_ || ready_ || now - began_ns_ < ready_patience)
      return;
    wire_->close();
    gone();
    back_off();
  }

  void opened(bench::connection& c) override {
    auto hello = wire::Hello{};
    hello.set_key(scene_.app.device.id);
    hello.set_device(name_);
    hello.set_timestamp_ms(wall_ms());
    hello.set_nonce(random_bytes(16));
    hello.set_signature(hmac_sha256(scene_.app.device.secret,
        hello_string(hello.key(), name_, hello.timestamp_ms(), hello.nonce())));
    hello.set_version(1);
    hello.set_heartbeat_s(600);
    c.out += encode_frame(frame_type::hello, hello.SerializeAsString());
    auto subscribe = wire::Subscribe{};
    auto& entry = *subscribe.add_entries();
    entry.set_biz(biz);
    if (epoch_ != 0) {
      entry.mutable_position()->set_epoch(epoch_);
      entry.mutable_position()->set_id(at_);
    }
    c.out += encode_frame(frame_type::subscribe, subscribe.SerializeAsString());
    c.flush();
  }

  std::size_t received(bench::connection& c, std::string_view bytes) override {
    auto reader = frame_reader{max_server_frame};
    reader.append(bytes);
    auto x = frame{};
    while (reader.next(x) == frame_reader::outcome::have_frame)
      handle(c, x);
    return bytes.size() - reader.buffered();
  }

  void lost(const std::string&) override {
    gone();
    back_off();
  }

private:
  void handle(bench::connection& c, const frame& x) {
    switch (x.type) {
    case frame_type::subscribed: {
      auto m = wire::Subscribed{};
      m.ParseFromString(x.body);
      if (m.code() != 0)
        return fail("was refused with code " + std::to_string(m.code()));
      epoch_ = m.position().epoch();
      at_ = m.position().id();
      ready_ = true;
      ++scene_.ready;
      return;
    }
    case frame_type::reset:
      return fail("was reset");
    case frame_type::ops:
      return take(c, x.body);
    case frame_type::close: {
      auto m = wire::Close{};
      m.ParseFromString(x.body);
      if (m.code() >= 3000)
        fail("was closed with code " + std::to_string(m.code()));
      retry_after_ms_ = m.retry_after_ms();
      return;
    }
    default:
      return;
    }
  }

  void take(bench::connection& c, const std::string& body) {
    auto m = wire::Ops{};
    m.ParseFromString(body);
    if (m.after() != at_)
      return fail("was sent a gap or a repetition");
    handed_ += static_cast<std::uint64_t>(m.ops_size());
    at_ = m.upto();
    auto ack = wire::Ack{};
    auto& entry = *ack.add_entries();
    entry.set_biz(biz);
    entry.set_epoch(m.epoch());
    entry.set_id(at_);
    c.out += encode_frame(frame_type::ack, ack.SerializeAsString());
  }

  void gone() {
    if (ready_)
      --scene_.ready;
    ready_ = false;
    wire_ = nullptr;
  }

  void back_off() {
    auto most_ms = std::min(60'000, 1000 << std::min(++failures_, 6));
    auto wait_ms = std::uniform_int_distribution<std::int64_t>{0, most_ms}(scene_.random);
    due_ns_ = now_ns() + std::max<std::int64_t>(wait_ms, retry_after_ms_) * 1'000'000;
    retry_after_ms_ = 0;
  }

  void fail(const std::string& what) {
    if (scene_.trouble.empty())
      scene_.trouble = name_ + " " + what;
  }

  scene& scene_;
  std::string name_;
  bench::connection* wire_ = nullptr;
  bool ready_ = false;
  int failures_ = 0;
  std::int64_t began_ns_ = 0, due_ns_ = 0;
  std::uint32_t retry_after_ms_ = 0;
  std::uint64_t epoch_ = 0, at_ = 0, handed_ = 0;
};

class storm {
public:
  explicit storm(const options& wishes)
      : wishes_{wishes}, server_{wishes.shoald, folder_.path().string()} {
    scene_.random.seed(wishes.seed);
  }

  int run() {
    server_.start();
    auto rss_idle = server_.rss();
    scene_.app = create_app(server_, "storm");
    scene_.port = server_.port();
    auto api = api_caller{server_.port(), scene_.app.admin};
    auto path = scene_.app.path(std::string{"/biz/"} + biz);
    api.must("PUT", path, R"({"scope":"global","target":"device","online":true})");
    for (std::size_t i = 0; i < wishes_.devices; ++i)
      devices_.push_back(std::make_unique<storm_device>(scene_, i));
    auto connect_s = connect_all();
    settle();
    std::cout << nlohmann::json{{"devices", devices_.size()}, {"first_connect_s", connect_s},
                     {"rss_idle_mb", rss_idle >> 20}, {"rss_online_mb", server_.rss() >> 20}}
                     .dump()
              << std::endl;
    auto good = true;
    auto after_first = std::int64_t{0};
    for (auto i = 1; good && i <= wishes_.storms; ++i) {
      good = blow(i, api);
      after_first = i == 1 ? server_.rss() : after_first;
    }
    // What the first storm needs may stay with the allocator; the next one must not need more.
    auto leaks = static_cast<double>(server_.rss()) > 1.25 * static_cast<double>(after_first);
    std::cout
        << nlohmann::json{{"seed", wishes_.seed}, {"good", good && !leaks}, {"leaks", leaks}}.dump()
        << std::endl;
    return good && !leaks ? 0 : 1;
  }

private:
  bool blow(int number, api_caller& api) {
    auto rss_before = server_.rss();
    auto attempts_before = scene_.attempts;
    auto wanted = devices_.size() * static_cast<std::size_t>(number);
    auto began = now_ns();
    for (auto& x : devices_)
      x->cut();
    api.must("POST", scene_.app.path("/sync"), R"({"biz":"ALL","payload":"sent in the storm"})");
    auto all = drive([&] { return scene_.ready == devices_.size() && handed() >= wanted; });
    auto storm_s = bench::seconds_of(now_ns() - began);
    settle();
    auto online = server_.metric("shoal_devices").value_or(-1);
    auto good = all && handed() == wanted && scene_.trouble.empty() &&
                online == static_cast<double>(devices_.size());
    if (!scene_.trouble.empty())
      std::cout << "TROUBLE " << scene_.trouble << '\n';
    std::cout << nlohmann::json{{"storm", number}, {"all_back_s", storm_s}, {"online", online},
                     {"attempts", scene_.attempts - attempts_before}, {"handed", handed()},
                     {"rss_before_mb", rss_before >> 20}, {"rss_after_mb", server_.rss() >> 20}}
                     .dump()
              << std::endl;
    return good;
  }

  double connect_all() {
    auto began = now_ns();
    auto next = std::size_t{0};
    auto done = drive(
        [&] {
          while (next < devices_.size() && next < scene_.ready + first_wave)
            devices_[next++]->dial();
          return scene_.ready == devices_.size();
        },
        &next);
    if (!done)
      throw std::runtime_error{"only " + std::to_string(scene_.ready) + " devices got online"};
    return bench::seconds_of(now_ns() - began);
  }

  /// Lets the server finish what the last frames began; bounded by what is to be seen.
  void settle() {
    wait_until(5000, [this] {
      scene_.loop.step(now_ns() + ns_per_s / 20);
      return server_.metric("shoal_devices") == static_cast<double>(devices_.size());
    });
  }

  /// Until `done()`; devices beyond `*begun` have not started yet.
  bool drive(const std::function<bool()>& done, const std::size_t* begun = nullptr) {
    auto limit = now_ns() + wishes_.patience_s * ns_per_s;
    auto next_tick = std::int64_t{0};
    while (!done()) {
      auto now = now_ns();
      if (now > limit || !scene_.trouble.empty())
        return false;
      if (now >= next_tick) {
        auto n = begun ? *begun : devices_.size();
        for (std::size_t i = 0; i < n; ++i)
          devices_[i]->tick(now);
        next_tick = now_ns() + ns_per_s / 50;
      }
      scene_.loop.step(now_ns() + ns_per_s / 100);
    }
    return true;
  }

  std::uint64_t handed() const {
    auto n = std::uint64_t{0};
    for (auto& x : devices_)
      n += x->handed();
    return n;
  }

  options wishes_;
  test::temp_dir folder_;
  server server_;
  scene scene_;
  std::vector<std::unique_ptr<storm_device>> devices_;
};

} // namespace
} // namespace shoal::faults

int main(int argc, char** argv) {
  auto wishes = shoal::faults::options{};
  auto app = CLI::App{"Thousands of devices lose their connections at once and come back."};
  wishes.seed = std::random_device{}();
  wishes.shoald = shoal::faults::find_shoald();
  app.add_option("--devices", wishes.devices, "How many")->check(CLI::Range(1, 1'000'000));
  app.add_option("--storms", wishes.storms, "How often")->check(CLI::Range(1, 1000));
  app.add_option("--patience", wishes.patience_s, "Seconds until everybody must be back");
  app.add_option("--seed", wishes.seed, "Of the backoff's jitter");
  app.add_option("--shoald", wishes.shoald, "The server");
  CLI11_PARSE(app, argc, argv);
  shoal::bench::raise_file_limit();
  std::cout << "seed " << wishes.seed << std::endl;
  try {
    return shoal::faults::storm{wishes}.run();
  } catch (const std::exception& e) {
    std::cerr << "shoal-storm: " << e.what() << '\n';
    return 1;
  }
}
