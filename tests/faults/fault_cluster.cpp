#include "tests/faults/fault_cluster.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <stdexcept>

#include <sys/mount.h>
#include <sys/wait.h>

#include "cluster/etcd_meta_store.hpp"
#include "tests/support/cluster_ca.hpp"

namespace shoal::faults {

namespace fs = std::filesystem;

namespace {

constexpr auto start_patience_ms = 60'000;
constexpr auto end_patience_ms = 20'000;

std::string text_of(const endpoint& x) { return x.host + ":" + std::to_string(x.port); }

std::string in_quotes(const std::vector<std::string>& all) {
  auto out = std::string{};
  for (auto& x : all)
    out += (out.empty() ? "\"" : ", \"") + x + "\"";
  return out;
}

std::string first_line(const std::string& path) {
  auto in = std::ifstream{path};
  auto out = std::string{};
  std::getline(in, out);
  return out;
}

} // namespace

fault_cluster::fault_cluster(cluster_plan plan) : plan_{std::move(plan)} {
  if (plan_.own_network)
    network_ = std::make_unique<private_network>(plan_.nodes + plan_.etcd_members);
  for (std::size_t i = 0; i < plan_.nodes; ++i) {
    auto& x = nodes_.emplace_back();
    x.api = free_at(i);
    x.link = free_at(i);
    x.admin = free_at(i);
    x.program = plan_.old_shoald.empty() ? plan_.shoald : plan_.old_shoald;
    fs::create_directories(data_dir(i));
  }
  plan_etcd();
  give_whims();
  mount_small_disk();
  write_certificates();
  write_config();
  auto options = cluster::etcd_options{};
  options.endpoints = etcd_->urls();
  options.prefix = "/shoal/faults/";
  meta_ = cluster::make_etcd_meta_store(options);
}

fault_cluster::~fault_cluster() {
  for (std::size_t i = 0; i < size(); ++i)
    kill(i);
  etcd_->kill();
  if (plan_.small_disk_mb != 0)
    ::umount2(data_dir(size() - 1).c_str(), MNT_DETACH);
}

std::vector<endpoint> fault_cluster::apis() const {
  auto out = std::vector<endpoint>{};
  for (auto& x : nodes_)
    out.push_back(x.api);
  return out;
}

std::vector<std::size_t> fault_cluster::etcd_hosts() const {
  auto out = std::vector<std::size_t>(plan_.etcd_members);
  std::iota(out.begin(), out.end(), plan_.nodes);
  return out;
}

void fault_cluster::plan_etcd() {
  auto members = std::vector<fault_etcd::host>{};
  for (auto host : etcd_hosts())
    members.push_back({free_at(host), free_at(host),
        [this, host](std::vector<std::string> x) { return on_host(host, std::move(x)); }});
  etcd_ = std::make_unique<fault_etcd>(std::move(members), plan_.folder);
}

std::string fault_cluster::host_of(std::size_t host) const {
  return network_ ? network_->address(host) : "127.0.0.1";
}

std::vector<std::string> fault_cluster::on_host(
    std::size_t host, std::vector<std::string> command) const {
  if (!network_)
    return command;
  auto out = network_->on(host);
  out.insert(out.end(), command.begin(), command.end());
  return out;
}

void fault_cluster::give_whims() {
  for (std::size_t i = 0; i < size() && !plan_.preload.empty(); ++i) {
    nodes_[i].has_whims = map_whims(whims_file(i).c_str());
    nodes_[i].ledger = sync_ledger::map(ledger_file(i).c_str());
    if (!nodes_[i].has_whims || !nodes_[i].ledger)
      throw std::runtime_error{"cannot map " + whims_file(i) + " and " + ledger_file(i)};
  }
}

void fault_cluster::mount_small_disk() {
  auto where = data_dir(size() - 1);
  auto size = "size=" + std::to_string(plan_.small_disk_mb) + "m";
  if (plan_.small_disk_mb != 0 && ::mount("tmpfs", where.c_str(), "tmpfs", 0, size.c_str()) != 0)
    throw std::runtime_error{"cannot mount a small disk"};
}

void fault_cluster::write_certificates() const {
  auto ca = test::cluster_ca{plan_.folder};
  for (std::size_t i = 0; i < size(); ++i)
    ca.issue(name(i));
}

void fault_cluster::write_config() const {
  auto out = std::ofstream{plan_.folder + "/cluster.toml"};
  auto in_folder = [&](const char* key, const char* file) {
    out << key << " = \"" << plan_.folder << '/' << file << "\"\n";
  };
  out << "[cluster]\nname = \"faults\"\nmeta = \"etcd\"\npartitions = " << plan_.partitions
      << "\nreplicas = " << plan_.replicas << "\n[etcd]\nendpoints = [" << in_quotes(etcd_->urls())
      << "]\n[listen]\n";
  in_folder("certificate", "cluster-{node}.pem");
  in_folder("key", "cluster-{node}.key");
  out << "[link]\n";
  in_folder("ca", "cluster-ca.pem");
  in_folder("certificate", "cluster-{node}.pem");
  in_folder("key", "cluster-{node}.key");
  for (std::size_t i = 0; i < size(); ++i)
    out << "[[nodes]]\nname = \"" << name(i) << "\"\naddress = \"" << text_of(nodes_[i].api)
        << "\"\nlink = \"" << text_of(nodes_[i].link) << "\"\nadmin = \""
        << text_of(nodes_[i].admin) << "\"\ndata_dir = \"" << data_dir(i) << "\"\n";
}

void fault_cluster::start() {
  launch_etcd();
  for (std::size_t i = 0; i < size(); ++i)
    launch(i);
  if (!await_whole(start_patience_ms))
    throw std::runtime_error{"the cluster does not start: " + what_is_missing()};
  auto has_key = wait_until(start_patience_ms, [&] {
    operator_key_ = {
        first_line(data_dir(0) + "/operator.key"), first_line(data_dir(0) + "/operator.secret")};
    return !operator_key_.id.empty() && !operator_key_.secret.empty();
  });
  if (!has_key)
    throw std::runtime_error{"the cluster has no operator key"};
}

// -- processes -----------------------------------------------------------------------------------

bool fault_cluster::is_old() const {
  return std::any_of(
      nodes_.begin(), nodes_.end(), [this](auto& x) { return x.program != plan_.shoald; });
}

void fault_cluster::launch(std::size_t n) {
  auto command = std::vector<std::string>{
      nodes_[n].program, "--config", plan_.folder + "/cluster.toml", "--node", name(n)};
  if (nodes_[n].has_whims)
    command.insert(command.begin(),
        {"env", "LD_PRELOAD=" + plan_.preload, std::string{whims_variable} + "=" + whims_file(n),
            std::string{ledger_variable} + "=" + ledger_file(n)});
  nodes_[n].process = bench::child{on_host(n, std::move(command)), log_file(n)};
}

void fault_cluster::strike(std::size_t n) {
  if (auto pid = nodes_[n].process.pid(); pid > 0)
    ::kill(pid, SIGKILL);
}

void fault_cluster::kill(std::size_t n) {
  strike(n);
  wait_until(start_patience_ms, [&] { return !running(n); });
}

void fault_cluster::pause(std::size_t n) { ::kill(nodes_[n].process.pid(), SIGSTOP); }

void fault_cluster::resume(std::size_t n) { ::kill(nodes_[n].process.pid(), SIGCONT); }

void fault_cluster::replace_disk(std::size_t n) {
  for (auto& x : fs::directory_iterator{data_dir(n)})
    fs::remove_all(x);
}

void fault_cluster::ask_to_end(std::size_t n) { ::kill(nodes_[n].process.pid(), SIGTERM); }

bool fault_cluster::await_end(std::size_t n) {
  if (wait_until(end_patience_ms, [&] { return !running(n); }))
    return true;
  kill(n);
  return false;
}

bool fault_cluster::ready(std::size_t n) const {
  auto& at = nodes_[n].admin;
  try {
    auto wire = test::tls_client{at.port, {.tls = false, .patience_s = 1, .host = at.host}};
    return wire.ask("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200;
  } catch (const std::exception&) {
    return false;
  }
}

bool fault_cluster::await_whole(int patience_ms) {
  return wait_until(patience_ms, [this] { return what_is_missing().empty(); });
}

std::string fault_cluster::what_is_missing() {
  for (std::size_t i = 0; i < size(); ++i) {
    if (!running(i))
      return name(i) + " does not run";
    if (!ready(i))
      return name(i) + " is not ready";
  }
  auto known = std::vector<cluster::node_info>{};
  if (meta_->list_nodes(known) != cluster::meta_result::done)
    return "etcd does not answer: " + meta_->problem();
  for (auto& x : known)
    if (x.down)
      return x.name + " counts as dead";
  auto all = views();
  if (all.size() != plan_.partitions)
    return "only " + std::to_string(all.size()) + " views";
  for (auto& [no, x] : all)
    if (!x.previous.empty() || x.replicas.size() < copies())
      return "partition " + std::to_string(static_cast<unsigned>(no)) +
             (x.previous.empty() ? " lacks a copy" : " is in change");
  auto led = leads();
  for (std::size_t i = 0; i < size(); ++i)
    if (led[i] == 0)
      return name(i) + " leads nothing";
  return {};
}

void fault_cluster::launch_etcd() {
  etcd_->launch();
  await_etcd();
}

void fault_cluster::await_etcd() {
  auto found = cluster::controller_record{};
  if (!wait_until(start_patience_ms,
          [&] { return meta_->get_controller(found) != cluster::meta_result::failed; }))
    throw std::runtime_error{"etcd does not answer: " + meta_->problem()};
}

// -- who does what -------------------------------------------------------------------------------

std::map<partition_no, cluster::view> fault_cluster::views() {
  auto out = std::map<partition_no, cluster::view>{};
  if (meta_->list_views(out) != cluster::meta_result::done)
    out.clear();
  return out;
}

std::size_t fault_cluster::number_of(const std::string& name_of_node) const {
  for (std::size_t i = 0; i < size(); ++i)
    if (name(i) == name_of_node)
      return i;
  return 0;
}

std::size_t fault_cluster::copies() const {
  return std::min<std::size_t>(plan_.replicas == 0 ? 3 : plan_.replicas, size());
}

std::size_t fault_cluster::controller() {
  auto found = cluster::controller_record{};
  meta_->get_controller(found);
  return number_of(found.node);
}

std::vector<std::size_t> fault_cluster::leads() {
  auto out = std::vector<std::size_t>(size());
  for (auto& [no, x] : views())
    ++out[number_of(x.leader)];
  return out;
}

} // namespace shoal::faults
