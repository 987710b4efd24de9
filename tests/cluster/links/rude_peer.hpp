// Somebody who talks to a node's link port by hand: silent, plain text, or TLS with a certificate
// of the test's choice. Every wait ends.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cluster/links/wire.hpp"
#include "tests/support/cluster_ca.hpp"

namespace shoal::test {

class rude_peer {
public:
  explicit rude_peer(std::uint16_t port, int patience_s = 10) {
    ::signal(SIGPIPE, SIG_IGN);
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    auto patience = timeval{patience_s, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    auto to = sockaddr_in{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error{"cannot connect"};
  }
  ~rude_peer() { ::close(fd_); }
  rude_peer(const rude_peer&) = delete;
  rude_peer& operator=(const rude_peer&) = delete;

  /// With TLS 1.3 a server refuses a certificate only after the client believes to be done.
  bool shake_hands(const node_identity* me, const std::string& alpn = "shoal-node/1") {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (me) {
      SSL_CTX_use_certificate_chain_file(context_.get(), me->certificate.c_str());
      SSL_CTX_use_PrivateKey_file(context_.get(), me->key.c_str(), SSL_FILETYPE_PEM);
    }
    ssl_.reset(SSL_new(context_.get()));
    auto offered = static_cast<char>(alpn.size()) + alpn;
    if (!alpn.empty())
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offered.data()),
          static_cast<unsigned>(offered.size()));
    SSL_set_fd(ssl_.get(), fd_);
    return SSL_connect(ssl_.get()) == 1;
  }

  void say(std::string_view bytes) {
    if (ssl_)
      SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    else
      (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  /// Nothing if the connection ended, or nothing came for the whole patience.
  std::optional<std::pair<cluster::links::tag, std::string>> next_record() {
    auto x = cluster::links::record{};
    while (reader_.next(x) != cluster::links::record_reader::result::record) {
      char bytes[4096];
      auto n = ssl_ ? SSL_read(ssl_.get(), bytes, sizeof bytes)
                    : static_cast<int>(::recv(fd_, bytes, sizeof bytes, 0));
      if (n <= 0) {
        timed_out_ = errno == EAGAIN && n < 0;
        return std::nullopt;
      }
      reader_.feed({bytes, static_cast<std::size_t>(n)});
    }
    return std::pair{static_cast<cluster::links::tag>(x.tag), std::string{x.body}};
  }

  /// What the node says when it ends the connection; empty if it says nothing.
  std::string last_words() {
    while (auto x = next_record())
      if (x->first == cluster::links::tag::bye)
        return x->second;
    return timed_out_ ? "(it is still open)" : "";
  }

  long peer_serial() {
    return ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get0_peer_certificate(ssl_.get())));
  }

private:
  struct free_any {
    void operator()(SSL_CTX* x) const { SSL_CTX_free(x); }
    void operator()(SSL* x) const { SSL_free(x); }
  };
  int fd_ = -1;
  bool timed_out_ = false;
  std::unique_ptr<SSL_CTX, free_any> context_;
  std::unique_ptr<SSL, free_any> ssl_;
  cluster::links::record_reader reader_;
};

} // namespace shoal::test
