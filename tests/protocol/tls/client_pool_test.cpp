// The pool on a real loop: a service forwards each request of a plain endpoint to a scripted
// backend and tells in its answer what became of it.
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "protocol/tls/client_pool.hpp"
#include "protocol/tls/endpoint.hpp"
#include "protocol/tls/io_loop.hpp"
#include "tests/support/scripted_backend.hpp"
#include "tests/support/test_endpoint.hpp"
#include "tests/support/tls_client.hpp"

namespace shoal::test {
namespace {

using then = scripted_backend::then;

class forwarder : public tls::loop_service {
public:
  forwarder(tls::io_loop& loop, std::uint16_t port, tls::client_limits limits)
      : loop_{loop}, pool_{loop, {boost::asio::ip::address_v4::loopback(), port}, limits} {}

  bool serve(http::request& x, const tls::local_responder& answer) override {
    if (x.path == "/elsewhere")
      return false;
    if (x.path == "/connections") {
      answer({200, "", {}, std::to_string(pool_.connections())});
      return true;
    }
    auto id = ++last_;
    auto& made = open_[id];
    made = std::make_unique<one>(*this, id, answer);
    made->request_bytes = x.method + " " + x.path + " HTTP/1.1\r\nHost: test\r\n\r\n";
    made->is_head = x.method == "HEAD";
    loop_.alarms().set(*made, std::chrono::milliseconds{x.path == "/hang" ? 1'000 : 20'000});
    pool_.start(*made);
    return true;
  }

  void on_tick() override { pool_.sweep(); }

private:
  struct one : tls::client_exchange, tls::alarm {
    one(forwarder& of, int number, const tls::local_responder& to)
        : owner{of}, id{number}, answer{to} {}

    void on_reply(http::reply&& x) override {
      finish(x.status, x.body + " busy " + std::to_string(owner.pool_.busy()));
    }
    void on_failure(const tls::client_failure& x) override {
      constexpr auto names = std::array{"unreachable", "overloaded", "broken", "malformed"};
      finish(502, std::string{names[static_cast<std::size_t>(x.why)]} +
                      (x.had_begun ? " begun" : "") + (x.was_reused ? " reused" : ""));
    }
    void on_alarm() override { finish(504, "late"); }

    void finish(int status, std::string body) {
      auto x = http::response{};
      x.status = status;
      x.body = std::move(body);
      auto to = answer;
      owner.open_.erase(id); // destroys this
      to(std::move(x));
    }

    forwarder& owner;
    int id;
    tls::local_responder answer;
  };

  tls::io_loop& loop_;
  std::map<int, std::unique_ptr<one>> open_; // after the pool in time: cancelled before it ends
  int last_ = 0;
  tls::client_pool pool_;
};

class ClientPool : public testing::Test {
protected:
  void start(scripted_backend::script script, tls::client_limits limits = {}) {
    backend = std::make_unique<scripted_backend>(std::move(script));
    listen(backend->port(), limits);
  }

  void listen(std::uint16_t to, tls::client_limits limits = {}) {
    auto options = tls::endpoint_options{};
    options.tls = false;
    options.loops = 1;
    auto handlers = tls::endpoint_handlers{};
    handlers.on_request = [](const http::request&, const http::responder& respond) {
      respond({204, "", {}, ""});
    };
    handlers.make_service = [to, limits](tls::io_loop& loop) {
      return std::make_unique<forwarder>(loop, to, limits);
    };
    endpoint = std::make_unique<tls::endpoint>(options, handlers);
  }

  tls_client client() const {
    auto options = client_options{};
    options.tls = false;
    return tls_client{endpoint->port(), options};
  }

