#include "tests/faults/prober.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/bench/names.hpp"

namespace shoal::faults {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;

namespace {

constexpr auto first_app = app_no{1};
constexpr auto watch_pause = 25ms; // between the ops of a partition

double seconds(steady_clock::time_point from, steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::string why(const json& refusal) {
  return refusal.is_object() ? refusal.value("code", "?") : "?";
}

std::vector<std::string> one_device_each(std::uint16_t partitions) {
  auto out = std::vector<std::string>(partitions);
  auto missing = std::size_t{partitions};
  for (std::size_t i = 0; missing > 0; ++i) {
    auto device = bench::numbered("probe", i);
    auto home = partition_of(first_app, principal::device(device), partitions);
    auto& place = out[static_cast<std::size_t>(home)];
    if (place.empty()) {
      place = device;
      --missing;
    }
  }
  return out;
}

} // namespace

prober::prober(
    std::vector<endpoint> nodes, const test_app& app, std::uint16_t partitions, history& run)
    : app_{app}, history_{run}, nodes_{std::move(nodes)}, devices_{one_device_each(partitions)} {
  for (std::uint16_t i = 0; i < partitions; ++i)
    threads_.emplace_back([this, i](std::stop_token stop) { live(i, stop); });
}

prober::~prober() {
  for (auto& x : threads_)
    x.request_stop();
}

void prober::begin(std::vector<std::size_t> usable) { start(std::move(usable), false); }

void prober::watch(std::vector<std::size_t> usable) { start(std::move(usable), true); }

void prober::start(std::vector<std::size_t> usable, bool again) {
  auto guard = std::unique_lock{mutex_};
  asking_ = false;
  changed_.wait(guard, [this] { return busy_ == 0; });
  usable_ = std::move(usable);
  again_ = again;
  served_.clear();
  refusals_.clear();
  began_ = steady_clock::now();
  services_.assign(devices_.size(), {});
  heard_.assign(devices_.size(), began_);
  refused_.assign(devices_.size(), std::nullopt);
  ++round_;
  asking_ = true;
  changed_.notify_all();
}

std::vector<service> prober::end_watch() {
  auto guard = std::unique_lock{mutex_};
  asking_ = false;
  auto now = steady_clock::now();
  for (std::size_t i = 0; i < services_.size(); ++i) { // what lasts, lasted until now
    services_[i].silent_s = std::max(services_[i].silent_s, seconds(heard_[i], now));
    if (refused_[i])
      services_[i].refused_s = std::max(services_[i].refused_s, seconds(*refused_[i], now));
  }
  return services_;
}

std::map<std::uint16_t, double> prober::wait(int patience_ms) {
  auto guard = std::unique_lock{mutex_};
  changed_.wait_for(guard, std::chrono::milliseconds{patience_ms},
      [this] { return served_.size() == devices_.size(); });
  asking_ = false;
  return served_;
}

std::map<std::uint16_t, double> prober::round(std::vector<std::size_t> usable, int patience_ms) {
  begin(std::move(usable));
  return wait(patience_ms);
}

std::map<std::string, std::uint64_t> prober::refusals() const {
  auto guard = std::lock_guard{mutex_};
  return refusals_;
}

void prober::live(std::uint16_t partition, std::stop_token stop) {
  auto callers = std::vector<api_caller>{};
  for (auto& x : nodes_)
    callers.emplace_back(x, app_.admin, 1);
  auto x = probe{partition, 0, partition, "device:" + devices_[partition] + "/OWN", {}, {}};
  for (;;) {
    auto guard = std::unique_lock{mutex_};
    if (!changed_.wait(guard, stop, [&] { return asking_ && round_ != x.round; }))
      return;
    x.round = round_;
    auto again = again_;
    ++busy_;
    guard.unlock();
    while (append(x, callers, stop) && again)
      std::this_thread::sleep_for(watch_pause);
    guard.lock();
    --busy_;
    changed_.notify_all();
  }
}

/// One op, asked for until it is acknowledged; false if nobody wants to know any more.
bool prober::append(probe& x, std::vector<api_caller>& callers, const std::stop_token& stop) {
  auto& device = devices_[x.partition];
  x.payload = device + "-" + std::to_string(++made_);
  x.body =
      json{{"device", device}, {"biz", "OWN"}, {"payload", x.payload}, {"key", x.payload}}.dump();
  history_.attempted(x.stream, x.payload, x.payload);
  for (; !stop.stop_requested(); std::this_thread::sleep_for(20ms)) {
    {
      auto guard = std::lock_guard{mutex_};
      if (!asking_ || round_ != x.round)
        return false;
    }
    if (ask(x, callers))
      return true;
  }
  return false;
}

bool prober::ask(probe& x, std::vector<api_caller>& callers) {
  auto guard = std::unique_lock{mutex_};
  auto node = usable_[x.nth++ % usable_.size()];
  guard.unlock();
  auto asked = steady_clock::now();
  auto answer = callers[node].call("POST", app_.path("/sync"), x.body);
  auto said = json::parse(answer.body, nullptr, false);
  auto acknowledged = answer.status == 200 && said.is_object();
  if (acknowledged)
    history_.acknowledged(x.stream, x.payload, said["id"].get<std::uint64_t>());
  guard.lock();
  if (!acknowledged)
    ++refusals_[answer.status == 0 ? "no answer" : why(said)];
  count(x.partition, asked, acknowledged);
  return acknowledged;
}

/// Under mutex_.
void prober::count(std::uint16_t partition, time_point asked, bool acknowledged) {
  auto& refused = refused_[partition];
  if (!acknowledged) {
    if (!refused)
      refused = asked;
    return;
  }
  auto now = steady_clock::now();
  auto& x = services_[partition];
  ++x.acknowledged;
  x.silent_s = std::max(x.silent_s, seconds(std::exchange(heard_[partition], now), now));
  if (refused)
    x.refused_s = std::max(x.refused_s, seconds(*std::exchange(refused, std::nullopt), now));
  if (served_.emplace(partition, seconds(began_, now)).second)
    changed_.notify_all();
}

} // namespace shoal::faults
