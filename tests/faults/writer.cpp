#include "tests/faults/writer.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include <nlohmann/json.hpp>

#include "protocol/signing.hpp"
#include "tools/bench/names.hpp"

namespace shoal::faults {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;

json writer::item::request() const {
  auto out = json{{"biz", biz}, {"payload_base64", base64(payload)}};
  if (auto colon = principal.find(':'); colon != std::string::npos)
    out[principal.substr(0, colon)] = principal.substr(colon + 1);
  if (!key.empty())
    out["key"] = key;
  return out;
}

writer::writer(
    const std::vector<endpoint>& nodes, const test_app& app, writer_plan plan, history& run)
    : plan_{plan}, name_{bench::numbered("w", plan.number)}, app_{app}, random_{plan.seed},
      run_{run} {
  for (auto& x : nodes) {
    first_.emplace_back(x, app.admin, plan.patience_s);
    second_.emplace_back(x, app.admin, plan.patience_s);
  }
  thread_ = std::thread{[this] { live(); }};
}

void writer::finish() {
  stopping_ = true;
  if (thread_.joinable())
    thread_.join();
}

writer::item writer::make_item() {
  auto x = item{};
  auto user = bench::numbered("u", pick(plan_.users));
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
    x.principal = "device:" + user + "-" + std::to_string(pick(plan_.devices_per_user));
    x.biz = "OWN";
  }
  x.stream = x.principal + "/" + x.biz;
  x.payload = name_ + "-" + std::to_string(++made_) + "-" + random_bytes(pick(300));
  if (pick(10) != 0)
    x.key = name_ + "-" + std::to_string(made_);
  run_.attempted(x.stream, x.key, x.payload);
  return x;
}

void writer::live() {
  while (!stopping_) {
    auto items = std::vector<item>(pick(6) == 0 ? 2 + pick(10) : 1);
    for (auto& x : items)
      x = make_item();
    write(items);
    std::this_thread::sleep_for(
        std::chrono::milliseconds{1 + pick(static_cast<std::size_t>(plan_.pause_ms))});
  }
}

void writer::write(std::vector<item>& items) {
  auto limit = steady_clock::time_point::max();
  while (!items.empty()) {
    call(items);
    // An op without a key cannot be repeated: nobody would know whether it was the second.
    std::erase_if(items, [](const item& x) { return x.answered || x.key.empty(); });
    if (items.empty())
      return;
    if (stopping_ && limit == steady_clock::time_point::max())
      limit = steady_clock::now() + std::chrono::seconds{plan_.give_up_s};
    if (steady_clock::now() > limit)
      return run_.broken(name_ + ": no answer for " + std::to_string(plan_.give_up_s) +
                         " s to key " + items.front().key + " of " + items.front().stream);
    std::this_thread::sleep_for(std::chrono::milliseconds{5 + pick(40)});
  }
}

void writer::call(std::vector<item>& items) {
  auto single = items.size() == 1;
  auto body = json{};
  for (auto& x : items)
    body["items"].push_back(x.request());
  auto text = single ? body["items"][0].dump() : body.dump();
  auto path = app_.path(single ? "/sync" : "/sync/batch");
  auto keyed = std::all_of(items.begin(), items.end(), [](auto& x) { return !x.key.empty(); });
  auto twice = keyed && pick(10) == 0;
  auto& other = second_[pick(second_.size())];
  if (twice)
    other.send("POST", path, text);
  hear(items, first_[pick(first_.size())].call("POST", path, text));
  if (twice)
    hear(items, other.receive());
}

void writer::hear(std::vector<item>& items, const test::http_answer& answer) {
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

void writer::refused(const json& problem) {
  static const auto passing = std::set<std::string>{"clock_skew", "nonce_replayed", "overloaded",
      "storage_failed", "storage_full", "outcome_unknown", "going_away", "session_lost", "moving"};
  if (!passing.contains(problem.value("code", "")))
    run_.broken(name_ + ": refused: " + problem.dump());
}

} // namespace shoal::faults
