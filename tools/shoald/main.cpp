// shoald: one Shoal node in the foreground. Prints one "ready" line when it serves; SIGTERM and
// SIGINT stop it cleanly, SIGHUP reads the certificate again.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/log.hpp"
#include "actors/node/node.hpp"
#include "cluster/config.hpp"
#include "cluster/config_check.hpp"
#include "cluster/config_nodes.hpp"
#include "tools/shoald/heap.hpp"

namespace {

/// Devices are file descriptors: take all that the system allows.
void raise_file_limit() {
  rlimit x{};
  if (getrlimit(RLIMIT_NOFILE, &x) == 0) {
    x.rlim_cur = x.rlim_max;
    setrlimit(RLIMIT_NOFILE, &x);
  }
}

shoal::node_options options_of(const shoal::cluster::config& c) {
  shoal::node_options x;
  x.name = c.node.name;
  x.data_dir = c.node.data_dir;
  x.address = c.listen.address;
  x.port = c.listen.port;
  x.admin_address = c.listen.admin_address;
  x.admin_port = c.listen.admin_port;
  x.certificate = c.listen.certificate;
  x.key = c.listen.key;
  x.io_loops = c.listen.io_loops;
  x.max_connections = c.listen.max_connections;
  x.web_origins = c.listen.web_origins;
  x.max_frame = c.limits.max_frame;
  x.max_http_body = c.limits.max_http_body;
  x.partitions = c.cluster.partitions;
  x.block_cache_mb = c.storage.block_cache_mb;
  x.memtable_mb = c.storage.memtable_mb;
  x.gateway_digest = c.gateway.digest == "file";
  x.gateway_digest_max_mb = c.gateway.digest_max_mb;
  x.gateway_plain_address = c.gateway.plain_address;
  x.gateway_plain_port = c.gateway.plain_port;
  if (auto etcd = shoal::cluster::discovery_etcd_of(c); !etcd.endpoints.empty())
    x.gateway_etcd = std::make_shared<const shoal::cluster::etcd_options>(std::move(etcd));
  x.audit.records = c.limits.audit_records;
  x.audit.age_ms = std::int64_t{c.limits.audit_days} * 24 * 3'600'000;
  auto& l = x.limit;
  l.heartbeat_min_s = c.limits.heartbeat_min_s;
  l.heartbeat_max_s = c.limits.heartbeat_max_s;
  l.heartbeat_default_s = c.limits.heartbeat_default_s;
  l.window_ops = c.limits.window_ops;
  l.window_bytes = c.limits.window_bytes;
  l.subscriptions = c.limits.subscriptions_per_device;
  l.ack_timeout = std::chrono::seconds{c.limits.ack_timeout_s};
  l.clock_window = std::chrono::seconds{c.limits.clock_window_s};
  l.stream_idle = std::chrono::seconds{c.limits.stream_idle_s};
  l.batch_items = c.limits.batch_items;
  l.payload_max = c.limits.payload_max;
  return x;
}

/// Says who this node would be; 2 if it could not start.
int check(const shoal::cluster::config& config) {
  auto found = shoal::cluster::explain(config);
  for (const auto& fact : found.facts)
    std::cout << fact << '\n';
  for (const auto& problem : found.problems)
    std::cerr << "problem: " << problem << '\n';
  if (found.problems.empty())
    std::cout << "The configuration is valid.\n";
  return found.problems.empty() ? 0 : 2;
}

int serve(shoal::node_options options) {
  sigset_t signals;
  sigemptyset(&signals);
  for (auto s : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, s);
  pthread_sigmask(
      SIG_BLOCK, &signals, nullptr); // before any thread, so that only sigwait sees them
  std::signal(SIGPIPE, SIG_IGN);

  std::atomic<bool> gave_up{false};
  options.on_give_up = [&gave_up] {
    gave_up = true;
    kill(getpid(), SIGTERM);
  };
  shoal::node node{std::move(options)};
  node.start();
  std::cout << "ready port=" << node.port() << " admin_port=" << node.admin_port()
            << " operator_key=" << node.operator_key()
            << " operator_secret_file=" << node.operator_secret_file() << std::endl;
  for (;;) {
    int got = 0;
    sigwait(&signals, &got);
    if (got != SIGHUP)
      break;
    auto problem = node.reload_certificate();
    if (problem.empty())
      shoal::log::info("certificate reloaded");
    else
      shoal::log::error("certificate not reloaded", {{"why", problem}});
  }
  shoal::log::info("stopping");
  node.stop();
  return gave_up ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
  shoal::choose_heaps();
  CLI::App app{"One node of Shoal, the open-source backend for mobile apps."};
  app.set_version_flag("--version", SHOAL_VERSION);
  std::string config_file, name, data_dir, level, format;
  int port = -1, admin_port = -1;
  bool dump = false, only_check = false, ephemeral = false, new_epoch = false;
  app.add_option("--config", config_file, "Configuration file (TOML); see --dump-config");
  app.add_option("--node", name, "Which of the [[nodes]] of the configuration this is");
  app.add_option("--data-dir", data_dir, "Data folder, overrides the configuration");
  app.add_option("--port", port, "TLS port for devices and API; 0 = any free one")
      ->check(CLI::Range(0, 65535));
  app.add_option(
         "--admin-port", admin_port, "Plain HTTP port for metrics and health; 0 = any free one")
      ->check(CLI::Range(0, 65535));
  app.add_option("--log-level", level, "trace, debug, info, warn, error or off");
  app.add_option("--log-format", format, "kv or json");
  app.add_flag("--ephemeral", ephemeral, "Keep everything in memory; nothing survives");
  app.add_flag("--new-epoch", new_epoch,
      "The data folder was restored from a backup: devices resynchronise");
  app.add_flag("--check", only_check,
      "Say in sentences who this node is and what would keep it from starting, and exit");
  app.add_flag(
      "--dump-config", dump, "Print the configuration with every option explained, and exit");
  CLI11_PARSE(app, argc, argv);
  try {
    auto config =
        config_file.empty() ? shoal::cluster::config{} : shoal::cluster::load_config(config_file);
    config = shoal::cluster::for_node(std::move(config), name);
    if (!data_dir.empty())
      config.node.data_dir = data_dir;
    if (port >= 0)
      config.listen.port = static_cast<std::uint16_t>(port);
    if (admin_port >= 0)
      config.listen.admin_port = static_cast<std::uint16_t>(admin_port);
    if (!level.empty())
      config.log.level = level;
    if (!format.empty())
      config.log.format = format;
    if (dump) {
      std::cout << shoal::cluster::dump(config);
      return 0;
    }
    if (!shoal::log::setup(config.log.level, config.log.format))
      throw std::runtime_error("log.level or log.format is none of the known ones");
    if (only_check)
      return check(config);
    raise_file_limit();
    auto options = options_of(config);
    if (config.cluster.meta != "local")
      options.cluster = std::make_shared<const shoal::cluster::config>(config);
    options.config_text = shoal::cluster::dump(config);
    options.ephemeral = ephemeral;
    options.new_epoch = new_epoch;
    return serve(std::move(options));
  } catch (const shoal::cluster::config_error& e) {
    std::cerr << "shoald: " << e.what() << '\n';
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "shoald: " << e.what() << '\n';
    return 1;
  }
}
