// What CAF's own network layer does when strangers knock: the measurement behind "Why not CAF's
// network layer" in cluster/README.md. Not a test; repeat it when CAF changes:
//
//   ninja -C build/release shoal-caf-network-probe && build/release/bin/shoal-caf-network-probe
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>

#include <arpa/inet.h>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/cluster_ca.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace std::chrono_literals;
using shoal::test::node_identity;

struct config : caf::actor_system_config {
  config(const node_identity& node, const std::string& ca) {
    load<caf::io::middleman>();
    load<caf::openssl::manager>();
    openssl_certificate = node.certificate;
    openssl_key = node.key;
    openssl_cafile = ca;
    set("middleman.heartbeat-interval", caf::timespan{500ms});
    set("middleman.connection-timeout", caf::timespan{2s});
    set("scheduler.max-threads", 2u);
  }
};

double cpu_seconds() {
  auto x = rusage{};
  ::getrusage(RUSAGE_SELF, &x);
  auto seconds = [](timeval y) {
    return static_cast<double>(y.tv_sec) + static_cast<double>(y.tv_usec) / 1e6;
  };
  return seconds(x.ru_utime) + seconds(x.ru_stime);
}

void pass(std::chrono::milliseconds time) {
  auto mutex = std::mutex{};
  auto lock = std::unique_lock{mutex};
  std::condition_variable{}.wait_for(lock, time, [] { return false; });
}

double cpu_percent(std::chrono::milliseconds time) {
  auto before = cpu_seconds();
  pass(time);
  return (cpu_seconds() - before) / std::chrono::duration<double>{time}.count() * 100;
}

class stranger {
public:
  explicit stranger(std::uint16_t port, int flags = 0)
      : fd_{::socket(AF_INET, SOCK_STREAM | flags, 0)} {
    auto to = sockaddr_in{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }
  ~stranger() { ::close(fd_); }
  stranger(const stranger&) = delete;
  int fd() const { return fd_; }

private:
  int fd_;
};

/// Listens and never accepts: like a process that is stopped, or, when its queue is full, like a
/// host that swallows packets.
class deaf_host {
public:
  explicit deaf_host(int backlog) : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
    auto here = sockaddr_in{};
    auto size = socklen_t{sizeof here};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&here), size);
    ::listen(fd_, backlog);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size);
    port = ntohs(here.sin_port);
  }
  ~deaf_host() { ::close(fd_); }
  deaf_host(const deaf_host&) = delete;
  std::uint16_t port = 0;

private:
  int fd_;
};

/// Two systems, one link; B watches an actor of A.
class pair_of_nodes {
public:
  pair_of_nodes(const node_identity& a, const node_identity& b, const std::string& ca)
      : config_a_{a, ca}, config_b_{b, ca} {
    answerer_ = a_.spawn(
        [](caf::event_based_actor*) -> caf::behavior { return {[](int x) { return x; }}; });
    port = *caf::openssl::publish(answerer_, 0, "127.0.0.1");
    remote_ = *caf::openssl::remote_actor<caf::actor>(b_, "127.0.0.1", port);
    watcher_ = b_.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      self->monitor(remote_);
      self->set_down_handler([this](caf::down_msg&) { down_ = true; });
      return {[](int) {}};
    });
  }
  pair_of_nodes(const pair_of_nodes&) = delete;

  ~pair_of_nodes() {
    caf::anon_send_exit(watcher_, caf::exit_reason::kill);
    caf::anon_send_exit(answerer_, caf::exit_reason::kill);
  }

  const char* link() {
    auto good = false;
    caf::scoped_actor self{b_};
    self->request(remote_, 1s, 1).receive([&](int) { good = true; }, [](caf::error&) {});
    return down_ ? "the healthy link went down" : good ? "the healthy link works" : "no answer";
  }

  caf::actor_system& system() { return b_; }
  std::uint16_t port = 0;

