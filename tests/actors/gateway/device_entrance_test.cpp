#include <gtest/gtest.h>

#include "protocol/device.pb.h"
#include "protocol/mgw/signature.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/h2_client.hpp"

namespace shoal::test {
namespace {

using headers = std::map<std::string, std::string>;

class device_entrance : public GatewayFixture {
protected:
  device_entrance() {
    who = std::make_shared<const tls::device_identity>(
        tls::device_identity{"shop@test", "d1", "u1", false});
  }

  wire::CallResult ask(const headers& fields = {}, const std::string& data = "[{}]",
      const std::string& operation = "com.shop.get") {
    auto client = connect("shoal/1");
    EXPECT_EQ(client.read_frame()->type, frame_type::welcome);
    auto x = wire::Call{};
    x.set_id(5);
    x.set_operation(operation);
    x.set_data(data);
    for (auto& [name, value] : fields)
      (*x.mutable_headers())[name] = value;
    client.send_frame(frame_type::call, x.SerializeAsString());
    auto out = wire::CallResult{};
    auto got = client.read_frame();
    EXPECT_TRUE(got && got->type == frame_type::call_result && out.ParseFromString(got->body));
    EXPECT_EQ(out.id(), 5u);
    return out;
  }
};

TEST_F(device_entrance, carries_a_call_to_its_backend_and_the_bare_result_back) {
  auto x = ask();
  EXPECT_EQ(x.code(), 1000u);
  EXPECT_EQ(x.data(), "{\"n\":1}");
  EXPECT_EQ(x.content_type(), "application/json");
}

TEST_F(device_entrance, tells_the_backend_what_the_connection_has_proved_not_what_the_call_says) {
  auto head = std::string{};
  answer_with = [&](const heard& x) {
    head = x.head;
    return scripted_backend::ok("{}");
  };
  ask({{"UserId", "somebody-else"}, {"Did", "d2"}, {"AppId", "other"}, {"X-Own", "kept"}});
  EXPECT_NE(head.find("UserId: u1\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Did: d1\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("AppId: shop\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("WorkspaceId: test\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("X-Own: kept\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("somebody-else"), std::string::npos) << head;
}

TEST_F(device_entrance, says_what_is_wrong_with_a_call) {
  EXPECT_EQ(ask({}, "[{}]", "com.shop.missing").code(), 3000u);
  EXPECT_EQ(ask({}, "[{}]", "").code(), 3000u);
  EXPECT_EQ(ask({}, "").code(), 3001u);
  EXPECT_EQ(ask({{"Nonce", "has blanks in it"}}).code(), 3002u);
}

TEST_F(device_entrance, asks_for_signatures_as_everywhere) {
  settings.sign = true;
  auto x = ask();
  EXPECT_EQ(x.code(), 7014u);
  EXPECT_FALSE(x.tips().empty());
}

TEST_F(device_entrance, drops_the_backends_request_of_a_call_that_is_cancelled) {
  answer_with = [](const heard& x) {
    return x.body == "1" ? say{"", then::hang} : scripted_backend::ok("{}");
  };
  group.max_connections = 1; // so the second call gets through only if the first is gone
  api.timeout_ms = 60'000;
  auto client = connect("shoal/1");
  EXPECT_EQ(client.read_frame()->type, frame_type::welcome);
  for (auto id : {1u, 2u}) {
    auto x = wire::Call{};
    x.set_id(id);
    x.set_operation("com.shop.get");
    x.set_data("[{\"_requestBody\":" + std::to_string(id) + "}]");
    client.send_frame(frame_type::call, x.SerializeAsString());
  }
  auto cancel = wire::CallCancel{};
  cancel.set_id(1);
  client.send_frame(frame_type::call_cancel, cancel.SerializeAsString());
  auto out = wire::CallResult{};
  auto got = client.read_frame();
  ASSERT_TRUE(got && out.ParseFromString(got->body));
  EXPECT_EQ(out.id(), 2u);
  EXPECT_EQ(out.code(), 1000u);
}

TEST_F(device_entrance, names_a_backend_that_fails) {
  answer_with = [](const heard&) { return say{"", then::reset}; };
  EXPECT_EQ(ask().code(), 4002u);
}

/// The first request is answered while the second is still to be looked at, and that answer sends
/// the GOAWAY that the bytes behind both have earned.
TEST_F(device_entrance, makes_no_device_on_an_http_2_connection_that_has_ended_meanwhile) {
  auto client = connect("h2");
  auto session = h2_client{};
  session.ask(h2_head("GET", "/mgw.htm"));
  session.ask(h2_connect(), {}, true);
  constexpr auto window_update_of_nothing = std::string_view{"\0\0\4\x8\0\0\0\0\0\0\0\0\0", 13};
  client.send(session.take().append(window_update_of_nothing));
  while (!client.read_some().empty()) {
  }
  EXPECT_EQ(endpoint->stats().websocket_connections, 0u);
  endpoint->stop(); // nothing is left that would look for its connection
}

} // namespace
} // namespace shoal::test
