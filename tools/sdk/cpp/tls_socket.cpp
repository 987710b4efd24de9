#include "tools/sdk/cpp/tls_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace shoal::sdk {

namespace {

constexpr auto alpn = std::array<unsigned char, 8>{7, 's', 'h', 'o', 'a', 'l', '/', '1'};

std::string tls_error() {
  auto text = std::array<char, 256>{};
  auto code = ERR_get_error();
  if (code == 0)
    return "connection closed";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

bool is_address(const std::string& host) {
  auto bytes = std::array<unsigned char, 16>{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

} // namespace

tls_socket::tls_socket(tls_options options) : options_{std::move(options)} {
  context_ = SSL_CTX_new(TLS_client_method());
  if (!context_)
    throw std::runtime_error{"OpenSSL: " + tls_error()};
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_protos(context_, alpn.data(), alpn.size());
  // TLS 1.3 tickets come after the handshake; the newest one serves the next connection.
  SSL_CTX_set_session_cache_mode(
      context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context_, [](SSL* ssl, SSL_SESSION* ticket) {
    auto* self = static_cast<tls_socket*>(SSL_get_app_data(ssl));
    SSL_SESSION_free(self->ticket_);
    self->ticket_ = ticket;
    return 1;
  });
  if (options_.insecure)
    return;
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  auto ok = options_.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context_)
                                     : SSL_CTX_load_verify_file(context_, options_.ca_file.c_str());
  if (ok == 1)
    return;
  SSL_CTX_free(context_);
  throw std::runtime_error{"cannot read certificates " + options_.ca_file + ": " + tls_error()};
}

tls_socket::~tls_socket() {
  close(false);
  SSL_SESSION_free(ticket_);
  SSL_CTX_free(context_);
}

tls_socket::progress tls_socket::dial() {
  close(false);
  auto hints = addrinfo{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  auto port = std::to_string(options_.port);
  if (auto code = ::getaddrinfo(options_.host.c_str(), port.c_str(), &hints, &found))
    return fail("cannot resolve " + options_.host + ": " + ::gai_strerror(code));
  auto owner = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>{found, &::freeaddrinfo};
  auto addresses = std::vector<addrinfo*>{};
  for (auto* x = found; x; x = x->ai_next)
    addresses.push_back(x);
  auto* address = addresses[next_address_++ % addresses.size()];
  fd_ = ::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0)
    return fail(std::string{"socket: "} + std::strerror(errno));
  auto on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS)
    return fail(std::string{"cannot connect: "} + std::strerror(errno));
  return progress::want_write;
}

tls_socket::progress tls_socket::shake() {
  if (!ssl_) {
    auto error = 0;
    auto size = socklen_t{sizeof error};
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
      return fail(std::string{"cannot connect: "} + std::strerror(error));
    if (!start_tls())
      return fail("OpenSSL: " + tls_error());
  }
  ERR_clear_error();
  if (auto result = SSL_do_handshake(ssl_); result != 1)
    return outcome_of(result, "handshake: ");
  const unsigned char* chosen = nullptr;
  auto size = 0u;
  SSL_get0_alpn_selected(ssl_, &chosen, &size);
  if (size != alpn.size() - 1)
    return fail("the server does not speak shoal/1");
  return progress::done;
}

tls_socket::progress tls_socket::read(std::string& into) {
  auto chunk = std::array<char, 16 * 1024>{};
  ERR_clear_error();
  auto result = SSL_read(ssl_, chunk.data(), chunk.size());
  if (result <= 0)
    return outcome_of(result, "read: ");
  into.append(chunk.data(), static_cast<std::size_t>(result));
  return progress::done;
}

tls_socket::progress tls_socket::write(std::string& from) {
  while (!from.empty()) {
    ERR_clear_error();
    auto size = std::min<std::size_t>(from.size(), 1u << 20);
    auto result = SSL_write(ssl_, from.data(), static_cast<int>(size));
    if (result <= 0)
      return outcome_of(result, "write: ");
    from.erase(0, static_cast<std::size_t>(result));
  }
  return progress::done;
}

void tls_socket::close(bool politely) {
  if (ssl_) {
    if (politely)
      SSL_shutdown(ssl_);
    // Without this a connection that broke off would make its ticket useless.
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl_);
    ssl_ = nullptr;
  }
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = -1;
}

bool tls_socket::resumed() const { return ssl_ && SSL_session_reused(ssl_) == 1; }

tls_socket::progress tls_socket::fail(const std::string& what) {
  error_ = what;
  return progress::failed;
}

tls_socket::progress tls_socket::outcome_of(int result, const char* what) {
  switch (SSL_get_error(ssl_, result)) {
  case SSL_ERROR_WANT_READ:
    return progress::want_read;
  case SSL_ERROR_WANT_WRITE:
    return progress::want_write;
  default:
    return fail(what + tls_error());
  }
}

bool tls_socket::start_tls() {
  ssl_ = SSL_new(context_);
  if (!ssl_)
    return false;
  SSL_set_app_data(ssl_, this);
  SSL_set_connect_state(ssl_);
  if (SSL_set_fd(ssl_, fd_) != 1)
    return false;
  if (ticket_)
    SSL_set_session(ssl_, ticket_);
  if (is_address(options_.host))
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), options_.host.c_str()) == 1;
  return SSL_set_tlsext_host_name(ssl_, options_.host.c_str()) == 1 &&
         SSL_set1_host(ssl_, options_.host.c_str()) == 1;
}

} // namespace shoal::sdk
