#include "tests/faults/prober.hpp"

#include <nlohmann/json.hpp>

#include "tools/bench/names.hpp"

namespace shoal::faults {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;

namespace {

constexpr auto first_app = app_no{1};

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

void prober::begin(std::vector<std::size_t> usable) {
  auto guard = std::unique_lock{mutex_};
  asking_ = false;
  changed_.wait(guard, [this] { return busy_ == 0; });
  usable_ = std::move(usable);
  served_.clear();
  refusals_.clear();
  began_ = steady_clock::now();
  ++round_;
  asking_ = true;
  changed_.notify_all();
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
  auto& device = devices_[partition];
  auto stream = "device:" + device + "/OWN";
  for (auto done = std::uint64_t{0};;) {
    auto guard = std::unique_lock{mutex_};
    if (!changed_.wait(guard, stop, [&] { return asking_ && round_ != done; }))
      return;
    done = round_;
    ++busy_;
    guard.unlock();
    auto payload = device + "-" + std::to_string(done);
    history_.attempted(stream, payload, payload);
    auto body = json{{"device", device}, {"biz", "OWN"}, {"payload", payload}, {"key", payload}};
    for (std::size_t nth = partition; !stop.stop_requested(); ++nth) {
      if (ask(partition, callers, done, nth, body.dump(), stream, payload))
        break;
      std::this_thread::sleep_for(20ms);
    }
    guard.lock();
    --busy_;
    changed_.notify_all();
  }
}

/// True when there is nothing more to ask in this round.
bool prober::ask(std::uint16_t partition, std::vector<api_caller>& callers, std::uint64_t round,
    std::size_t nth, const std::string& body, const std::string& stream,
    const std::string& payload) {
  auto guard = std::unique_lock{mutex_};
  if (!asking_ || round_ != round)
    return true;
  auto node = usable_[nth % usable_.size()];
  guard.unlock();
  auto answer = callers[node].call("POST", app_.path("/sync"), body);
  auto said = json::parse(answer.body, nullptr, false);
  guard.lock();
  if (answer.status == 200 && said.is_object()) {
    history_.acknowledged(stream, payload, said["id"].get<std::uint64_t>());
    served_[partition] = std::chrono::duration<double>(steady_clock::now() - began_).count();
    changed_.notify_all();
    return true;
  }
  ++refusals_[answer.status == 0 ? "no answer" : said.is_object() ? said.value("code", "?") : "?"];
  return false;
}

} // namespace shoal::faults
