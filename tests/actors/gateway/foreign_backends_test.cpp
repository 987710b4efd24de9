// Backends that are somebody else's code, behind a gateway on a real loop: nghttpd and nginx as
// HTTP/2 servers, Python's grpcio as gRPC service. What is proven against our own servers only may
// be what both sides got wrong alike.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "tests/support/child_process.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

using testing::HasSubstr;

// Debian's, which has Debian's grpcio.
constexpr auto python = "/usr/bin/python3";

std::string text_of(const std::string& file) {
  auto out = std::stringstream{};
  out << std::ifstream{file}.rdbuf();
  return out.str();
}

bool works(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

enum class way { clear, tls };

/// A server of the test, in a folder of its own, with a certificate should it want one.
class Foreign : public GatewayFixture {
protected:
  Foreign() {
    group.protocol = gateway::backend_protocol::h2;
    group.health.eject_after = 0;
    group.retry.attempts = 0;
    tls::write_authority(authority, "authority");
    tls::write_signed(server, {"127.0.0.1"}, authority);
  }

  /// Skips where the programs are not installed; where they must be, that is a failure.
  static bool is_missing(const std::string& command) {
    if (works(command))
      return false;
    EXPECT_EQ(std::getenv("CI"), nullptr)
        << command << ": tools/dev setup installs what this needs";
    return true;
  }

  void call_at(std::uint16_t port, way by) {
    group.upstreams = {{"127.0.0.1:" + std::to_string(port), 1, {}}};
    group.tls.enabled = by == way::tls;
    group.tls.ca_pem = group.tls.enabled ? text_of(authority.certificate) : "";
  }

  std::string path(const std::string& name) const { return (dir.path() / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream{path(name)} << text;
  }

  /// `inside`: of the server.
  std::uint16_t start_nginx(way by, const std::string& inside, const std::string& port = "") {
    auto number = port.empty() ? std::to_string(free_port()) : port;
    auto conf = std::ofstream{path("nginx.conf")};
    conf << "daemon off;\nmaster_process off;\npid " << path("pid") << ";\nerror_log stderr;\n"
         << "events {}\nhttp {\naccess_log off;\ndefault_type application/json;\n";
    for (auto* what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
      conf << what << "_temp_path " << path(what) << ";\n";
    conf << "server {\nlisten 127.0.0.1:" << number << (by == way::tls ? " ssl" : "")
         << " http2;\nssl_certificate " << server.certificate << ";\nssl_certificate_key "
         << server.key << ";\n"
         << inside << "}\n}\n";
    conf.close();
    nginx = std::make_unique<child_process>(std::vector<std::string>{"nginx", "-e", "stderr", "-c",
                                                path("nginx.conf"), "-p", dir.path()},
        path("nginx.log"));
    auto out = static_cast<std::uint16_t>(std::stoi(number));
    nginx->wait_for_port(out);
    return out;
  }

  temp_dir dir;
  tls::pem_files authority{dir.path() / "ca.pem", dir.path() / "ca.key"};
  tls::pem_files server{dir.path() / "server.pem", dir.path() / "server.key"};
  std::unique_ptr<child_process> nginx;
};

class NghttpdBackend : public Foreign, public testing::WithParamInterface<way> {
protected:
  void SetUp() override {
    if (is_missing("nghttpd --version"))
      GTEST_SKIP() << "nghttpd is not installed";
  }

  void start(std::vector<std::string> options = {}) {
    auto port = free_port();
    auto command = std::vector<std::string>{
        "nghttpd", "--address=127.0.0.1", "--echo-upload", "--htdocs=" + dir.path().string()};
    if (GetParam() == way::clear)
      options.emplace_back("--no-tls");
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(std::to_string(port));
    if (GetParam() == way::tls)
      command.insert(command.end(), {server.key, server.certificate});
    nghttpd = std::make_unique<child_process>(command, path("log"));
    nghttpd->wait_for_port(port);
    call_at(port, GetParam());
  }

  std::unique_ptr<child_process> nghttpd;
};

TEST_P(NghttpdBackend, BodiesOfAllSizesComeBack) {
  start();
  auto c = connect();
  for (auto size : {1u, 1'000u, 16'384u, 65'535u, 65'536u, 900'000u}) {
    auto body = "\"" + std::string(size, 'x') + "\"";
    auto answer = c.ask(request("", "[{\"_requestBody\":" + body + "}]"));
    EXPECT_EQ(code(answer), "1000") << size;
    EXPECT_TRUE(answer.body == body) << size << ": " << answer.body.substr(0, 200);
  }
}

TEST_P(NghttpdBackend, TinyWindowsOnItsSideOnlyMakeItSlower) {
  start({"--window-bits=8", "--connection-window-bits=9"});
  auto body = "\"" + std::string(20'000, 'x') + "\"";
  api.timeout_ms = 20'000;
  auto c = connect();
  EXPECT_TRUE(c.ask(request("", "[{\"_requestBody\":" + body + "}]")).body == body);
}

TEST_P(NghttpdBackend, TwoStreamsAtATimeCarryAllCalls) {
  start({"--max-concurrent-streams=2"});
  group.max_connections = 2;
  auto clients = std::vector<std::unique_ptr<tls_client>>{};
  connect();
  for (auto i = 0; i < 20; ++i) {
    auto options = client_options{};
    options.alpn = {"http/1.1"};
    clients.push_back(std::make_unique<tls_client>(endpoint->port(), options));
  }
  for (auto i = 0u; i < 20; ++i)
    clients[i]->send(request("", "[{\"_requestBody\":" + std::to_string(i) + "}]"));
  for (auto i = 0u; i < 20; ++i)
    EXPECT_EQ(clients[i]->read_answer().body, std::to_string(i));
}

TEST_P(NghttpdBackend, AFileAMissingOneAndTrailers) {
  write("there.json", "{\"n\":1}");
  start({"--trailer=x-sum: 7"});
  api.backend.method = "GET";
  api.backend.path = "/there.json";
  auto c = connect();
  EXPECT_EQ(c.ask(request()).body, "{\"n\":1}");
  api.backend.path = "/missing";
  publish();
  auto none = c.ask(request());
  EXPECT_EQ(code(none), "4002");
  EXPECT_THAT(field(none, "Memo"), HasSubstr("404"));
  api.backend.path = "/there.json";
  publish();
  EXPECT_EQ(code(c.ask(request())), "1000") << "nobody else is hurt";
}

class NginxBackend : public Foreign, public testing::WithParamInterface<way> {
protected:
  void SetUp() override {
    if (is_missing("nginx -v"))
      GTEST_SKIP() << "nginx is not installed";
  }
};

TEST_P(NginxBackend, AConnectionThatTakesThreeCallsOnlyLosesNone) {
  call_at(
      start_nginx(GetParam(), "keepalive_requests 3;\nlocation / { return 200 '{\"n\":1}'; }\n"),
      GetParam());
  auto c = connect();
  for (auto i = 0; i < 20; ++i)
    EXPECT_EQ(code(c.ask(request())), "1000") << i;
  auto clients = std::vector<std::unique_ptr<tls_client>>{};
  for (auto i = 0; i < 10; ++i) {
    auto options = client_options{};
    options.alpn = {"http/1.1"};
    clients.push_back(std::make_unique<tls_client>(endpoint->port(), options));
    clients.back()->send(request());
  }
  for (auto& x : clients) {
    auto answer = x->read_answer();
    EXPECT_EQ(code(answer), "1000") << answer.head;
  }
}

TEST_P(NginxBackend, AnAnswerThatDoesNotWaitForTheBodyIsTheAnswer) {
  call_at(start_nginx(GetParam(), "client_max_body_size 1k;\nlocation / { return 200 '1'; }\n"),
      GetParam());
  auto c = connect();
  auto large = c.ask(request("", "[{\"_requestBody\":\"" + std::string(900'000, 'x') + "\"}]"));
  EXPECT_EQ(code(large), "4002");
  EXPECT_THAT(field(large, "Memo"), HasSubstr("413"));
  EXPECT_EQ(code(c.ask(request())), "1000");
}

TEST_P(NginxBackend, ErrorsRedirectsAndEmptyAnswersAreWhatTheyAre) {
  call_at(start_nginx(GetParam(), "location /busy { return 503 '{\"why\":1}'; }\n"
                                  "location /moved { return 302 /x; }\n"
                                  "location /empty { return 204; }\n"),
      GetParam());
  api.backend.path = "/busy";
  auto c = connect();
  auto busy = c.ask(request());
  EXPECT_EQ(code(busy), "4002");
  EXPECT_THAT(field(busy, "Memo"), HasSubstr("503"));
  EXPECT_THAT(busy.body, HasSubstr("{\"why\":1}"));
  api.backend.path = "/moved";
  publish();
  EXPECT_THAT(field(c.ask(request()), "Memo"), HasSubstr("302"));
  api.backend.path = "/empty";
  publish();
  EXPECT_EQ(code(c.ask(request())), "1000");
}

TEST_P(NginxBackend, LargeFilesArriveWhole) {
  auto body = "\"" + std::string(5'000'000, 'x') + "\"";
  write("large", body);
  call_at(start_nginx(GetParam(), "root " + dir.path().string() + ";\n"), GetParam());
  api.backend.method = "GET";
  api.backend.path = "/large";
  auto c = connect();
  EXPECT_TRUE(c.ask(request()).body == body);
}

TEST_P(NginxBackend, OneThatDiesAndComesBackIsFoundAgain) {
  auto inside = "location / { return 200 '1'; }\n";
  auto port = start_nginx(GetParam(), inside);
  call_at(port, GetParam());
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  nginx->kill();
  EXPECT_EQ(code(c.ask(request())), "4002");
  start_nginx(GetParam(), inside, std::to_string(port));
  EXPECT_EQ(code(c.ask(request())), "1000");
}

/// How the service is reached: at its own port, at its own port over TLS, through nginx.
enum class grpc_way { clear, tls, proxied };

class GrpcioBackend : public Foreign, public testing::WithParamInterface<grpc_way> {
protected:
  void SetUp() override {
    if (is_missing(std::string{python} + " -c 'import grpc'") ||
        (GetParam() == grpc_way::proxied && is_missing("nginx -v")))
      GTEST_SKIP() << "grpcio or nginx is not installed";
    group.kind = gateway::backend_kind::grpc;
    api.request.message = "shop.Order";
    api.request.proto = "shop";
    auto command = std::vector<std::string>{
        python, SHOAL_SOURCE_DIR "/tests/actors/gateway/grpc_service.py", dir.path()};
    if (GetParam() == grpc_way::tls)
      command.insert(command.end(), {server.key, server.certificate});
    service = std::make_unique<child_process>(command, path("log"));
    service->wait_until([this] { return !text_of(path("port")).empty(); });
    auto port = static_cast<std::uint16_t>(std::stoi(text_of(path("port"))));
    if (GetParam() == grpc_way::proxied)
      port = start_nginx(
          way::clear, "client_max_body_size 8m;\nlocation / { grpc_pass grpc://127.0.0.1:" +
                          std::to_string(port) + "; }\n");
    call_at(port, GetParam() == grpc_way::tls ? way::tls : way::clear);
  }

  /// The answer of a method. One client for all of a test.
  http_answer ask(const std::string& method, const std::string& argument = "{}") {
    api.backend.path = "/shop.Orders/" + method;
    publish();
    if (!client) {
      auto types = gateway::proto_definition{};
      types.name = "shop";
      auto text = std::string{"syntax = \"proto3\"; package shop; message Order { int64 id = 1; "
                              "string name = 2; } message Made { string number = 1; }"
                              "service Orders { "};
      for (auto* x : {"Echo", "Large"})
        text += "rpc " + std::string{x} + "(Order) returns (Order); ";
      for (auto* x : {"TimeLeft", "Caller", "Missing", "LateFault", "Crash", "Slow",
               "WaitForCancelled", "Unknown"})
        text += "rpc " + std::string{x} + "(Order) returns (Made); ";
      types.files["shop.proto"] = text + "}";
      add(std::move(types));
      connect();
      auto options = client_options{};
      options.alpn = {"http/1.1"};
      client = std::make_unique<tls_client>(endpoint->port(), options);
    }
    return client->ask(request("", "[{\"_requestBody\":" + argument + "}]"));
  }

  std::unique_ptr<child_process> service;
  std::unique_ptr<tls_client> client;
};

TEST_P(GrpcioBackend, MessagesGoThereAndBack) {
  EXPECT_EQ(ask("Echo", R"({"id":5,"name":"a"})").body, R"({"id":"5","name":"a"})");
  EXPECT_EQ(code(ask("Echo")), "1000") << "an empty message is one";
  auto name = std::string(500'000, 'x');
  EXPECT_TRUE(ask("Echo", "{\"name\":\"" + name + "\"}").body == "{\"name\":\"" + name + "\"}");
  EXPECT_TRUE(ask("Large").body == "{\"name\":\"" + std::string(std::size_t{1} << 20, 'x') + "\"}");
  EXPECT_EQ(ask("Caller").body, R"({"number":"com.shop.get"})");
}

TEST_P(GrpcioBackend, AnErrorWithoutAMessageHasItsCodeAndText) {
  auto missing = ask("Missing"); // ends in the head: "trailers-only"
  EXPECT_EQ(code(missing), "6005");
  EXPECT_EQ(field(missing, "Memo"), "grpc-status%205%3A%20no%20order%205%20%2541%20%C3%BC%0Ahere");
  EXPECT_EQ(code(ask("Unknown")), "6000");
  auto late = ask("LateFault"); // ends in trailers behind a head
  EXPECT_EQ(code(late), "4002");
  EXPECT_THAT(field(late, "Memo"), HasSubstr("not%20now"));
  EXPECT_EQ(code(ask("Crash")), "4002");
  EXPECT_EQ(code(ask("Echo")), "1000");
}

TEST_P(GrpcioBackend, TheServiceHearsHowMuchTimeIsLeft) {
  api.timeout_ms = 5000;
  auto said = ask("TimeLeft").body; // {"number":"4990"}
  auto begin = said.find(":\"");
  ASSERT_NE(begin, std::string::npos) << said;
  auto left = std::stoi(said.substr(begin + 2));
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 5000);
}

TEST_P(GrpcioBackend, ACallWhoseTimeIsOverIsOverThereToo) {
  ask("Echo"); // connects
  api.timeout_ms = 1000;
  EXPECT_EQ(code(ask("Slow")), "4001");
  api.timeout_ms = 30'000;
  EXPECT_EQ(ask("WaitForCancelled").body, R"({"number":"cancelled"})");
}

TEST_P(GrpcioBackend, ItsHealthServiceKeepsItIn) {
  group.health.path = "/";
  group.health.interval_ms = 100;
  group.health.unhealthy_after = 1;
  group.upstreams.push_back({"127.0.0.1:" + std::to_string(free_port()), 1, {}}); // nobody
  ask("Echo");
  auto in_a_row = 0;
  EXPECT_TRUE(eventually([&] {
    in_a_row = code(ask("Echo")) == "1000" ? in_a_row + 1 : 0;
    return in_a_row == 6;
  }));
}

std::string name_of(const testing::TestParamInfo<way>& x) {
  return x.param == way::tls ? "OverTls" : "InTheClear";
}

std::string name_of_grpc(const testing::TestParamInfo<grpc_way>& x) {
  return x.param == grpc_way::tls     ? "OverTls"
         : x.param == grpc_way::clear ? "InTheClear"
                                      : "ThroughNginx";
}

INSTANTIATE_TEST_SUITE_P(Ways, NghttpdBackend, testing::Values(way::clear, way::tls), name_of);
INSTANTIATE_TEST_SUITE_P(Ways, NginxBackend, testing::Values(way::clear, way::tls), name_of);
INSTANTIATE_TEST_SUITE_P(Ways, GrpcioBackend,
    testing::Values(grpc_way::clear, grpc_way::tls, grpc_way::proxied), name_of_grpc);

} // namespace
} // namespace shoal::test
