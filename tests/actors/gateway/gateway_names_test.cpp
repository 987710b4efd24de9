// Names of backends that come to mean something else while the gateway runs. The names are this
// file's: the program's getaddrinfo looks here first.
#include <atomic>
#include <map>
#include <mutex>
#include <optional>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <netdb.h>

#include "tests/support/gateway_fixture.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

class known_names {
public:
  void set(const std::string& name, std::optional<std::uint16_t> port) {
    auto guard = std::lock_guard{mutex_};
    ports_[name] = port;
  }
  void clear() {
    auto guard = std::lock_guard{mutex_};
    ports_.clear();
  }
  /// Whether the name is one of these, and where it leads to.
  bool find(const std::string& name, std::optional<std::uint16_t>& port) {
    auto guard = std::lock_guard{mutex_};
    auto found = ports_.find(name);
    if (found == ports_.end())
      return false;
    ++asked;
    port = found->second;
    return true;
  }

  std::atomic<int> asked{0};

private:
  std::mutex mutex_;
  std::map<std::string, std::optional<std::uint16_t>> ports_; // guarded by mutex_
};

known_names& names() {
  static auto x = known_names{};
  return x;
}

} // namespace
} // namespace shoal::test

extern "C" int getaddrinfo(
    const char* name, const char* service, const addrinfo* hints, addrinfo** out) {
  static auto* const real =
      reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  auto port = std::optional<std::uint16_t>{};
  if (!name || !shoal::test::names().find(name, port))
    return real(name, service, hints, out);
  return port ? real("127.0.0.1", std::to_string(*port).c_str(), hints, out) : EAI_NONAME;
}

namespace shoal::test {
namespace {

class GatewayNames : public GatewayFixture {
protected:
  GatewayNames() {
    share = std::make_shared<gateway::node_share>(
        cell, wall_clock_ms, [this] { return steady_ms() + later_ms.load(); });
    names().set("orders.example", backend.port());
  }
  ~GatewayNames() override {
    endpoint.reset(); // asks no more
    names().clear();
  }

  /// What is asked every five seconds is asked again, in a moment.
  void let_time_pass() { later_ms += 6'000; }

  void expect_to_follow_the_name() {
    auto c = connect();
    EXPECT_EQ(c.ask(request()).body, old_one);
    names().set("orders.example", other.port());
    EXPECT_EQ(c.ask(request()).body, old_one) << "not before its time";
    let_time_pass();
    EXPECT_TRUE(eventually([&] { return c.ask(request()).body == new_one; }));
    names().set("orders.example", std::nullopt);
    auto before = names().asked.load();
    EXPECT_TRUE(eventually([&] { return names().asked > before + 1; }));
    EXPECT_EQ(c.ask(request()).body, new_one) << "a name server that fails takes nobody away";
  }

  const std::string old_one = "{\"n\":1}", new_one = "\"other\"";
  scripted_backend other{[](const heard&) { return scripted_backend::ok("\"other\""); }};
  std::atomic<std::int64_t> later_ms{0};
};

TEST_F(GatewayNames, AGroupsNameIsAskedAgain) {
  group.upstreams.clear();
  group.discovery = {gateway::discovery_kind::dns, "orders.example:80", 5};
  expect_to_follow_the_name();
}

TEST_F(GatewayNames, AnInstancesNameIsAskedAgain) {
  group.upstreams = {{"orders.example:80", 1, {}}};
  group.discovery.refresh_s = 5;
  expect_to_follow_the_name();
}

TEST_F(GatewayNames, ANameThatIsNotKnownYetIsAskedForSoon) {
  names().set("orders.example", std::nullopt);
  group.upstreams = {{"orders.example:80", 1, {}}};
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4003");
  names().set("orders.example", other.port());
  later_ms += 1'500; // far from the 10 s of the definition
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == new_one; }));
}

} // namespace
} // namespace shoal::test
