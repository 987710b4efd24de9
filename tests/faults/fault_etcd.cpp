#include "tests/faults/fault_etcd.hpp"

#include <csignal>

#include <nlohmann/json.hpp>

namespace shoal::faults {

using nlohmann::json;

namespace {

constexpr auto end_patience_ms = 20'000;

std::string url_of(const endpoint& x) { return "http://" + x.host + ":" + std::to_string(x.port); }

void tell(const bench::child& process, int signal) {
  if (process.pid() > 0)
    ::kill(process.pid(), signal);
}

} // namespace

fault_etcd::fault_etcd(std::vector<host> hosts, std::string folder) : folder_{std::move(folder)} {
  for (auto& x : hosts)
    members_.push_back({std::move(x), {}});
}

std::vector<std::string> fault_etcd::urls() const {
  auto out = std::vector<std::string>{};
  for (auto& x : members_)
    out.push_back(url_of(x.at.clients));
  return out;
}

void fault_etcd::launch() {
  for (std::size_t i = 0; i < size(); ++i)
    launch(i);
}

void fault_etcd::kill() {
  for (auto& x : members_)
    tell(x.process, SIGKILL);
  for (std::size_t i = 0; i < size(); ++i)
    kill(i);
}

void fault_etcd::pause() {
  for (auto& x : members_)
    tell(x.process, SIGSTOP);
}

void fault_etcd::resume() {
  for (auto& x : members_)
    tell(x.process, SIGCONT);
}

void fault_etcd::launch(std::size_t n) {
  auto all = std::string{};
  for (std::size_t i = 0; i < size(); ++i)
    all += (i == 0 ? "" : ",") + name(i) + "=" + url_of(members_[i].at.peers);
  auto& x = members_[n];
  auto clients = url_of(x.at.clients), peers = url_of(x.at.peers);
  x.process = bench::child{
      x.at.command({"etcd", "--name=" + name(n), "--data-dir=" + folder_ + "/etcd-" + name(n),
          "--listen-client-urls=" + clients, "--advertise-client-urls=" + clients,
          "--listen-peer-urls=" + peers, "--initial-advertise-peer-urls=" + peers,
          "--initial-cluster=" + all, "--logger=zap", "--log-level=error"}),
      folder_ + "/etcd-" + name(n) + ".log"};
}

void fault_etcd::kill(std::size_t n) {
  auto& x = members_[n].process;
  tell(x, SIGKILL);
  wait_until(end_patience_ms, [&] { return !x.running(); });
}

fault_etcd::standing fault_etcd::ask(std::size_t n) const {
  auto& at = members_[n].at.clients;
  try {
    auto wire = test::tls_client{at.port, {.tls = false, .patience_s = 1, .host = at.host}};
    auto answer = wire.ask("POST /v3/maintenance/status HTTP/1.1\r\nHost: localhost\r\n"
                           "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    auto said = json::parse(answer.body, nullptr, false);
    if (answer.status == 200 && said.is_object())
      return {said.at("header").value("member_id", "0"), said.value("leader", "0")};
  } catch (const std::exception&) {
    // Nobody listens, or he says something else: the same as a member that is away.
  }
  return {"0", "0"};
}

std::optional<std::size_t> fault_etcd::leader() const {
  for (std::size_t i = 0; i < size(); ++i)
    if (auto x = ask(i); x.self != "0" && x.self == x.leader)
      return i;
  return std::nullopt;
}

bool fault_etcd::takes_part(std::size_t n) const { return ask(n).leader != "0"; }

void fault_etcd::compact_again_and_again() {
  auto ask = "etcdctl --command-timeout=1s --endpoints=" + url_of(members_[0].at.clients);
  auto script = "while sleep 1; do revision=$(" + ask +
                " endpoint status -w json | sed 's/.*\"revision\":\\([0-9]*\\).*/\\1/'); " + ask +
                " compact \"$revision\"; done";
  compacting_ =
      bench::child{members_[0].at.command({"sh", "-c", script}), folder_ + "/compacting.log"};
}

} // namespace shoal::faults
