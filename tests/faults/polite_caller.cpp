#include "tests/faults/polite_caller.hpp"

#include <algorithm>
#include <chrono>
#include <random>

#include <nlohmann/json.hpp>

namespace shoal::faults {

using nlohmann::json;

namespace {

constexpr auto devices = 64; // so that one caller meets most partitions

} // namespace

polite_caller::polite_caller(const std::vector<endpoint>& nodes, const test_app& app,
    std::string name, std::uint64_t seed, history& run)
    : app_{app}, name_{std::move(name)}, history_{run}, seed_{seed} {
  for (auto& x : nodes)
    callers_.emplace_back(x, app.admin, 8);
  thread_ = std::jthread{[this](std::stop_token stop) { live(stop); }};
}

void polite_caller::finish() {
  thread_.request_stop();
  if (thread_.joinable())
    thread_.join();
}

void polite_caller::live(std::stop_token stop) {
  auto random = std::mt19937_64{seed_};
  while (!stop.stop_requested()) {
    auto payload = name_ + "-" + std::to_string(++calls_);
    auto device = "polite" + std::to_string(random() % devices);
    stream_ = "device:" + device + "/OWN";
    auto body = json{{"device", device}, {"biz", "OWN"}, {"payload", payload}, {"key", payload}};
    history_.attempted(stream_, payload, payload);
    auto node = random() % callers_.size();
    if (!call(node, body.dump(), payload)) {
      ++repeated_;
      auto first = said_;
      if (!call((node + 1) % callers_.size(), body.dump(), payload))
        failures_.push_back(payload + ": " + first + ", then " + said_);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

bool polite_caller::call(std::size_t node, const std::string& body, const std::string& payload) {
  auto began = std::chrono::steady_clock::now();
  auto answer = callers_[node].call("POST", app_.path("/sync"), body);
  slowest_s_ = std::max(
      slowest_s_, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  auto said = json::parse(answer.body, nullptr, false);
  if (answer.status == 200 && said.is_object()) {
    history_.acknowledged(stream_, payload, said["id"].get<std::uint64_t>());
    return true;
  }
  said_ = "node " + std::to_string(node + 1) + " said " +
          (said.is_object() ? said.value("code", "?") : std::to_string(answer.status));
  return false;
}

} // namespace shoal::faults
