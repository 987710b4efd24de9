// What a link between two nodes carries: both ends in this process, TLS over loopback. The figures
// are in cluster/README.md:
//
//   ninja -C build/release shoal-link-bench && build/release/bin/shoal-link-bench
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include <sys/resource.h>

#include "tests/support/links_world.hpp"

namespace {

using namespace shoal::cluster;
using namespace shoal::test;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

double seconds(steady::duration x) { return std::chrono::duration<double>(x).count(); }

double cpu_seconds() {
  auto x = rusage{};
  ::getrusage(RUSAGE_SELF, &x);
  return static_cast<double>(x.ru_utime.tv_sec + x.ru_stime.tv_sec) +
         static_cast<double>(x.ru_utime.tv_usec + x.ru_stime.tv_usec) / 1e6;
}

/// n2 counts what it gets and sends `control` back; n1 waits for that.
class two_nodes {
public:
  two_nodes() {
    auto answer = link_handlers{};
    answer.on_frame = [this](const peer_info&, traffic kind, std::string body) {
      if (kind == traffic::control)
        b_->send("n1", kind, std::move(body));
      else
        received += 1;
    };
    auto wait = link_handlers{};
    wait.on_frame = [this](const peer_info&, traffic, std::string) {
      answers.fetch_add(1);
      answers.notify_one();
    };
    wait.on_up = [this](const peer_info&) { ups.fetch_add(1); };
    a_ = make("n1", wait);
    b_ = make("n2", answer);
    a_->set_peers({{"n2", "127.0.0.1", b_->port()}});
    b_->set_peers({{"n1", "127.0.0.1", a_->port()}});
    until([this] { return ups > 0; });
  }
  ~two_nodes() {
    a_->stop();
    b_->stop();
  }
  two_nodes(const two_nodes&) = delete;

  template <class F>
  static void until(F true_now) {
    while (!true_now())
      std::this_thread::yield();
  }

  void flood(traffic kind, std::size_t size, const std::atomic<bool>& stop) {
    while (!stop)
      if (!a_->send("n2", kind, std::string(size, 'x')))
        std::this_thread::sleep_for(200us);
  }

  void one_way(const char* what, std::size_t size) {
    auto stop = std::atomic<bool>{false};
    auto sender = std::thread{[&] { flood(traffic::replication, size, stop); }};
    std::this_thread::sleep_for(500ms);
    auto before = received.load();
    auto cpu = cpu_seconds();
    auto start = steady::now();
    std::this_thread::sleep_for(3s);
    auto frames = static_cast<double>(received - before);
    auto time = seconds(steady::now() - start);
    std::printf("%-34s %9.0f frames/s %7.0f MB/s  %.2f us of CPU per frame\n", what, frames / time,
        frames * static_cast<double>(size) / time / 1e6, (cpu_seconds() - cpu) / frames * 1e6);
    stop = true;
    sender.join();
    until([this] { return a_->status()[0].in_flight_bytes == 0; });
  }

  void round_trips(const char* what, std::size_t rounds) {
    auto times = std::vector<double>{};
    for (auto i = std::size_t{0}; i < rounds; ++i) {
      auto before = answers.load();
      auto start = steady::now();
      a_->send("n2", traffic::control, std::string(200, 'x'));
      // Sleeping in the kernel, as an actor's thread would; spinning would take a core.
      answers.wait(before);
      times.push_back(seconds(steady::now() - start) * 1e6);
    }
    std::sort(times.begin(), times.end());
    std::printf(
        "%-34s p50 %.0f us, p99 %.0f us\n", what, times[rounds / 2], times[rounds * 99 / 100]);
  }

  void round_trips_under_load() {
    auto stop = std::atomic<bool>{false};
    auto sender = std::thread{[&] { flood(traffic::replication, 65536, stop); }};
    std::this_thread::sleep_for(200ms);
    round_trips("round trip beside 64 KiB frames", 2000);
    stop = true;
    sender.join();
  }

private:
  std::unique_ptr<node_links> make(const std::string& name, link_handlers handlers) {
    auto options = link_options{};
    auto paper = ca_.issue(name);
    options.cluster = "bench";
    options.self = name;
    options.incarnation = 1;
    options.certificate = paper.certificate;
    options.key = paper.key;
    options.ca = ca_.file();
    return make_node_links(options, std::move(handlers));
  }

  temp_dir folder_;
  cluster_ca ca_{folder_.path()};

public:
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint32_t> answers{0}, ups{0};

private:
  std::unique_ptr<node_links> a_, b_;
};

} // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  auto x = two_nodes{};
  x.round_trips("round trip, 200 B, otherwise idle", 5000);
  x.one_way("200 B one way", 200);
  x.one_way("64 KiB one way", 65536);
  x.round_trips_under_load();
}
