// shoal-registry-cluster [APIS]: what definitions cost on three nodes with etcd, real processes
// over TLS. Prints one figure a line. Ends with 1 if a node did not have what it should have had,
// with 77 if there is no etcd.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/faults/fault_cluster.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace shoal::faults;
using nlohmann::json;
using steady = std::chrono::steady_clock;

constexpr auto nodes = std::size_t{3}, per_import = std::size_t{200};
constexpr auto timed_changes = 200, missed_changes = 300;
constexpr auto patience_ms = 60'000;

double millis(steady::duration x) { return std::chrono::duration<double, std::milli>(x).count(); }

void say(const char* name, double value, const char* unit) {
  std::printf("%-60s %10.1f %s\n", name, value, unit);
  std::fflush(stdout);
}

std::string operation_of(std::size_t number) {
  return "com.shop.service" + std::to_string(number % 200) + ".op" + std::to_string(number);
}

json api_of(std::size_t number, int timeout_ms) {
  return {{"group", "orders"}, {"method", "GET"},
      {"path",
          "/service" + std::to_string(number % 200) + "/op" + std::to_string(number) + "/{id}"},
      {"timeout_ms", timeout_ms}, {"limits", json::array({json{{"limit", 100}}})}};
}

class bench {
public:
  bench(const std::string& folder, std::size_t apis) : apis_{apis}, cluster_{plan_in(folder)} {}

  void run() {
    cluster_.start();
    if (!cluster_.await_whole(patience_ms))
      throw std::runtime_error{"the cluster does not start: " + cluster_.what_is_missing()};
    app_ = create_app(cluster_.api(0), cluster_.operator_key(), "shop");
    for (auto i = std::size_t{0}; i < nodes; ++i)
      at_.push_back(std::make_unique<api_caller>(cluster_.api(i), app_.admin));
    import();
    change();
    come_back();
  }

private:
  static cluster_plan plan_in(const std::string& folder) {
    auto out = cluster_plan{};
    out.shoald = find_shoald();
    out.folder = folder;
    out.nodes = nodes;
    return out;
  }

  void import() {
    at_[0]->must("PUT", app_.path("/gateway/groups/orders"),
        R"({"upstreams":[{"address":"127.0.0.1:80"}]})");
    auto began = steady::now();
    for (auto i = std::size_t{0}; i < apis_; i += per_import) {
      auto some = json::array();
      for (auto j = i; j < std::min(i + per_import, apis_); ++j) {
        some.push_back(api_of(j, 1'000));
        some.back()["operation"] = operation_of(j);
      }
      at_[0]->must("POST", app_.path("/gateway/import"), json{{"apis", some}}.dump());
    }
    say("import of all, 200 to a call", millis(steady::now() - began), "ms");
  }

  std::string path_of(std::size_t number) const {
    return app_.path("/gateway/apis/" + operation_of(number));
  }

  /// What a node has, from its own memory.
  int timeout_at(std::size_t node, std::size_t number) {
    auto got = at_[node]->call("GET", path_of(number));
    auto body = json::parse(got.body, nullptr, false);
    return got.status == 200 && body.is_object() ? body.value("timeout_ms", -1) : -1;
  }

  /// Each in turn is asked; all have the change when it is answered.
  void change() {
    auto took = std::vector<double>{};
    for (auto i = 0; i < timed_changes; ++i) {
      auto node = static_cast<std::size_t>(i) % nodes;
      auto number = static_cast<std::size_t>(i) * 397 % apis_;
      auto body = api_of(number, 2'000 + i).dump();
      auto began = steady::now();
      at_[node]->must("PUT", path_of(number), body);
      took.push_back(millis(steady::now() - began));
      for (auto other = std::size_t{0}; other < nodes; ++other)
        if (timeout_at(other, number) != 2'000 + i)
          throw std::runtime_error{"a change was answered before all nodes had it"};
    }
    std::ranges::sort(took);
    say("a change, synced and on all three, p50", took[took.size() / 2], "ms");
    say("a change, synced and on all three, p99", took[took.size() * 99 / 100], "ms");
  }

  /// The node that is killed may lead: then changes wait for the next leader.
  void come_back() {
    auto away = nodes - 1;
    cluster_.kill(away);
    for (auto i = 0; i < missed_changes; ++i) {
      auto number = static_cast<std::size_t>(i) % apis_;
      auto body = api_of(number, 5'000 + i).dump();
      if (!wait_until(patience_ms,
              [&] { return at_[0]->call("PUT", path_of(number), body).status == 200; }))
        throw std::runtime_error{"two nodes of three take no changes"};
    }
    auto last = static_cast<std::size_t>(missed_changes - 1) % apis_;
    auto began = steady::now();
    cluster_.launch(away);
    auto whole = [&] {
      return cluster_.ready(away) && timeout_at(away, last) == 5'000 + missed_changes - 1;
    };
    if (!wait_until(patience_ms, whole))
      throw std::runtime_error{"the node that was away lacks changes"};
    say("a node that missed 300: started, ready, has them", millis(steady::now() - began), "ms");
  }

  std::size_t apis_;
  fault_cluster cluster_;
  test_app app_;
  std::vector<std::unique_ptr<api_caller>> at_;
};

} // namespace

int main(int argc, char** argv) {
  if (std::system("command -v etcd >/dev/null 2>&1") != 0) {
    std::fprintf(stderr, "shoal-registry-cluster: skipped, there is no etcd here\n");
    return 77;
  }
  std::signal(SIGPIPE, SIG_IGN);
  auto result = 0;
  try {
    auto folder = shoal::test::temp_dir{};
    auto apis = argc > 1 ? static_cast<std::size_t>(std::atoll(argv[1])) : 40'000;
    bench{folder.path().string(), apis}.run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "shoal-registry-cluster: %s\n", e.what());
    result = 1;
  }
  return result;
}
