// Backends over TLS, good ones and bad ones, behind a gateway on a real loop.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "tests/support/byte_server.hpp"
#include "tests/support/gateway_fixture.hpp"

namespace shoal::test {
namespace {

std::string text_of(const std::string& file) {
  auto in = std::ifstream{file};
  auto out = std::stringstream{};
  out << in.rdbuf();
  return out.str();
}

/// An authority, a backend's certificate of it for "orders.internal" and 127.0.0.1, and a stranger.
class GatewayTls : public GatewayFixture {
protected:
  GatewayTls() {
    tls::write_authority(authority, "authority");
    tls::write_signed(server, {"orders.internal", "127.0.0.1"}, authority);
    tls::write_authority(other_authority, "other authority");
    tls::write_signed(client, {"gateway"}, authority);
    group.tls.enabled = true;
    group.tls.ca_pem = text_of(authority.certificate);
    api.backend.method = "GET";
  }

  tls::pem_files files(const std::string& name) const {
    return {dir.path() / (name + ".pem"), dir.path() / (name + ".key")};
  }

  /// Secured by default; `change` may make it worse.
  scripted_backend& serve(backend_tls change = {}) {
    change.certificate_file = server.certificate;
    change.key_file = server.key;
    secure = std::make_unique<scripted_backend>(
        [this](const heard& x) { return answer_with(x); }, change);
    group.upstreams = {{secure->address(), 1, {}}};
    return *secure;
  }

  temp_dir dir;
  tls::pem_files authority = files("ca"), other_authority = files("other"),
                 server = files("server"), client = files("client");
  std::unique_ptr<scripted_backend> secure;
};

TEST_F(GatewayTls, CallsShareAConnectionThatIsVerified) {
  auto& to = serve();
  auto c = connect();
  for (auto i = 0; i < 5; ++i)
    EXPECT_EQ(c.ask(request()).body, "{\"n\":1}");
  EXPECT_EQ(to.connections(), 1);
  EXPECT_EQ(to.asked_name(), "") << "an address is no server name";
}

TEST_F(GatewayTls, TheServerNameCanBeSetAndIsAskedFor) {
  auto& to = serve();
  group.tls.server_name = "orders.internal";
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_EQ(to.asked_name(), "orders.internal");
}

TEST_F(GatewayTls, ACertificateForAnotherNameIsRefused) {
  auto& to = serve();
  group.tls.server_name = "payments.internal";
  auto c = connect();
  auto answer = c.ask(request());
  EXPECT_EQ(code(answer), "4002");
  EXPECT_THAT(field(answer, "Memo"), testing::HasSubstr("certificate"));
  EXPECT_EQ(to.requests(), 0);
}

TEST_F(GatewayTls, ACertificateOfAnotherAuthorityIsRefusedUnlessNobodyShallLook) {
  auto& to = serve();
  group.tls.ca_pem = text_of(other_authority.certificate);
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4002");
  EXPECT_EQ(to.requests(), 0);
  group.tls.ca_pem.clear(); // the system's, which do not know it either
  publish();
  EXPECT_EQ(code(c.ask(request())), "4002");
  EXPECT_EQ(to.requests(), 0);
  group.tls.verify = false;
  publish();
  EXPECT_EQ(code(c.ask(request())), "1000");
}

TEST_F(GatewayTls, ABackendWithoutTlsGetsNoPlainText) {
  group.upstreams = {{backend.address(), 1, {}}};
  group.timeout_ms = 500; // the backend waits for the end of what it takes for a head
  auto c = connect();
  EXPECT_THAT(code(c.ask(request())), testing::AnyOf("4001", "4002"));
  EXPECT_GE(backend.connections(), 1);
  EXPECT_EQ(backend.requests(), 0);
}

TEST_F(GatewayTls, ABackendThatAnswersInPlainTextIsRefused) {
  auto rude = byte_server{[](auto&) {
    return byte_server::say{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", true};
  }};
  group.upstreams = {{rude.address(), 1, {}}};
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4002");
}

TEST_F(GatewayTls, AHandshakeThatHangsEndsWithTheCallsTime) {
  auto mute = byte_server{[](auto&) { return byte_server::say{}; }};
  group.upstreams = {{mute.address(), 1, {}}};
  group.timeout_ms = 200;
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4001");
}

TEST_F(GatewayTls, AGroupWhoseCertificatesCannotBeUsedIsNotCalled) {
  serve();
  group.tls.ca_pem = "no certificate";
  EXPECT_THAT(gateway::problem_of(group), testing::HasSubstr("ca_pem"));
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "6000");
  EXPECT_EQ(secure->connections(), 0);
}

TEST_F(GatewayTls, ABackendThatAsksForACertificateGetsOurs) {
  auto asks = backend_tls{};
  asks.client_ca_file = authority.certificate;
  asks.version = TLS1_2_VERSION; // where the handshake itself fails without one
  serve(asks);
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4002");
  group.tls.certificate_pem = text_of(client.certificate);
  group.tls.key_pem = text_of(client.key);
  publish();
  EXPECT_EQ(code(c.ask(request())), "1000");
  group.tls.key_pem = text_of(server.key);
  EXPECT_THAT(gateway::problem_of(group), testing::HasSubstr("key_pem does not belong"));
}

TEST_F(GatewayTls, ALaterConnectionTakesUpTheSession) {
  for (auto version : {0, TLS1_2_VERSION}) {
    auto how = backend_tls{};
    how.version = version;
    answer_with = [](const heard&) {
      return scripted_backend::say{
          scripted_backend::ok("{}", "Connection: close\r\n").bytes, then::close};
    };
    auto& to = serve(how);
    publish();
    auto c = connect();
    for (auto i = 0; i < 4; ++i)
      EXPECT_EQ(code(c.ask(request())), "1000");
    EXPECT_EQ(to.connections(), 4);
    EXPECT_EQ(to.resumed(), 3) << version;
  }
}

TEST_F(GatewayTls, AFaultOfTheBackendEndsItsConnectionOnly) {
  auto rude = std::map<std::string, say>{
      {"/reset", {"", then::reset}},
      {"/half", {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", then::close}},
      {"/more", {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", then::keep}},
      {"/garbage", {"hello\r\n\r\n", then::keep}},
  };
  answer_with = [&](const heard& x) {
    auto found = rude.find(x.path);
    return found == rude.end() ? scripted_backend::ok("{\"n\":1}") : found->second;
  };
  auto& to = serve();
  group.retry.attempts = 0;
  group.health.eject_after = 0;
  auto c = connect();
  for (auto& [path, what] : rude) {
    api.backend.path = path;
    publish();
    auto before = to.connections();
    EXPECT_EQ(code(c.ask(request())), path == "/more" ? "1000" : "4002") << path;
    api.backend.path = "/good";
    publish();
    EXPECT_EQ(code(c.ask(request())), "1000") << "after " << path;
    EXPECT_LE(to.connections(), before + 2);
  }
}

TEST_F(GatewayTls, LargeBodiesPassBothWays) {
  auto large = std::string(900'000, 'x');
  answer_with = [](const heard& x) { return scripted_backend::ok(x.body); };
  serve();
  api.backend.method = "POST";
  auto c = connect();
  EXPECT_TRUE(
      c.ask(request("", "[{\"_requestBody\":\"" + large + "\"}]")).body == "\"" + large + "\"");
}

} // namespace
} // namespace shoal::test