private:
  config config_a_, config_b_;
  caf::actor_system a_{config_a_}, b_{config_b_};
  caf::actor answerer_, remote_, watcher_;
  std::atomic<bool> down_{false};
};

void show_certificate(std::uint16_t port, const node_identity& x) {
  auto* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_use_certificate_chain_file(context, x.certificate.c_str());
  SSL_CTX_use_PrivateKey_file(context, x.key.c_str(), SSL_FILETYPE_PEM);
  stranger socket{port};
  auto* ssl = SSL_new(context);
  auto byte = char{};
  SSL_set_fd(ssl, socket.fd());
  SSL_connect(ssl);
  SSL_read(ssl, &byte, 1);
  SSL_free(ssl);
  SSL_CTX_free(context);
}

void dial(pair_of_nodes& x, std::uint16_t port) {
  caf::scoped_actor self{x.system()};
  self->send(x.system().openssl_manager().actor_handle(), caf::connect_atom_v,
      std::string{"127.0.0.1"}, port);
}

} // namespace

int main() {
  ::signal(SIGPIPE, SIG_IGN);
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  shoal::test::temp_dir folder;
  shoal::test::cluster_ca ca{folder.path()}, other{folder.path(), "other"};
  auto a = ca.issue("a"), b = ca.issue("b"), wrong = other.issue("a");
  {
    pair_of_nodes x{a, b, ca.file()};
    std::printf("nobody knocks:                CPU %3.0f %%, %s\n", cpu_percent(2s), x.link());
  }
  {
    pair_of_nodes x{a, b, ca.file()};
    stranger silent{x.port};
    pass(100ms);
    auto first = cpu_percent(2s);
    pass(4s);
    auto later = cpu_percent(2s);
    std::printf("a silent connection:          CPU %3.0f %%, after 6 s %3.0f %%, %s\n", first,
        later, x.link());
  }
  {
    pair_of_nodes x{a, b, ca.file()};
    for (auto i = 0; i < 20; ++i) {
      stranger talker{x.port};
      (void)::write(talker.fd(), "GET / HTTP/1.1\r\n\r\n", 18);
      pass(20ms);
    }
    std::printf("plain text, 20 times:         %s\n", x.link());
  }
  {
    pair_of_nodes x{a, b, ca.file()};
    for (auto i = 0; i < 5; ++i)
      show_certificate(x.port, wrong);
    pass(300ms);
    std::printf("another CA's certificate:     %s\n", x.link());
  }
  {
    pair_of_nodes x{a, b, ca.file()};
    deaf_host stopped{10};
    dial(x, stopped.port);
    pass(100ms);
    auto first = cpu_percent(500ms);
    pass(3s);
    std::printf("dialing a stopped process:    CPU %3.0f %%, after 3.5 s %3.0f %%\n", first,
        cpu_percent(2s));
  }
  {
    pair_of_nodes x{a, b, ca.file()};
    deaf_host swallower{0};
    stranger fill[] = {stranger{swallower.port, SOCK_NONBLOCK},
        stranger{swallower.port, SOCK_NONBLOCK}, stranger{swallower.port, SOCK_NONBLOCK}};
    pass(100ms);
    dial(x, swallower.port);
    caf::scoped_actor self{x.system()};
    auto start = std::chrono::steady_clock::now();
    auto good = false;
    self->request(x.system().openssl_manager().actor_handle(), 20s, caf::connect_atom_v,
            std::string{"127.0.0.1"}, x.port)
        .receive([&](const caf::node_id&, const caf::strong_actor_ptr&,
                     const std::set<std::string>&) { good = true; },
            [](caf::error&) {});
    auto took = std::chrono::duration<double>{std::chrono::steady_clock::now() - start}.count();
    std::printf(
        "a dial behind one that hangs: %s after %.1f s\n", good ? "done" : "given up", took);
    std::fflush(stdout);
    ::_exit(0); // the manager's thread is still in connect(2)
  }
}
