// shoal-kill-loop: kill -9 of a loaded node at random moments, again and again, and afterwards the
// question whether every promise held (history.hpp). Ends with 1 if one did not.
//
//   writers (API, idempotency keys, retry until answered) ──> shoald ──> devices (reconnect at
//   once)
//                                                               ^
//                                     this program kills and restarts it, reads back, judges
#include <algorithm>
#include <csignal>
#include <iostream>
#include <set>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "protocol/signing.hpp"
#include "tests/faults/watched_device.hpp"
#include "tests/support/temp_dir.hpp"
#include "tools/bench/names.hpp"

namespace shoal::faults {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;

constexpr auto users = 4;
constexpr auto devices_per_user = 2;
constexpr auto final_patience_ms = 90'000;

struct options {
  int rounds = 50;
  double seconds_per_round = 3;
  int writers = 4;
  std::uint64_t seed = 0;
  std::string shoald;
};

std::string user_name(std::size_t n) { return bench::numbered("u", n); }

// -- what is written -----------------------------------------------------------------------------

struct item {
  std::string stream, principal, biz, key, payload;
  bool answered = false;

  json request() const {
    auto out = json{{"biz", biz}, {"payload_base64", base64(payload)}};
    if (auto colon = principal.find(':'); colon != std::string::npos)
      out[principal.substr(0, colon)] = principal.substr(colon + 1);
    if (!key.empty())
      out["key"] = key;
    return out;
  }
};

/// A business server: calls, and repeats with the same keys until it has heard the ids.
class writer {
public:
  writer(int number, const server& at, const test_app& app, std::uint64_t seed, history& run)
      : name_{bench::numbered("w", number)}, app_{app}, first_{at.port(), app.admin},
        second_{at.port(), app.admin}, random_{seed}, run_{run}, thread_{[this] { live(); }} {}

  ~writer() { finish(); }

  /// Returns when everything it began is answered, or 30 s later.
  void finish() {
    stopping_ = true;
    if (thread_.joinable())
      thread_.join();
  }

private:
  std::size_t pick(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_);
  }

  item make_item() {
    auto x = item{};
    auto user = user_name(pick(users));
    switch (pick(4)) {
    case 0:
      x.principal = "global", x.biz = "ALL";
      break;
    case 1:
      x.principal = "user:" + user, x.biz = "EACH";
      break;
    case 2:
      x.principal = "user:" + user, x.biz = "ONE";
      break;
    default:
      x.principal = "device:" + user + "-" + std::to_string(pick(devices_per_user)), x.biz = "OWN";
    }
    x.stream = x.principal + "/" + x.biz;
    x.payload = name_ + "-" + std::to_string(++made_) + "-" + random_bytes(pick(300));
    if (pick(10) != 0)
      x.key = name_ + "-" + std::to_string(made_);
    run_.attempted(x.stream, x.key, x.payload);
    return x;
  }

  void live() {
    while (!stopping_) {
      auto items = std::vector<item>(pick(6) == 0 ? 2 + pick(10) : 1);
      for (auto& x : items)
        x = make_item();
      write(items);
      std::this_thread::sleep_for(std::chrono::milliseconds{1 + pick(5)});
    }
  }

  void write(std::vector<item>& items) {
    auto limit = steady_clock::time_point::max();
    while (!items.empty()) {
      call(items);
      // An op without a key cannot be repeated: nobody would know whether it was the second.
      std::erase_if(items, [](const item& x) { return x.answered || x.key.empty(); });
      if (items.empty())
        return;
      if (stopping_ && limit == steady_clock::time_point::max())
        limit = steady_clock::now() + 30s;
      if (steady_clock::now() > limit)
        return run_.broken(name_ + ": no answer for 30 s");
      std::this_thread::sleep_for(std::chrono::milliseconds{5 + pick(40)});
    }
  }

  void call(std::vector<item>& items) {
    auto single = items.size() == 1;
    auto body = json{};
    for (auto& x : items)
      body["items"].push_back(x.request());
    auto text = single ? body["items"][0].dump() : body.dump();
    auto path = app_.path(single ? "/sync" : "/sync/batch");
    auto keyed = std::all_of(items.begin(), items.end(), [](auto& x) { return !x.key.empty(); });
    auto twice = keyed && pick(10) == 0;
    if (twice)
      second_.send("POST", path, text);
    hear(items, first_.call("POST", path, text));
    if (twice)
      hear(items, second_.receive());
  }

