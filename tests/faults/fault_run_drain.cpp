// What operators do on purpose: it may cost callers next to nothing.
#include <algorithm>
#include <iomanip>
#include <sstream>

#include <nlohmann/json.hpp>

#include "tests/faults/fault_run.hpp"

namespace shoal::faults {

namespace {

/// Without an acknowledgement, of a partition in a planned hand-over, and on top of the longest
/// pause just before it: on a busy machine that alone may be as long. Whether callers are refused
/// or have to wait is the same to them. On a machine where that pause is longer than
/// `full_machine_s`, each step of a hand-over waits as long, and there are three.
constexpr auto most_silent_s = 0.2, full_machine_s = 0.3;
constexpr auto farewell_ms = 15'000; // for devices to be asked to go, and to be back

struct worst {
  std::size_t partition = 0;
  double s = 0;
};

worst longest(const std::vector<service>& all, double service::*which) {
  auto i = std::max_element(all.begin(), all.end(),
      [&](const service& a, const service& b) { return a.*which < b.*which; });
  return {static_cast<std::size_t>(i - all.begin()), *i.*which};
}

std::string text(double s) {
  auto out = std::ostringstream{};
  out << std::fixed << std::setprecision(3) << s << " s";
  return out.str();
}

} // namespace

void fault_run::drain(fault_row& row) {
  auto n = pick();
  auto all = polite_ones(row);
  probe_->watch(everybody());
  pass(2);
  auto usual_s = longest(probe_->end_watch(), &service::silent_s).s;

  auto guests = work_->guests_of(n);
  auto asked = work_->asked_to_go();
  auto away = hand_over(row, n, "draining", usual_s, [&] {
    auto led = cluster_.leads(); // zeros if etcd does not answer
    return led[n] == 0 && led[others({n}).front()] > 0;
  });
  auto asked_some = [&] { return guests.empty() || work_->asked_to_go() > asked; };
  auto back_again = [&] { return work_->came_back(guests); };
  wait_until(farewell_ms, [&] { return asked_some() && back_again(); });
  if (!back_again())
    trouble("devices of " + cluster_.name(n) + ", which is drained, are not back");
  if (!asked_some())
    trouble(cluster_.name(n) + " is drained, and asked none of its devices to go");
  asked = work_->asked_to_go() - asked;
  auto back = hand_over(row, n, "up", usual_s, [&] { return cluster_.leads()[n] > 0; });
  if (!cluster_.await_whole(whole_patience_ms))
    trouble("not whole after " + cluster_.name(n) + " was drained: " + cluster_.what_is_missing());

  auto calls = judge(all, "a drain of " + cluster_.name(n));
  auto slowest_s = 0.0;
  for (auto& x : all)
    slowest_s = std::max(slowest_s, x->slowest_s());
  remark(row, "led nothing " + away + "; led again " + back + "; silent before it for " +
                  text(usual_s) + " at most; " + calls + ", slowest " + text(slowest_s) + "; " +
                  std::to_string(asked) + " devices asked to go, " + std::to_string(guests.size()) +
                  " were there, all back");
}

std::string fault_run::hand_over(fault_row& row, std::size_t n, const std::string& state,
    double usual_s, const std::function<bool()>& done) {
  probe_->watch(everybody());
  auto began = steady_clock::now();
  set_state(n, state);
  auto over = wait_until(whole_patience_ms, [&] {
    pass(0.05);
    return done();
  });
  auto took_s = since(began);
  pass(0.5); // so that what moved last is asked, too
  auto seen = probe_->end_watch();
  if (!over)
    trouble(cluster_.name(n) + ", set " + state + ", does not hand over: " + text(took_s));
  auto silent = longest(seen, &service::silent_s), refused = longest(seen, &service::refused_s);
  row.serve_s.push_back(silent.s);
  auto long_ones = std::string{};
  auto most_s = most_silent_s + usual_s * (usual_s < full_machine_s ? 1 : 3);
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (seen[i].silent_s > most_s)
      long_ones += " " + std::to_string(i) + " (" + text(seen[i].silent_s) + ")";
  if (!long_ones.empty())
    trouble("partitions took no writes for too long while " + cluster_.name(n) + " was set " +
            state + ":" + long_ones);
  auto ops = std::uint64_t{0};
  for (auto& x : seen)
    ops += x.acknowledged;
  auto out = "after " + text(took_s) + " (" + std::to_string(ops) +
             " probes; a partition silent for " + text(silent.s) + ", refusing for " +
             text(refused.s) + " at most;";
  for (auto& [why, count] : probe_->refusals())
    out += " " + why + " x" + std::to_string(count);
  return out + ")";
}

void fault_run::set_state(std::size_t n, const std::string& state) {
  auto caller = api_caller{cluster_.api((n + 1) % cluster_.size()), cluster_.operator_key(), 5};
  auto body = nlohmann::json{{"state", state}}.dump();
  auto said = test::http_answer{};
  auto done = wait_until(serve_patience_ms, [&] {
    said = caller.call("PUT", "/v1/nodes/" + cluster_.name(n) + "/state", body);
    return said.status == 200;
  });
  if (!done)
    trouble(cluster_.name(n) + " cannot be set " + state + ": " + said.body);
}

} // namespace shoal::faults
