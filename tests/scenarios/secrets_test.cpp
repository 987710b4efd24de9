// What a node says about those who are refused: that they were, and no word of what they hold.
#include "protocol/user_token.hpp"
#include "tests/scenarios/real_node.hpp"

namespace shoal::faults {
namespace {

class secrets_of_a_node : public real_node {
protected:
  secrets_of_a_node() {
    node = server{find_shoald(), folder.path().string(), {"--log-level", "debug"}};
  }

  ec answer_to_bind(const std::string& device, const std::string& token) {
    auto wire = test::tls_client{node.port()};
    say(wire, frame_type::hello, hello(device));
    auto m = wire::Bind{};
    m.set_user("u1");
    m.set_token(token);
    say(wire, frame_type::bind, m);
    while (auto x = wire.read_frame())
      if (x->type == frame_type::bound) {
        auto said = wire::Bound{};
        said.ParseFromString(x->body);
        return static_cast<ec>(said.code());
      }
    return ec::session_lost;
  }
};

TEST_F(secrets_of_a_node, are_not_in_its_log_whoever_was_refused_and_refusals_are_counted) {
  // Hellos: forged, stale, used before. Their signatures are good for somebody who reads them.
  auto forged = hello("d1");
  forged.set_signature(hmac_sha256("guessed-secret", "x"));
  auto stale = hello("d2", wall_ms() - 3'600'000);
  auto used = hello("d3");
  auto frame_of = [](const wire::Hello& m) {
    return encode_frame(frame_type::hello, m.SerializeAsString());
  };
  EXPECT_EQ(verdict_on(frame_of(forged)), ec::bad_signature);
  EXPECT_EQ(verdict_on(frame_of(stale)), ec::clock_skew);
  auto first = test::tls_client{node.port()};
  say(first, frame_type::hello, used);
  ASSERT_TRUE(first.read_frame());
  EXPECT_EQ(verdict_on(frame_of(used)), ec::nonce_replayed);

  // Tokens: of another secret, of another user, expired.
  auto now_s = wall_ms() / 1000;
  auto guessed = make_user_token("a secret that was guessed", "u1", "", now_s + 60);
  auto anothers = make_user_token(app.user_secret, "u2", "", now_s + 60);
  auto expired = make_user_token(app.user_secret, "u1", "", now_s - 60);
  EXPECT_EQ(answer_to_bind("d4", guessed), ec::bad_token);
  EXPECT_EQ(answer_to_bind("d5", anothers), ec::bad_token);
  EXPECT_EQ(answer_to_bind("d6", expired), ec::token_expired);

  // Calls: a wrong secret, and a request that was seen before.
  auto thief = api_caller{node.port(), {app.admin.id, "the thief's secret"}};
  EXPECT_EQ(thief.call("GET", app.path("/keys")).status, 401);
  auto request = signed_request(app.admin, "GET", app.path("/biz"), "", "");
  auto wire = test::tls_client{node.port(), {.alpn = {"http/1.1"}}};
  EXPECT_EQ(wire.ask(request).status, 200);
  EXPECT_EQ(wire.ask(request).status, 401);

  EXPECT_EQ(node.metric("shoal_hello_refused_total"), 3);
  EXPECT_EQ(node.metric("shoal_bind_refused_total"), 3);
  EXPECT_GE(node.metric("shoal_api_refused_total").value_or(0), 2);

  auto log = read_file(node.log_file());
  EXPECT_NE(log.find("hello refused"), std::string::npos) << "it says nothing at all";
  EXPECT_NE(log.find("bind refused"), std::string::npos);
  auto signature_of_request = request.substr(request.find("sig=") + 4, 64);
  for (auto& secret : {node.operator_key().secret, app.admin.secret, app.device.secret,
           app.user_secret, hex(stale.signature()), hex(used.signature()), hex(forged.signature()),
           stale.signature(), used.signature(), guessed, anothers, expired, signature_of_request,
           std::string{"the thief's secret"}})
    EXPECT_EQ(log.find(secret), std::string::npos) << "the log shows " << secret;
  for (auto& token : {guessed, anothers, expired}) // nor their signed or their signing half
    for (auto half : {token.substr(0, token.find('.')), token.substr(token.find('.') + 1)})
      EXPECT_EQ(log.find(half), std::string::npos) << "the log shows " << half;
}

} // namespace
} // namespace shoal::faults