  void hear(std::vector<item>& items, const test::http_answer& answer) {
    if (answer.status == 0)
      return;
    auto body = json::parse(answer.body, nullptr, false);
    if (body.is_discarded())
      return; // cut off in the middle of the answer
    if (answer.status != 200)
      return refused(body);
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto& result = items.size() == 1 ? body : body["results"][i];
      if (result.contains("error")) {
        refused(result["error"]);
        continue;
      }
      items[i].answered = true;
      run_.acknowledged(items[i].stream, items[i].payload, result["id"].get<std::uint64_t>());
    }
  }

  void refused(const json& problem) {
    static const auto passing = std::set<std::string>{"clock_skew", "nonce_replayed", "overloaded",
        "storage_failed", "outcome_unknown", "going_away", "session_lost"};
    if (!passing.contains(problem.value("code", "")))
      run_.broken(name_ + ": refused: " + problem.dump());
  }

  std::string name_;
  const test_app& app_;
  api_caller first_, second_;
  std::mt19937_64 random_;
  history& run_;
  std::uint64_t made_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// -- the run -------------------------------------------------------------------------------------

class kill_loop {
public:
  explicit kill_loop(const options& wishes)
      : wishes_{wishes}, random_{wishes.seed}, server_{wishes.shoald, folder_.path().string()} {}

  int run() {
    server_.start();
    app_ = create_app(server_, "faults");
    create_bizs();
    create_devices();
    for (auto i = 0; i < wishes_.writers; ++i)
      writers_.push_back(std::make_unique<writer>(i, server_, app_, random_(), history_));
    for (auto i = 1; i <= wishes_.rounds; ++i)
      round(i);
    for (auto& x : writers_)
      x->finish();
    await_devices();
    server_.stop();
    server_.start();
    read_back(true);
    check_cursors();
    return report();
  }

private:
  api_caller caller() const { return {server_.port(), app_.admin}; }

  void create_bizs() {
    auto api = caller();
    api.must("PUT", app_.path("/biz/ALL"), R"({"scope":"global","target":"device","online":true})");
    api.must(
        "PUT", app_.path("/biz/EACH"), R"({"target":"user","multi_device":true,"online":true})");
    api.must("PUT", app_.path("/biz/ONE"),
        R"({"target":"user","multi_device":false,"ack_timeout_s":1,"online":true})");
    api.must("PUT", app_.path("/biz/OWN"), R"({"target":"device","online":true})");
  }

  void create_devices() {
    for (auto u = 0; u < users; ++u)
      for (auto d = 0; d < devices_per_user; ++d) {
        auto plan = device_plan{};
        plan.user = user_name(static_cast<std::size_t>(u));
        plan.id = plan.user + "-" + std::to_string(d);
        plan.streams = {{"ALL", "global/ALL"}, {"EACH", "user:" + plan.user + "/EACH"},
            {"ONE", "user:" + plan.user + "/ONE"}, {"OWN", "device:" + plan.id + "/OWN"}};
        plan.seed = random_();
        for (auto& [biz, stream] : plan.streams)
          history_.expect_reader(stream, plan.id, biz == "ONE" ? sharing::one : sharing::each);
        devices_.push_back(std::make_unique<watched_device>(server_, app_, plan, history_));
      }
  }

  void round(int number) {
    auto before = history_.count();
    sleep(0.03 + 0.97 * wishes_.seconds_per_round * part());
    server_.kill();
    ++kills_;
    while (part() < 0.2) { // while it recovers
      server_.launch();
      sleep(0.3 * part());
      server_.kill();
      ++kills_;
    }
    auto began = steady_clock::now();
    server_.start();
    auto took = std::chrono::duration<double>(steady_clock::now() - began).count();
    slowest_start_ = std::max(slowest_start_, took);
    read_back(false);
    check_cursors();
    auto now = history_.count();
    std::cout << "round " << number << " attempted " << now.attempted - before.attempted
              << " acknowledged " << now.acknowledged - before.acknowledged << " handed "
              << now.handed - before.handed << " restart_s " << took << std::endl;
  }

  /// Reads every stream: from its beginning, or what is new since the last time.
  void read_back(bool whole) {
    auto api = caller();
    for (auto& stream : history_.streams()) {
      auto after = whole ? 0 : read_[stream];
      for (auto more = true; more;) {
        auto page = json::parse(api.must("GET", app_.path("/streams/" + stream + "/ops"), "",
            "after=" + std::to_string(after) + "&limit=1000"));
        if (page.contains("damaged"))
          history_.broken(stream + ": damaged ops");
        for (auto& op : page["ops"])
          keep(stream, op);
        after = page["next_after"].get<std::uint64_t>();
        more = page["more"].get<bool>();
      }
      read_[stream] = after;
    }
  }

