// A real shoald on a fresh folder, one per test, and the words that a rude device needs.
#pragma once

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocol/device.pb.h"
#include "protocol/signing.hpp"
#include "tests/faults/server.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::faults {

constexpr std::int64_t megabyte = 1 << 20;

class real_node : public testing::Test {
protected:
  void SetUp() override {
    node.start();
    app = create_app(node, "first");
    api = std::make_unique<api_caller>(node.port(), app.admin);
    put_biz("ALL", R"({"scope":"global","target":"device","online":true})");
    put_biz("EACH", R"({"target":"user","online":true})");
  }

  /// Whatever was done to it: it serves.
  void TearDown() override {
    EXPECT_EQ(node.admin("/readyz").status, 200);
    EXPECT_EQ(send("ALL", "still here").status, 200);
  }

  void put_biz(const std::string& name, const std::string& settings) {
    api->must("PUT", app.path("/biz/" + name), settings);
  }

  test::http_answer send(const std::string& biz, const std::string& payload) {
    return api->call(
        "POST", app.path("/sync"), R"({"biz":")" + biz + R"(","payload":")" + payload + R"("})");
  }

  static std::string code_of(const test::http_answer& x) {
    auto body = nlohmann::json::parse(x.body, nullptr, false);
    return body.is_object() ? body.value("code", "") : "";
  }

  wire::Hello hello(const std::string& device, std::int64_t time = wall_ms()) const {
    auto out = wire::Hello{};
    out.set_key(app.device.id);
    out.set_device(device);
    out.set_timestamp_ms(time);
    out.set_nonce(random_bytes(16));
    out.set_version(1);
    out.set_signature(hmac_sha256(
        app.device.secret, hello_string(out.key(), device, out.timestamp_ms(), out.nonce())));
    return out;
  }

  template <class Message>
  static void say(test::tls_client& to, frame_type type, const Message& m) {
    to.send_frame(type, m.SerializeAsString());
  }

  static void subscribe(test::tls_client& to, const std::string& biz) {
    auto out = wire::Subscribe{};
    out.add_entries()->set_biz(biz);
    say(to, frame_type::subscribe, out);
  }

  /// The code of the Close frame that ends the connection; `none` if it ends without one.
  static ec closing_code(test::tls_client& from) {
    while (auto x = from.read_frame())
      if (x->type == frame_type::close) {
        auto m = wire::Close{};
        m.ParseFromString(x->body);
        return static_cast<ec>(m.code());
      }
    return ec::none;
  }

  /// Connects, sends these bytes, and tells how the node ends it.
  ec verdict_on(std::string_view bytes) {
    auto x = test::tls_client{node.port()};
    x.send(bytes);
    return closing_code(x);
  }

  test::temp_dir folder;
  server node{find_shoald(), folder.path().string()};
  test_app app;
  std::unique_ptr<api_caller> api;
};

} // namespace shoal::faults
