#include "tools/bench/contenders/shoal_cluster.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <poll.h>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/machine/interrupt.hpp"
#include "tools/bench/machine/plain_http.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

using json = nlohmann::json;

constexpr auto start_timeout_ms = 30000;
constexpr auto look_every_ms = 100;
constexpr auto settle_ms = 1000;
/// A node that leads so much of its equal share takes part.
constexpr auto fair_share = 0.75;

std::string name_of(std::size_t node) { return numbered("n", node + 1); }

template <class Done>
void wait_until(const std::string& what, Done done) {
  auto limit = now_ns() + start_timeout_ms * 1'000'000LL;
  while (!done()) {
    if (interrupted())
      throw std::runtime_error{"interrupted"};
    if (now_ns() > limit)
      throw std::runtime_error{"the cluster: " + what + " takes too long"};
    ::poll(nullptr, 0, 10);
  }
}

std::string base64(const std::string& text) {
  auto result = std::string((text.size() + 2) / 3 * 4, '\0');
  // Writes a terminating zero, too: where std::string has one.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()),
      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  return result;
}

std::string from_base64(const std::string& text) {
  auto result = std::string(text.size() / 4 * 3, '\0');
  auto size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(result.data()),
      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  auto padding = std::count(text.begin(), text.end(), '=');
  result.resize(static_cast<std::size_t>(std::max(0L, size - padding)));
  return result;
}

} // namespace

void shoal_cluster::start() {
  auto names = std::vector<std::string>{};
  for (auto i = std::size_t{0}; i < size(); ++i) {
    ports_[i] = {free_port(), free_port(), free_port()};
    names.push_back(name_of(i));
  }
  make_cluster_certificates(around_.folder, names);
  start_etcd();
  write_config();
  for (auto i = std::size_t{0}; i < size(); ++i)
    revive(i);
  wait_until("balance", [&] { return balanced(); });
  read_operator_key();
}

void shoal_cluster::start_etcd() {
  etcd_port_ = free_port();
  auto clients = numbered("http://127.0.0.1:", etcd_port_);
  auto peers = numbered("http://127.0.0.1:", free_port());
  server_ = start_server({"etcd", "--data-dir", around_.folder + "/etcd", "--listen-client-urls",
                             clients, "--advertise-client-urls", clients, "--listen-peer-urls",
                             peers, "--initial-advertise-peer-urls", peers, "--initial-cluster",
                             "default=" + peers, "--log-level", "error"},
      around_.folder, etcd_port_);
}

void shoal_cluster::write_config() const {
  auto out = std::ofstream{around_.folder + "/cluster.toml"};
  auto pair = [&] {
    out << "certificate = \"" << around_.folder << "/{node}.pem\"\nkey = \"" << around_.folder
        << "/{node}.key\"\n";
  };
  out << "[cluster]\nname = \"bench\"\nmeta = \"etcd\"\nreplicas = " << cluster_replicas
      << "\npartitions = " << cluster_partitions
      << "\n[etcd]\nendpoints = [\"http://127.0.0.1:" << etcd_port_ << "\"]\n[listen]\n";
  pair();
  out << "[link]\nca = \"" << around_.folder << "/ca.pem\"\n";
  pair();
  for (auto i = std::size_t{0}; i < size(); ++i) {
    auto local = [&](const char* key, std::uint16_t port) {
      out << key << " = \"127.0.0.1:" << port << "\"\n";
    };
    out << "[[nodes]]\nname = \"" << name_of(i) << "\"\ndata_dir = \"" << around_.folder << '/'
        << name_of(i) << "\"\n";
    local("address", ports_[i].devices);
    local("link", ports_[i].link);
    local("admin", ports_[i].admin);
  }
}

void shoal_cluster::revive(std::size_t i) {
  nodes_[i] = child{{around_.wishes.bin_dir + "/shoald", "--config",
                        around_.folder + "/cluster.toml", "--node", name_of(i)},
      around_.folder + "/log"};
}

void shoal_cluster::read_operator_key() {
  auto line = [&](const char* file) {
    auto in = std::ifstream{around_.folder + "/n1/" + file};
    auto result = std::string{};
    std::getline(in, result);
    return result;
  };
  wait_until("the operator key", [&] {
    operator_ = {line("operator.key"), line("operator.secret")};
    return !operator_.id.empty() && !operator_.secret.empty();
  });
}

void shoal_cluster::prepare(tls_loop& loop, const plan& p) {
  shoal_contender::prepare(loop, p);
  let_settle(loop, settle_ms); // the catalog's last change is on its way to the other nodes
  for (auto i = std::size_t{0}; i < size(); ++i)
    call(loop, admin(), "GET", std::string{"/v1/apps/"} + shoal_app, "", i);
}

memory_use shoal_cluster::memory() const {
  auto sum = memory_use{};
  for (auto& x : nodes_) {
    auto one = x.memory();
    sum.rss += one.rss;
    sum.pss += one.pss;
  }
  return sum;
}

double shoal_cluster::cpu_seconds() const {
  auto sum = 0.0;
  for (auto& x : nodes_)
    sum += x.cpu_seconds();
  return sum;
}

void shoal_cluster::kill(std::size_t i) { nodes_[i].kill(); }

std::optional<std::vector<std::size_t>> shoal_cluster::leaders() const {
  auto prefix = std::string{"/shoal/bench/view/"};
  auto end = prefix;
  ++end.back();
  auto answer = json::parse(ask(etcd_port_, "POST", "/v3/kv/range",
                                json{{"key", base64(prefix)}, {"range_end", base64(end)}}.dump()),
      nullptr, false);
  if (!answer.is_object())
    return std::nullopt;
  auto result = std::vector<std::size_t>(cluster_partitions, size()); // nobody
  for (auto& x : answer.value("kvs", json::array())) {
    auto key = from_base64(x.at("key"));
    auto view = json::parse(from_base64(x.at("value")));
    auto leader = view.at("leader").get<std::string>();
    result.at(std::stoul(key.substr(prefix.size()))) = std::stoul(leader.substr(1)) - 1;
  }
  return result;
}

bool shoal_cluster::balanced() {
  auto now = now_ns();
  if (now - looked_ < look_every_ms * 1'000'000LL)
    return false;
  looked_ = now;
  return in_balance();
}

bool shoal_cluster::in_balance() {
  auto least =
      static_cast<std::ptrdiff_t>(fair_share * cluster_partitions / static_cast<double>(size()));
  auto now = leaders();
  for (auto i = std::size_t{0}; now && i < size(); ++i) {
    if (!nodes_[i].running())
      throw std::runtime_error{name_of(i) + " has ended"};
    if (std::count(now->begin(), now->end(), i) < least ||
        ask(ports_[i].admin, "GET", "/readyz").empty())
      return false;
  }
  return now && std::find(now->begin(), now->end(), size()) == now->end();
}

} // namespace shoal::bench
