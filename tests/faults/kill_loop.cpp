// shoal-kill-loop: kill -9 of a loaded node at random moments, again and again, and afterwards the
// question whether every promise held (history.hpp). Ends with 1 if one did not.
#include <algorithm>
#include <csignal>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tests/faults/workload.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::faults {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr auto final_patience_ms = 90'000;

struct options {
  int rounds = 50;
  double seconds_per_round = 3;
  int writers = 4;
  std::uint64_t seed = 0;
  std::string shoald;
};

class kill_loop {
public:
  explicit kill_loop(const options& wishes)
      : wishes_{wishes}, random_{wishes.seed}, server_{wishes.shoald, folder_.path().string()} {}

  int run() {
    server_.start();
    auto plan = workload_plan{};
    plan.writers = static_cast<std::size_t>(wishes_.writers);
    plan.seed = random_();
    work_ = std::make_unique<workload>(
        std::vector{endpoint{server_.port()}}, create_app(server_, "faults"), plan, history_);
    work_->begin();
    work_->start_writers();
    for (auto i = 1; i <= wishes_.rounds; ++i)
      round(i);
    work_->finish_writers();
    work_->await_devices(final_patience_ms);
    server_.stop();
    server_.start();
    work_->read_back(true);
    work_->check_cursors();
    return report();
  }

private:
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
    work_->read_back(false);
    work_->check_cursors();
    auto now = history_.count();
    std::cout << "round " << number << " attempted " << now.attempted - before.attempted
              << " acknowledged " << now.acknowledged - before.acknowledged << " handed "
              << now.handed - before.handed << " restart_s " << took << std::endl;
  }

  int report() {
    auto problems = history_.violations(true);
    for (std::size_t i = 0; i < std::min<std::size_t>(problems.size(), 50); ++i)
      std::cout << "VIOLATION " << problems[i] << '\n';
    auto n = history_.count();
    std::cout << json{{"rounds", wishes_.rounds}, {"kills", kills_}, {"seed", wishes_.seed},
                     {"attempted", n.attempted}, {"acknowledged", n.acknowledged},
                     {"stored", n.stored}, {"handed", n.handed},
                     {"connections", work_->connections()},
                     {"cursors_checked", work_->cursors_checked()},
                     {"slowest_start_s", slowest_start_}, {"violations", problems.size()}}
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
  history history_;
  std::unique_ptr<workload> work_;
  int kills_ = 0;
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
