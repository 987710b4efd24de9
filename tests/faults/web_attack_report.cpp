// shoal-web-attacks: how much an honest caller of the gateway notices of each attack, as a table.
// Before each attack the same caller is measured with nobody attacking, so that a slow minute of
// the machine is not taken for an attack's work.
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>

#include "tests/faults/web_attacks.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::faults {
namespace {

struct options {
  double seconds = 5;
  std::string only;
  std::string shoald;
};

int run(const options& wishes) {
  auto folder = test::temp_dir{};
  auto node = server{wishes.shoald, folder.path().string()};
  node.start();
  auto app = create_app(node, "first");
  auto admin = api_caller{node.port(), app.admin};
  define_mocks(admin, app);
  auto time = std::chrono::milliseconds{static_cast<std::int64_t>(wishes.seconds * 1'000)};
  endure(node, app, nullptr, time); // warm
  auto failed = std::int64_t{0};
  auto wrong = std::string{};
  std::printf(
      "| attack by two threads | p50, p99 before | p50, p99 during | p99 / before | rounds/s "
      "| memory |\n| --- | --- | --- | --- | --- | --- |\n");
  for (auto& x : web_attacks(app.id)) {
    if (x.name.find(wishes.only) == std::string::npos)
      continue;
    auto calm = endure(node, app, nullptr, time);
    auto seen = endure(node, app, &x, time);
    auto ms = [](std::int64_t us) { return static_cast<double>(us) / 1e3; };
    std::printf("| %s | %.2f, %.2f ms | %.2f, %.2f ms | %.1f | %.0f | %+lld KiB |\n",
        x.name.c_str(), ms(calm.p50_us), ms(calm.p99_us), ms(seen.p50_us), ms(seen.p99_us),
        ms(seen.p99_us) / ms(calm.p99_us), static_cast<double>(seen.rounds) / wishes.seconds,
        static_cast<long long>(seen.growth / 1'024));
    std::fflush(stdout);
    failed += calm.failed + seen.failed;
    if (!seen.wrong.empty())
      wrong += x.name + ": " + seen.wrong + '\n';
  }
  std::cout << wrong << "honest calls that failed: " << failed << '\n';
  return failed == 0 && wrong.empty() ? 0 : 1;
}

} // namespace
} // namespace shoal::faults

int main(int argc, char** argv) {
  auto wishes = shoal::faults::options{};
  wishes.shoald = shoal::faults::find_shoald();
  auto app =
      CLI::App{"Attacks a node over HTTP and WebSocket, and measures an honest caller beside it."};
  app.add_option("--seconds", wishes.seconds, "How long each attack lasts")
      ->check(CLI::Range(0.1, 600.0));
  app.add_option("--only", wishes.only, "Attacks with this in their name");
  app.add_option("--shoald", wishes.shoald, "The server to attack");
  CLI11_PARSE(app, argc, argv);
  return shoal::faults::run(wishes);
}
