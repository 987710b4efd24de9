// A real etcd of a test's own: one member on free loopback ports, its data in a temporary folder.
#pragma once

#include <chrono>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>

#include "cluster/etcd_meta_store.hpp"
#include "protocol/tls/certificate.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::test {

class child_etcd {
public:
  static bool is_installed() { return std::system("command -v etcd >/dev/null 2>&1") == 0; }

  explicit child_etcd(bool with_tls = false) : with_tls_{with_tls} {
    if (with_tls) {
      tls::write_authority(ca(), "etcd of a test");
      tls::write_signed(server(), {"etcd", "127.0.0.1"}, ca());
      tls::write_signed(client(), {"n1"}, ca());
    }
    start();
  }
  child_etcd(const child_etcd&) = delete;
  child_etcd& operator=(const child_etcd&) = delete;

  std::string endpoint() const { return url(client_port_); }

  cluster::etcd_options options(const std::string& prefix) const {
    auto out = cluster::etcd_options{};
    out.endpoints = {endpoint()};
    out.prefix = prefix;
    if (with_tls_) {
      out.ca = ca().certificate;
      out.certificate = client().certificate;
      out.key = client().key;
    }
    return out;
  }

  void start() {
    auto peers = "http://127.0.0.1:" + std::to_string(peer_port_);
    auto args = std::vector<std::string>{"etcd", "--name=e1", "--data-dir=" + path("data"),
        "--listen-client-urls=" + endpoint(), "--advertise-client-urls=" + endpoint(),
        "--listen-peer-urls=" + peers, "--initial-advertise-peer-urls=" + peers,
        "--initial-cluster=e1=" + peers, "--heartbeat-interval=20", "--election-timeout=200",
        "--logger=zap", "--log-level=error"};
    if (with_tls_)
      args.insert(
          args.end(), {"--client-cert-auth", "--trusted-ca-file=" + ca().certificate,
                          "--cert-file=" + server().certificate, "--key-file=" + server().key});
    process_.emplace(args, path("log"));
    wait_until_it_answers();
  }

  /// As if the power were cut.
  void kill() { process_.reset(); }

  void pause() { process_->signal(SIGSTOP); }
  void resume() { process_->signal(SIGCONT); }

private:
  std::string path(const std::string& name) const { return dir_.path() / name; }
  std::string url(std::uint16_t port) const {
    return (with_tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port);
  }
  tls::pem_files ca() const { return {path("ca.pem"), path("ca.key")}; }
  tls::pem_files server() const { return {path("server.pem"), path("server.key")}; }
  tls::pem_files client() const { return {path("client.pem"), path("client.key")}; }

  void wait_until_it_answers() {
    auto store = cluster::make_etcd_meta_store(options("/probe/"));
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    auto found = cluster::controller_record{};
    while (store->get_controller(found) == cluster::meta_result::failed) {
      if (std::chrono::steady_clock::now() > end)
        throw std::runtime_error{"etcd does not answer: " + store->problem()};
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
  }

  bool with_tls_;
  temp_dir dir_;
  std::uint16_t client_port_ = free_port();
  std::uint16_t peer_port_ = free_port();
  std::optional<child_process> process_; // last: it writes into the folder
};

} // namespace shoal::test
