// shoal-registry-bench [APIS]: what definitions cost in memory, what a change costs, and whether
// those who look up notice. Prints one figure a line.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include <malloc.h>

#include "actors/gateway/change.hpp"

namespace {

using namespace shoal;
using namespace shoal::gateway;
using steady = std::chrono::steady_clock;

double micros(steady::duration x) { return std::chrono::duration<double, std::micro>(x).count(); }
std::size_t bytes_in_use() { return mallinfo2().uordblks; }

void say(const char* name, double value, const char* unit) {
  std::printf("%-44s %12.2f %s\n", name, value, unit);
}

std::string operation_of(int number) {
  return "com.shop.service" + std::to_string(number % 200) + ".op" + std::to_string(number);
}

api_definition api(int number, std::uint32_t timeout_ms = 0) {
  auto out = api_definition{};
  out.operation = operation_of(number);
  out.group = "orders";
  out.method = "GET";
  out.path = "/service" + std::to_string(number % 200) + "/op" + std::to_string(number) + "/{id}";
  out.status = api_status::online;
  out.timeout_ms = timeout_ms;
  out.limits.resize(1);
  out.limits[0].limit = 100;
  return out;
}

struct bench {
  catalog apps;
  registry_cell cell;
  std::unique_ptr<storage::database> db = storage::make_memory_database();
  std::uint32_t seq = 0;

  void change(std::vector<edit> edits) {
    auto planned =
        plan_change(*cell.load(), apps, {app_no{1}, std::move(edits), "ak", "bench"}, 1'000, ++seq);
    if (planned.outcome.code != ec::none || !planned.next) {
      std::printf("refused: %s\n", planned.outcome.text.c_str());
      std::exit(1);
    }
    db->write(planned.rows, false);
    cell.store(planned.next);
  }

  void fill(int count) {
    auto app = app_config{};
    app.no = app_no{1};
    app.id = "shop";
    apps = apps.with(std::make_shared<const app_config>(app));
    auto group = api_group{};
    group.name = "orders";
    group.upstreams = {{"127.0.0.1:80", 1, {}}};
    change({put(group)});
    for (auto i = 0; i < count; i += 500) {
      auto edits = std::vector<edit>{};
      for (auto j = i; j < std::min(i + 500, count); ++j)
        edits.push_back(put(api(j)));
      change(std::move(edits));
    }
  }
};

struct latencies {
  double p50, p99, p999, per_s;
};

/// Looks up for half a second, in batches of 16 so that the clock costs little.
latencies look_up(const registry_cell& cell, const std::vector<std::string>& operations) {
  auto reader = registry_reader{cell};
  auto random = std::mt19937{20261128};
  auto took = std::vector<double>{};
  auto found = std::size_t{0};
  auto end = steady::now() + std::chrono::milliseconds{500};
  while (steady::now() < end) {
    auto began = steady::now();
    for (auto i = 0; i < 16; ++i) {
      auto& in = reader.now().find("shop", "default");
      found += in->api(operations[random() % operations.size()]) ? 1 : 0;
    }
    took.push_back(micros(steady::now() - began) / 16);
  }
  if (found != took.size() * 16)
    std::printf("not everything was found\n");
  std::sort(took.begin(), took.end());
  auto at = [&](double part) {
    return took[std::min(
        took.size() - 1, static_cast<std::size_t>(part * static_cast<double>(took.size())))];
  };
  return {at(0.5), at(0.99), at(0.999), static_cast<double>(found) / 0.5};
}

void say_latencies(const char* when, const latencies& x) {
  auto name = std::string{"lookup, "} + when;
  say((name + ", p50").c_str(), x.p50 * 1'000, "ns");
  say((name + ", p99").c_str(), x.p99 * 1'000, "ns");
  say((name + ", p99.9").c_str(), x.p999 * 1'000, "ns");
}

} // namespace

int main(int argc, char** argv) {
  auto count = argc > 1 ? std::atoi(argv[1]) : 40'000;
  auto x = bench{};
  auto before = bytes_in_use();
  auto began = steady::now();
  x.fill(count);
  say("define all, 500 to a change", micros(steady::now() - began) / 1'000, "ms");
  auto with_rows = bytes_in_use() - before;

  began = steady::now();
  auto read = load_registry(*x.db);
  say("read all at a start", micros(steady::now() - began) / 1'000, "ms");
  auto one = bytes_in_use() - before - with_rows;
  say("memory of an API in the registry", static_cast<double>(one) / count, "bytes");
  read = registry{};

  before = bytes_in_use();
  auto old = x.cell.load();
  auto next = old->with({app_no{1}, "shop"}, std::make_shared<const api_definition>(api(4'711, 7)));
  say("memory of a change, old registry kept", static_cast<double>(bytes_in_use() - before),
      "bytes");
  old.reset();
  next = registry{};

  auto took = std::vector<double>{};
  auto round = [&](std::uint32_t n) { // of 100 APIs, so that each soon has all versions it keeps
    for (auto i = 0; i < 10'000; ++i) {
      auto start = steady::now();
      x.change({put(api(i % 100 * 397 % count, n + static_cast<std::uint32_t>(i)))});
      took.push_back(micros(steady::now() - start));
    }
  };
  round(1);
  took.clear();
  before = bytes_in_use();
  auto kept = x.cell.load()->size();
  auto rows = x.db->approximate_size();
  round(20'000);
  auto grown = static_cast<double>(bytes_in_use()) - static_cast<double>(before);
  auto grown_rows = static_cast<double>(x.db->approximate_size()) - static_cast<double>(rows);
  std::sort(took.begin(), took.end());
  say("change: plan, rows, publish, p50", took[took.size() / 2], "us");
  say("change: plan, rows, publish, p99", took[took.size() * 99 / 100], "us");
  say("APIs before and after 10,000 changes",
      static_cast<double>(x.cell.load()->size()) - static_cast<double>(kept), "more");
  say("memory after 10,000 changes, rows included", grown, "bytes more");
  say("of it rows of the store", grown_rows, "bytes");

  auto operations = std::vector<std::string>{};
  for (auto i = 0; i < count; ++i)
    operations.push_back(operation_of(i));
  std::shuffle(operations.begin(), operations.end(), std::mt19937{7});
  say_latencies("nothing changes", look_up(x.cell, operations));
  auto stop = std::atomic<bool>{false};
  auto changes = 0;
  auto writer = std::thread{[&] {
    for (std::uint32_t i = 0; !stop; ++i, ++changes) {
      x.change({put(api(static_cast<int>(i) * 7919 % count, 1'000 + i))});
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }};
  auto busy = look_up(x.cell, operations);
  stop = true;
  writer.join();
  say_latencies("1,000 changes/s", busy);
  say("changes meanwhile", changes * 2, "/s");
}
