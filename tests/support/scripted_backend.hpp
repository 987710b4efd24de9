// A backend that keeps connections alive, serves many at a time, and answers with whatever a test
// says, byte by byte: good answers, half ones, garbage, nothing. Plain, or over TLS.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/loopback_server.hpp"

namespace shoal::test {

/// How a backend is secured. Files in PEM.
struct backend_tls {
  std::string certificate_file, key_file;
  std::string client_ca_file; ///< clients must show a certificate of this authority
  std::string alpn;           ///< the only protocol it speaks; empty: it knows no ALPN
  int version = 0;            ///< TLS1_2_VERSION: no more than that
};

class scripted_backend {
public:
  enum class then : std::uint8_t { keep, close, reset, hang };
  struct say {
    std::string bytes;
    then after = then::keep;
  };
  struct heard {
    std::string method, path, head, body; ///< path with its query
  };
  using script = std::function<say(const heard&)>;

  explicit scripted_backend(script answer, const backend_tls& tls = {})
      : answer_{std::move(answer)}, alpn_{tls.alpn} {
    if (!tls.certificate_file.empty())
      secure(tls);
    port_ = listen_on_loopback(listener_, 256);
    door_ = std::thread{[this] { accept_all(); }};
  }

  ~scripted_backend() {
    stop_ = true;
    door_.join();
    for (auto& x : rooms_)
      x.join();
    ::close(listener_);
    SSL_CTX_free(tls_);
  }

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int requests() const { return requests_; }
  int connections() const { return connections_; }
  int given_up() const { return given_up_; } ///< of those left hanging, whose client went away
  int resumed() const { return resumed_; }   ///< TLS sessions that were taken up again

  /// The server name that the last client asked for; "" if it did not.
  std::string asked_name() const {
    auto guard = std::lock_guard{mutex_};
    return asked_name_;
  }

  std::vector<heard> all_heard() const {
    auto guard = std::lock_guard{mutex_};
    return heard_;
  }

  static say ok(const std::string& body, const std::string& fields = "") {
    return {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + fields +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
        then::keep};
  }

private:
  /// A connection, with TLS or without.
  struct stream {
    int fd;
    SSL* ssl = nullptr;

    ~stream() {
      SSL_free(ssl);
      ::close(fd);
    }
    long read(char* into, std::size_t size) const {
      return ssl ? SSL_read(ssl, into, static_cast<int>(size)) : ::recv(fd, into, size, 0);
    }
    long write(const char* from, std::size_t size) const {
      return ssl ? SSL_write(ssl, from, static_cast<int>(size))
                 : ::send(fd, from, size, MSG_NOSIGNAL);
    }
  };

