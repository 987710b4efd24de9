// A data folder comes back from a backup. The restored history gives ids that devices already know
// to other ops; `--new-epoch` is how they learn of it.
#include <filesystem>

#include "protocol/position.hpp"
#include "tests/scenarios/real_node.hpp"

namespace shoal::faults {
namespace {

namespace fs = std::filesystem;

/// What one device hears of one biz.
struct heard {
  position from; ///< of Subscribed, or of the Reset before it
  std::optional<wire::ResetReason> reset;
  std::vector<std::string> payloads;
  position at; ///< after all of them
  bool gap = false;
};

class restored_folder : public testing::Test {
protected:
  void SetUp() override {
    begin({});
    app = create_app(*node, "restored");
    auto api = caller();
    api.must("PUT", app.path("/biz/ALL"), R"({"scope":"global","target":"device","online":true})");
    api.must("PUT", app.path("/biz/EACH"), R"({"target":"device","online":true})");
  }
  void TearDown() override { node->stop(); }

  void begin(std::vector<std::string> more) {
    node = std::make_unique<server>(find_shoald(), folder.path().string(), std::move(more));
    node->start();
  }

  /// Stops, puts the backup in the folder's place, and starts.
  void restore(std::vector<std::string> more) {
    node->stop();
    fs::remove_all(node->data_dir());
    fs::copy(backup(), node->data_dir(), fs::copy_options::recursive);
    begin(std::move(more));
  }
  void back_up() {
    node->stop();
    fs::copy(node->data_dir(), backup(), fs::copy_options::recursive);
    node->start();
  }
  std::string backup() const { return (folder.path() / "backup").string(); }

  api_caller caller() const { return {node->port(), app.admin}; }

  void send(const std::string& biz, const std::string& payload) {
    auto to = biz == "EACH" ? R"(,"device":"d1")" : "";
    caller().must("POST", app.path("/sync"),
        R"({"biz":")" + biz + R"(","payload":")" + payload + '"' + to + "}");
  }

  /// Subscribes as `d1` from a position (none: epoch 0) and listens until it has all there is.
  heard listen(const std::string& biz, position from = {}) {
    auto wire = test::tls_client{node->port()};
    auto hello = wire::Hello{};
    hello.set_key(app.device.id);
    hello.set_device("d1");
    hello.set_timestamp_ms(wall_ms());
    hello.set_nonce(random_bytes(16));
    hello.set_version(1);
    hello.set_signature(hmac_sha256(
        app.device.secret, hello_string(hello.key(), "d1", hello.timestamp_ms(), hello.nonce())));
    wire.send_frame(frame_type::hello, hello.SerializeAsString());
    auto wish = wire::Subscribe{};
    auto& entry = *wish.add_entries();
    entry.set_biz(biz);
    if (from.epoch != 0) {
      entry.mutable_position()->set_epoch(from.epoch);
      entry.mutable_position()->set_id(from.id);
    }
    wire.send_frame(frame_type::subscribe, wish.SerializeAsString());
    return follow(wire);
  }

  static heard follow(test::tls_client& wire) {
    heard out;
    auto latest = std::optional<std::uint64_t>{};
    while (!latest || out.at.id < *latest) {
      auto x = wire.read_frame();
      if (!x) {
        ADD_FAILURE() << "the connection ended";
        break;
      }
      if (x->type == frame_type::reset) {
        auto m = wire::Reset{};
        m.ParseFromString(x->body);
        out.reset = m.reason();
        out.from = out.at = {m.epoch(), m.id()};
      } else if (x->type == frame_type::subscribed) {
        auto m = wire::Subscribed{};
        m.ParseFromString(x->body);
        latest = m.latest();
        EXPECT_TRUE(!out.reset || m.position().id() == out.from.id);
        out.from = out.at = {m.position().epoch(), m.position().id()};
      } else if (x->type == frame_type::ops) {
        auto m = wire::Ops{};
        m.ParseFromString(x->body);
        out.gap = out.gap || m.after() != out.at.id || m.epoch() != out.at.epoch;
        for (auto& op : m.ops())
          out.payloads.push_back(op.payload());
        out.at.id = m.upto();
      }
    }
    return out;
  }

  test::temp_dir folder;
  std::unique_ptr<server> node;
  test_app app;
};

using texts = std::vector<std::string>;

TEST_F(restored_folder, with_new_epoch_every_device_is_told_and_nothing_is_skipped) {
  for (auto biz : {"ALL", "EACH"}) {
    send(biz, "kept 1");
    send(biz, "kept 2");
  }
  back_up();
  auto positions = std::map<std::string, position>{};
  for (auto biz : {"ALL", "EACH"}) {
    send(biz, "lost 3");
    send(biz, "lost 4");
    positions[biz] = listen(biz).at;
    ASSERT_EQ(positions[biz].id, 4u);
  }
  restore({"--new-epoch"});
  for (auto biz : {"ALL", "EACH"}) {
    // The new history grows beyond what the device knows of the old one: only the epoch tells.
    for (auto payload : {"new 3", "new 4", "new 5"})
      send(biz, payload);
    auto ahead = listen(biz, positions[biz]);
    EXPECT_EQ(ahead.reset, wire::RESET_EPOCH) << biz;
    EXPECT_GT(ahead.at.epoch, positions[biz].epoch) << biz;
    EXPECT_FALSE(ahead.gap) << biz;
    // What the Reset does not cover is delivered: the app reloads up to there, then goes on.
    auto all = texts{"kept 1", "kept 2", "new 3", "new 4", "new 5"};
    auto rest = texts(all.begin() + static_cast<std::ptrdiff_t>(ahead.from.id), all.end());
    EXPECT_EQ(ahead.payloads, rest) << biz;
    EXPECT_LE(ahead.from.id, 2u) << biz << ": it was reset over ops of the new history";
    auto behind = listen(biz, {positions[biz].epoch, 1});
    EXPECT_EQ(behind.reset, wire::RESET_EPOCH) << biz << ": ids it knows are safe, it cannot know";
    auto again = listen(biz, ahead.at);
    EXPECT_EQ(again.reset, std::nullopt) << biz << ": once is enough";
    EXPECT_EQ(again.payloads, texts{}) << biz;
  }
}

TEST_F(restored_folder, the_new_epoch_stays_when_the_node_starts_again) {
  send("ALL", "kept 1");
  back_up();
  restore({"--new-epoch"});
  auto at = listen("ALL").at;
  node->stop();
  begin({});
  auto after = listen("ALL", at);
  EXPECT_EQ(after.reset, std::nullopt);
  EXPECT_EQ(after.at, at);
}

TEST_F(restored_folder, without_the_flag_only_devices_ahead_of_it_can_be_told) {
  send("ALL", "kept 1");
  back_up();
  send("ALL", "lost 2");
  auto at = listen("ALL").at;
  restore({});
  EXPECT_EQ(listen("ALL", at).reset, wire::RESET_AHEAD);
}

} // namespace
} // namespace shoal::faults
