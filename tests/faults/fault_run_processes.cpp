// Faults of processes: of nodes and of etcd.
#include <algorithm>

#include "tests/faults/fault_run.hpp"
#include "tests/faults/gateway_load.hpp"

namespace shoal::faults {

namespace {

constexpr auto end_patience_s = 5.0;
constexpr auto gateway_kills = 3;

} // namespace

void fault_run::kill_node(fault_row& row, std::size_t n, const std::set<std::uint16_t>& led) {
  cluster_.strike(n);
  probe_->begin(others({n}));
  auto served = finish_probe(serve_patience_ms, "after the kill of " + cluster_.name(n));
  note(row, served);
  split(served, led);
  cluster_.kill(n);
  pass(2 * part());
  cluster_.launch(n);
}

void fault_run::kill_in_turn(fault_row& row) {
  auto first = pick();
  auto second = (first + 1 + random_() % (cluster_.size() - 1)) % cluster_.size();
  cluster_.kill(first);
  expect_service(others({first}), serve_patience_ms, "without " + cluster_.name(first));
  cluster_.launch(first);
  if (!wait_until(whole_patience_ms, [&] { return cluster_.ready(first); }))
    trouble(cluster_.name(first) + " is not ready");
  kill_node(row, second);
}

void fault_run::kill_two(fault_row& row) {
  auto first = pick();
  auto second = (first + 1 + random_() % (cluster_.size() - 1)) % cluster_.size();
  cluster_.strike(first);
  cluster_.strike(second);
  probe_->begin(others({first, second}));
  note(row, finish_probe(serve_patience_ms, "after the kill of two nodes"));
  for (auto n : {first, second}) {
    cluster_.kill(n);
    cluster_.launch(n);
  }
}

void fault_run::pause(fault_row& row) {
  auto n = pick();
  cluster_.pause(n);
  probe_->begin(others({n}));
  auto began = steady_clock::now();
  auto served = finish_probe(serve_patience_ms, "while " + cluster_.name(n) + " is stopped");
  note(row, served);
  pass(2 + 3 * part() - since(began));
  cluster_.resume(n);
  expect_service(everybody(), serve_patience_ms, "when " + cluster_.name(n) + " goes on");
}

fault_run::callers fault_run::polite_ones(const fault_row& row) {
  auto out = callers{};
  for (auto i = 0; i < 3; ++i)
    out.push_back(std::make_unique<polite_caller>(cluster_.apis(), app_,
        row.name + std::to_string(row.runs) + "-" + std::to_string(i), random_(), history_));
  return out;
}

std::string fault_run::judge(callers& all, const std::string& what) {
  auto calls = std::uint64_t{0}, repeated = std::uint64_t{0};
  for (auto& x : all) {
    x->finish();
    calls += x->calls();
    repeated += x->repeated();
    for (auto& y : x->failures())
      trouble(what + " shows to a caller that retries once: " + y);
  }
  return std::to_string(calls) + " calls, " + std::to_string(repeated) + " repeated once";
}

double fault_run::terminate(std::size_t n) {
  auto began = steady_clock::now();
  cluster_.ask_to_end(n);
  if (!cluster_.await_end(n) || since(began) > end_patience_s)
    trouble(cluster_.name(n) + " does not end: " + std::to_string(since(began)) + " s");
  return since(began);
}

void fault_run::terminate(fault_row& row) {
  auto n = pick();
  auto all = polite_ones(row);
  pass(0.3);
  probe_->begin(others({n}));
  auto ended_s = terminate(n);
  note(row, finish_probe(serve_patience_ms, "while " + cluster_.name(n) + " ends"));
  pass(1);
  cluster_.launch(n);
  cluster_.await_whole(whole_patience_ms);
  remark(row, judge(all, "SIGTERM of " + cluster_.name(n)) + ", ended after " +
                  std::to_string(ended_s) + " s");
}

void fault_run::restart_in_turn(fault_row& row, bool upgrading) {
  auto all = polite_ones(row);
  auto began = steady_clock::now();
  for (std::size_t n = 0; n < cluster_.size(); ++n) {
    pass(part());
    probe_->begin(others({n}));
    terminate(n);
    note(row, finish_probe(serve_patience_ms, "while " + cluster_.name(n) + " ends"));
    if (upgrading)
      cluster_.upgrade(n);
    cluster_.launch(n);
    if (!cluster_.await_whole(whole_patience_ms))
      trouble("not whole in a rolling restart: " + cluster_.what_is_missing());
  }
  remark(row, judge(all, "a rolling restart") + ", all restarted after " +
                  std::to_string(since(began)) + " s");
}

void fault_run::terminate_alone(fault_row& row) {
  auto n = pick();
  cluster_.etcd().pause();
  auto all = polite_ones(row);
  pass(0.2 + 2 * part()); // known to be away, or not yet
  row.serve_s.push_back(terminate(n));
  auto slowest_s = 0.0;
  for (auto& x : all) {
    x->finish();
    slowest_s = std::max(slowest_s, x->slowest_s());
  }
  remark(row, "ended after " + std::to_string(row.serve_s.back()) +
                  " s; slowest answer, or closed connection, after " + std::to_string(slowest_s) +
                  " s");
  if (slowest_s > end_patience_s + 1)
    trouble("a call heard nothing for " + std::to_string(slowest_s) + " s");
  cluster_.etcd().resume();
  expect_service(others({n}), serve_patience_ms, "when etcd goes on");
  cluster_.launch(n);
}

void fault_run::gateway_kill(fault_row& row) {
  auto load = gateway_load{
      cluster_.apis(), cluster_.own_host(), app_, row.name + std::to_string(row.runs), random_()};
  for (auto i = 0; i < gateway_kills; ++i) {
    pass(0.3 + part());
    kill_node(row, pick());
    if (!cluster_.await_whole(whole_patience_ms))
      trouble("not whole under calls through the gateway: " + cluster_.what_is_missing());
  }
  auto seen = load.finish();
  for (auto& x : seen.errors)
    trouble("a client of the gateway that retries once: " + x);
  remark(row, std::to_string(seen.calls) + " calls through the gateway, " +
                  std::to_string(seen.repeated) + " repeated once, " +
                  std::to_string(seen.errors.size()) + " errors seen");
}

void fault_run::etcd_kill(fault_row& row) {
  cluster_.etcd().kill();
  serve_through(row, 3, "without etcd");
  cluster_.launch_etcd();
}

void fault_run::etcd_pause(fault_row& row) {
  cluster_.etcd().pause();
  serve_through(row, 4, "while etcd is stopped");
  cluster_.etcd().resume();
}

void fault_run::etcd_member_kill(fault_row& row) {
  auto& etcd = cluster_.etcd();
  auto back = [&](std::size_t member) {
    etcd.launch(member);
    if (!wait_until(whole_patience_ms, [&] { return etcd.takes_part(member); }))
      trouble("an etcd member that was killed does not come back");
  };
  auto calm = fault_row{};
  auto leads = etcd.leader();
  if (!leads)
    return trouble("etcd has no leader");
  auto any = (*leads + 1 + random_() % (etcd.size() - 1)) % etcd.size();
  etcd.kill(any);
  serve_through(calm, 2, "without an etcd member that follows");
  back(any);
  leads = etcd.leader();
  if (!leads)
    return trouble("etcd has no leader when a member is back");
  auto n = pick();
  auto led = led_by(n);
  etcd.kill(*leads);
  pass(2 * part()); // until there is another leader, or not
  kill_node(row, n, led);
  serve_through(calm, 2, "without the etcd member that led");
  back(*leads);
  remark(row, "slowest append without a following, and without the leading etcd member: " +
                  std::to_string(calm.serve_s[0]) + ", " + std::to_string(calm.serve_s[1]) + " s");
}

void fault_run::etcd_and_kill(fault_row& row) {
  auto n = pick();
  cluster_.etcd().kill();
  pass(part());
  cluster_.kill(n);
  pass(2);
  cluster_.launch_etcd();
  probe_->begin(others({n}));
  note(row, finish_probe(serve_patience_ms, "when etcd is back"));
  cluster_.launch(n);
}

void fault_run::restart_all(fault_row& row) {
  for (std::size_t i = 0; i < cluster_.size(); ++i)
    cluster_.strike(i);
  for (std::size_t i = 0; i < cluster_.size(); ++i)
    cluster_.kill(i);
  for (std::size_t i = 0; i < cluster_.size(); ++i)
    cluster_.launch(i);
  probe_->begin(everybody());
  note(row, finish_probe(serve_patience_ms, "when all are back"));
}

} // namespace shoal::faults
