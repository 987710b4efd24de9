#include "tests/faults/gateway_caller.hpp"

#include <chrono>
#include <random>
#include <utility>

namespace shoal::faults {

namespace {

constexpr unsigned success = 1000;
constexpr std::size_t most_errors = 20; // more tell no more

} // namespace

call_fate call_politely(gateway_wire& first, gateway_wire& second, const std::string& body) {
  auto out = call_fate{};
  auto said = first.call(body);
  if (!said.came()) {
    out.repeated = true;
    said = second.call(body);
  }
  if (!said.came())
    out.error = "two nodes gave no answer";
  else if (said.code != success)
    out.error = "answered " + std::to_string(said.code) + ": " + said.body.substr(0, 200);
  else if (said.body != body)
    out.error = "asked " + body + " and was answered " + said.body.substr(0, 200);
  return out;
}

gateway_caller::gateway_caller(
    std::vector<gateway_wire_ptr> wires, std::string name, std::uint64_t seed)
    : wires_{std::move(wires)}, name_{std::move(name)}, seed_{seed} {
  thread_ = std::jthread{[this](const std::stop_token& stop) { live(stop); }};
}

void gateway_caller::finish() {
  thread_.request_stop();
  if (thread_.joinable())
    thread_.join();
}

void gateway_caller::live(const std::stop_token& stop) {
  auto random = std::mt19937_64{seed_};
  while (!stop.stop_requested()) {
    auto node = random() % wires_.size();
    auto other = (node + 1 + random() % (wires_.size() - 1)) % wires_.size();
    auto body = "{\"n\":\"" + name_ + "-" + std::to_string(++calls_) + "\"}";
    auto fate = call_politely(*wires_[node], *wires_[other], body);
    repeated_ += fate.repeated ? 1 : 0;
    if (!fate.error.empty() && errors_.size() < most_errors)
      errors_.push_back("call " + body + " at node " + std::to_string(node + 1) +
                        (fate.repeated ? ", then node " + std::to_string(other + 1) : "") + ": " +
                        fate.error);
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

} // namespace shoal::faults