  void secure(const backend_tls& x) {
    ::signal(SIGPIPE, SIG_IGN);
    tls_ = SSL_CTX_new(TLS_server_method());
    auto good = SSL_CTX_use_certificate_chain_file(tls_, x.certificate_file.c_str()) == 1 &&
                SSL_CTX_use_PrivateKey_file(tls_, x.key_file.c_str(), SSL_FILETYPE_PEM) == 1;
    if (!x.client_ca_file.empty()) {
      good = good && SSL_CTX_load_verify_locations(tls_, x.client_ca_file.c_str(), nullptr) == 1;
      SSL_CTX_set_verify(tls_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    SSL_CTX_set_max_proto_version(tls_, x.version);
    SSL_CTX_set_session_id_context(tls_, reinterpret_cast<const unsigned char*>("b"), 1);
    if (!x.alpn.empty())
      SSL_CTX_set_alpn_select_cb(tls_, choose, this);
    if (!good)
      throw std::runtime_error{"the backend's certificate cannot be used"};
  }

  static int choose(SSL*, const unsigned char** out, unsigned char* size,
      const unsigned char* offered, unsigned offered_size, void* user) {
    auto& wanted = static_cast<scripted_backend*>(user)->alpn_;
    for (auto at = 0u; at < offered_size; at += offered[at] + 1u)
      if (wanted ==
          std::string_view{reinterpret_cast<const char*>(offered + at + 1), offered[at]}) {
        *out = offered + at + 1;
        *size = offered[at];
        return SSL_TLSEXT_ERR_OK;
      }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  bool readable(const stream& x) const {
    if (x.ssl && SSL_pending(x.ssl) > 0)
      return true;
    auto waited = pollfd{x.fd, POLLIN, 0};
    while (!stop_)
      if (::poll(&waited, 1, 10) > 0)
        return true;
    return false;
  }

  void accept_all() {
    auto waited = pollfd{listener_, POLLIN, 0};
    while (!stop_) {
      if (::poll(&waited, 1, 10) <= 0)
        continue;
      auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0)
        continue;
      ++connections_;
      rooms_.emplace_back([this, fd] {
        auto x = stream{fd};
        auto text = std::string{};
        if (tls_ && !shake_hands(x))
          return;
        while (serve(x, text)) {
        }
      });
    }
  }

  bool shake_hands(stream& x) {
    if (!readable(x)) // a client that says nothing must not keep this thread
      return false;
    auto patience = timeval{5, 0};
    ::setsockopt(x.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    x.ssl = SSL_new(tls_);
    SSL_set_fd(x.ssl, x.fd);
    auto done = SSL_accept(x.ssl) == 1;
    auto* name = SSL_get_servername(x.ssl, TLSEXT_NAMETYPE_host_name);
    {
      auto guard = std::lock_guard{mutex_};
      asked_name_ = name ? name : "";
    }
    if (done && SSL_session_reused(x.ssl) == 1)
      ++resumed_;
    return done;
  }

  bool serve(stream& from, std::string& text) {
    auto end = text.npos;
    while ((end = text.find("\r\n\r\n")) == text.npos || text.size() < end + 4 + length_in(text)) {
      char buffer[16384];
      auto n = readable(from) ? from.read(buffer, sizeof(buffer)) : 0;
      if (n <= 0)
        return false;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    auto x = heard{};
    auto blank = text.find(' ');
    x.method = text.substr(0, blank);
    x.path = text.substr(blank + 1, text.find(' ', blank + 1) - blank - 1);
    x.head = text.substr(0, end + 2);
    x.body = text.substr(end + 4, length_in(text));
    text.erase(0, end + 4 + x.body.size());
    {
      auto guard = std::lock_guard{mutex_};
      heard_.push_back(x);
    }
    ++requests_;
    return answer(from, answer_(x));
  }

  bool answer(stream& to, const say& what) {
    for (std::size_t sent = 0; sent < what.bytes.size();) {
      auto n = to.write(what.bytes.data() + sent, what.bytes.size() - sent);
      if (n <= 0)
        return false;
      sent += static_cast<std::size_t>(n);
    }
    if (what.after == then::reset) {
      auto hard = linger{1, 0};
      ::setsockopt(to.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    }
    if (what.after == then::hang) {
      char buffer[256];
      while (readable(to) && to.read(buffer, sizeof(buffer)) > 0) {
      }
      ++given_up_;
    }
    return what.after == then::keep;
  }

  static std::size_t length_in(const std::string& text) {
    constexpr auto field = std::string_view{"Content-Length: "};
    auto at = text.find(field);
    return at == text.npos || at > text.find("\r\n\r\n")
               ? 0
               : std::stoul(text.substr(at + field.size()));
  }

  script answer_;
  std::string alpn_;
  SSL_CTX* tls_ = nullptr;
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> requests_{0}, connections_{0}, resumed_{0}, given_up_{0};
  mutable std::mutex mutex_;
  std::vector<heard> heard_; // guarded by mutex_
  std::string asked_name_;   // guarded by mutex_
  std::vector<std::thread> rooms_;
  std::thread door_;
};

} // namespace shoal::test