  static http_answer get(tls_client& x, const std::string& path) {
    return x.ask("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }

  std::unique_ptr<scripted_backend> backend;
  std::unique_ptr<tls::endpoint> endpoint;
};

TEST_F(ClientPool, CarriesRequestsOverOneConnection) {
  start([](auto& x) { return scripted_backend::ok(x.path); });
  auto c = client();
  for (auto i = 0; i < 20; ++i) {
    auto path = "/" + std::to_string(i);
    EXPECT_EQ(get(c, path).body, path + " busy 0");
  }
  EXPECT_EQ(backend->connections(), 1);
}

TEST_F(ClientPool, LeavesWhatTheServiceDoesNotTakeToTheHandler) {
  start([](auto& x) { return scripted_backend::ok(x.path); });
  auto c = client();
  EXPECT_EQ(get(c, "/elsewhere").status, 204);
}

TEST_F(ClientPool, AConnectionWithSomethingDoubtfulIsNotUsedAgain) {
  auto bad = std::map<std::string, scripted_backend::say>{
      {"/reset", {"", then::reset}},
      {"/half-head", {"HTTP/1.1 200", then::close}},
      {"/half-body", {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", then::close}},
      {"/garbage", {"hello there\r\n\r\n", then::keep}},
      {"/twice", {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n", then::keep}},
      {"/close",
          {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na", then::keep}},
  };
  auto expected = std::map<std::string, std::string>{
      {"/reset", "broken reused"},
      {"/half-head", "broken begun reused"},
      {"/half-body", "broken begun reused"},
      {"/garbage", "malformed begun reused"},
      {"/twice", "a busy 0"},
      {"/close", "a busy 0"},
  };
  start([&](auto& x) {
    auto found = bad.find(x.path);
    return found == bad.end() ? scripted_backend::ok("fine") : found->second;
  });
  auto c = client();
  for (auto& [path, what] : expected) {
    auto before = backend->connections();
    EXPECT_EQ(get(c, "/good").body, "fine busy 0");
    EXPECT_EQ(get(c, path).body, what);
    EXPECT_EQ(get(c, "/good").body, "fine busy 0") << "after " << path;
    EXPECT_GT(backend->connections(), before) << path;
  }
}

TEST_F(ClientPool, AHangingBackendCostsOnlyWhoeverWaitsForIt) {
  start([](auto& x) {
    return x.path == "/hang" ? scripted_backend::say{"", then::hang} : scripted_backend::ok("ok");
  });
  auto stuck = client(), other = client();
  stuck.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return backend->requests() == 1; }));
  EXPECT_EQ(get(other, "/a").body, "ok busy 1");
  EXPECT_EQ(stuck.read_answer().status, 504);
  EXPECT_EQ(get(other, "/a").body, "ok busy 0");
}

TEST_F(ClientPool, AnEndlessHeadEndsAtItsLimit) {
  start([](auto&) {
    return scripted_backend::say{"HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'a'), then::keep};
  });
  auto c = client();
  EXPECT_EQ(get(c, "/").body, "malformed begun");
}

TEST_F(ClientPool, NobodyListensIsToldAtOnce) {
  auto port = std::uint16_t{0};
  {
    auto gone = scripted_backend{[](auto&) { return scripted_backend::ok(""); }};
    port = gone.port();
  }
  listen(port);
  auto c = client();
  EXPECT_EQ(get(c, "/").body, "unreachable");
}

TEST_F(ClientPool, CallsBeyondTheLimitsWaitAndThenAreRefused) {
  auto limits = tls::client_limits{};
  limits.connections = 1;
  limits.waiting = 1;
  auto gate = std::atomic<bool>{false};
  start(
      [&](auto& x) {
        while (x.path == "/first" && !gate)
          std::this_thread::yield();
        return scripted_backend::ok(x.path);
      },
      limits);
  auto first = client(), second = client(), third = client();
  first.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return backend->requests() == 1; }));
  second.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
  // Whoever of the two comes later is refused.
  EXPECT_TRUE(eventually([&] { return endpoint->stats().http_requests == 2; }));
  EXPECT_EQ(get(third, "/third").body, "overloaded");
  gate = true;
  EXPECT_EQ(first.read_answer().body, "/first busy 0");
  EXPECT_EQ(second.read_answer().body, "/second busy 0");
  EXPECT_EQ(backend->connections(), 1);
}

TEST_F(ClientPool, AnIdleConnectionThatTheBackendEndsIsNotUsed) {
  start([](auto&) {
    auto out = scripted_backend::ok("ok");
    out.after = then::close; // without saying so
    return out;
  });
  auto c = client();
  for (auto i = 1; i <= 3; ++i) {
    EXPECT_EQ(get(c, "/").body, "ok busy 0");
    EXPECT_EQ(backend->connections(), i);
    EXPECT_TRUE(eventually([&] { return get(c, "/connections").body == "0"; }));
  }
}

TEST_F(ClientPool, AnEndpointCanStopWhileCallsAreUnderWay) {
  start([](auto&) { return scripted_backend::say{"", then::hang}; });
  auto c = client();
  c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return backend->requests() == 1; }));
  endpoint->stop();
  EXPECT_EQ(c.read_to_end(), "");
}

} // namespace
} // namespace shoal::test