  void keep(const std::string& stream, const json& op) {
    auto x = stored_op{op["id"].get<std::uint64_t>(), op.value("key", ""), op.value("payload", "")};
    if (op.contains("payload_base64"))
      unbase64(op["payload_base64"].get<std::string>(), x.payload);
    history_.stored(stream, x);
  }

  void check_cursors() {
    for (auto& stream : history_.streams()) {
      if (stream != "global/ALL") {
        check_cursors(stream, "");
        continue;
      }
      for (auto u = 0; u < users; ++u)
        for (auto d = 0; d < devices_per_user; ++d)
          check_cursors(
              stream, "device=" + user_name(static_cast<std::size_t>(u)) + "-" + std::to_string(d));
    }
  }

  void check_cursors(const std::string& stream, const std::string& query) {
    auto api = caller();
    auto page =
        json::parse(api.must("GET", app_.path("/streams/" + stream + "/cursors"), "", query));
    for (auto& cursor : page["cursors"]) {
      if (cursor.contains("error"))
        history_.broken(stream + ": damaged cursor");
      else
        history_.cursor(
            stream, cursor.value("device", ""), cursor["position"]["id"].get<std::uint64_t>());
      ++cursors_;
    }
  }

  /// Everybody gets a calm minute to have everything.
  void await_devices() {
    for (auto& x : devices_)
      x->never_hang_up();
    auto settled = wait_until(final_patience_ms, [this] {
      for (auto& stream : history_.streams())
        if (!reached(stream))
          return false;
      return true;
    });
    if (!settled)
      history_.broken(
          "devices are still behind after " + std::to_string(final_patience_ms) + " ms");
    for (auto& x : devices_)
      connections_ += x->connections();
    devices_.clear(); // sends the last acknowledgements
  }

  bool reached(const std::string& stream) const {
    auto latest = history_.latest(stream);
    auto shared = stream.ends_with("/ONE");
    auto any = false, all = true;
    for (auto& name : history_.readers(stream)) {
      auto there = history_.position_of(stream, name) >= latest;
      any = any || there;
      all = all && there;
    }
    return shared ? any : all;
  }

  int report() {
    auto problems = history_.violations(true);
    for (std::size_t i = 0; i < std::min<std::size_t>(problems.size(), 50); ++i)
      std::cout << "VIOLATION " << problems[i] << '\n';
    auto n = history_.count();
    std::cout << json{{"rounds", wishes_.rounds}, {"kills", kills_}, {"seed", wishes_.seed},
                     {"attempted", n.attempted}, {"acknowledged", n.acknowledged},
                     {"stored", n.stored}, {"handed", n.handed}, {"connections", connections_},
                     {"cursors_checked", cursors_}, {"slowest_start_s", slowest_start_},
                     {"violations", problems.size()}}
                     .dump()
              << std::endl;
    return problems.empty() && n.acknowledged > 0 && n.handed > 0 ? 0 : 1;
  }

  double part() { return std::uniform_real_distribution<>{}(random_); }
  static void sleep(double s) { std::this_thread::sleep_for(std::chrono::duration<double>(s)); }

  options wishes_;
  std::mt19937_64 random_;
  test::temp_dir folder_;
  server server_;
  test_app app_;
  history history_;
  std::vector<std::unique_ptr<watched_device>> devices_;
  std::vector<std::unique_ptr<writer>> writers_;
  std::map<std::string, std::uint64_t> read_;
  int kills_ = 0;
  std::uint64_t connections_ = 0, cursors_ = 0;
  double slowest_start_ = 0;
};

} // namespace
} // namespace shoal::faults

int main(int argc, char** argv) {
  auto wishes = shoal::faults::options{};
  auto app = CLI::App{"Kills a loaded node again and again, and checks that every promise held."};
  wishes.seed = std::random_device{}();
  wishes.shoald = shoal::faults::find_shoald();
  app.add_option("--rounds", wishes.rounds, "Kills under load")->check(CLI::Range(1, 100'000));
  app.add_option("--seconds-per-round", wishes.seconds_per_round, "Longest life between kills")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_option("--writers", wishes.writers, "Concurrent API callers")->check(CLI::Range(1, 64));
  app.add_option("--seed", wishes.seed, "Repeats the choices of an earlier run");
  app.add_option("--shoald", wishes.shoald, "The server to kill");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  std::cout << "seed " << wishes.seed << std::endl;
  try {
    return shoal::faults::kill_loop{wishes}.run();
  } catch (const std::exception& e) {
    std::cerr << "shoal-kill-loop: " << e.what() << " (seed " << wishes.seed << ")\n";
    return 1;
  }
}
