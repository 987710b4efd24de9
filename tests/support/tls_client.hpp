// A blocking client for tests: TLS with a chosen ALPN list, or plain TCP. Every wait ends after
// `patience`.
//
// Reading past the end and broken connections are answers ("", false), not exceptions, because
// tests ask for them; only a connection that cannot be made at all throws.
#pragma once

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/frame.hpp"

namespace shoal::test {

struct free_session {
  void operator()(SSL_SESSION* x) const { SSL_SESSION_free(x); }
};
using session_ptr = std::unique_ptr<SSL_SESSION, free_session>;

struct client_options {
  std::vector<std::string> alpn = {"shoal/1"};
  bool tls = true;
  int version = 0; ///< TLS1_2_VERSION or TLS1_3_VERSION; 0: the best that both speak
  SSL_SESSION* resume = nullptr;
  int receive_buffer = 0; ///< of the socket, in bytes; 0: the system's default
  int patience_s = 20;
  std::string host = "127.0.0.1"; ///< an IPv4 address
};

struct http_answer {
  int status = 0; ///< 0: the connection ended before an answer
  std::string head;
  std::string body;
};

class tls_client {
public:
  explicit tls_client(std::uint16_t port, client_options options = {}) : options_{options} {
    ::signal(SIGPIPE, SIG_IGN);
    open_socket(port);
    if (options_.tls)
      shake_hands();
  }

  ~tls_client() { close(); }
  tls_client(const tls_client&) = delete;
  tls_client& operator=(const tls_client&) = delete;

  /// False if the TLS handshake failed; `error()` tells how.
  bool connected() const { return connected_; }
  const std::string& error() const { return error_; }
  int fd() const { return fd_; }
  SSL* ssl() { return ssl_.get(); }

  std::string alpn() const {
    const unsigned char* name = nullptr;
    auto size = 0u;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

  bool reused() const { return SSL_session_reused(ssl_.get()) == 1; }

  /// The newest ticket. TLS 1.3 sends it after the handshake: read something first.
  session_ptr session() const {
    auto* found = newest_session_ ? newest_session_.get() : SSL_get0_session(ssl_.get());
    return session_ptr{SSL_SESSION_dup(found)};
  }

  /// Serial number of the server's certificate.
  std::string serial() const {
    auto* certificate = SSL_get0_peer_certificate(ssl_.get());
    auto* number = certificate ? X509_get0_serialNumber(certificate) : nullptr;
    return number ? std::string{reinterpret_cast<const char*>(ASN1_STRING_get0_data(number)),
                        static_cast<std::size_t>(ASN1_STRING_length(number))}
                  : std::string{};
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = write_some(bytes);
      if (n <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  bool send_frame(frame_type type, std::string_view body = {}) {
    return send(encode_frame(type, body));
  }

  /// What has arrived, at most `most` bytes; empty when the server has ended the connection.
  std::string read_some(std::size_t most = 16 * 1024) {
    auto out = std::string(most, '\0');
    ERR_clear_error();
    auto n = ssl_ ? SSL_read(ssl_.get(), out.data(), static_cast<int>(most))
                  : static_cast<int>(::recv(fd_, out.data(), most, 0));
    if (n <= 0)
      note_error();
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }

  /// Everything until the server ends the connection.
  std::string read_to_end() {
    auto out = std::exchange(unread_, {});
    for (auto more = read_some(); !more.empty(); more = read_some())
      out += more;
    return out;
  }

  /// The next frame; nothing when the connection ends first.
  std::optional<frame> read_frame() {
    auto x = frame{};
    while (reader_.next(x) == frame_reader::outcome::need_more) {
      auto more = read_some();
      if (more.empty())
        return std::nullopt;
      reader_.append(more);
    }
    return x;
  }

  /// The next HTTP answer with a Content-Length; `head` if it answers HEAD, which has no body.
  http_answer read_answer(bool head = false) {
    auto out = http_answer{};
    while (unread_.find("\r\n\r\n") == std::string::npos) {
      auto more = read_some();
      if (more.empty())
        return out;
      unread_ += more;
    }
    auto end = unread_.find("\r\n\r\n") + 4;
    out.head = unread_.substr(0, end);
    unread_.erase(0, end);
    out.status = number_after(out.head, " ");
    auto size = head ? 0u : static_cast<std::size_t>(number_after(out.head, "Content-Length: "));
    while (unread_.size() < size) {
      auto more = read_some();
      if (more.empty())
        break;
      unread_ += more;
    }
    out.body = unread_.substr(0, size);
    unread_.erase(0, size);
    return out;
  }

  /// Sends the request as it is and reads the answer.
  http_answer ask(std::string_view request) {
    send(request);
    return read_answer();
  }

  /// Ends politely: close_notify, then FIN.
  void close() {
    if (fd_ < 0)
      return;
    if (ssl_ && connected_)
      SSL_shutdown(ssl_.get());
    ssl_.reset();
    ::close(fd_);
    fd_ = -1;
  }

  /// Ends like a crash: RST.
  void reset() {
    auto hard = linger{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    ssl_.reset();
    ::close(fd_);
    fd_ = -1;
  }

private:
  struct free_ssl {
    void operator()(SSL_CTX* x) const { SSL_CTX_free(x); }
    void operator()(SSL* x) const { SSL_free(x); }
  };

  static int number_after(std::string_view text, std::string_view mark) {
    auto at = text.find(mark);
    auto out = 0;
    if (at != std::string_view::npos)
      std::from_chars(text.data() + at + mark.size(), text.data() + text.size(), out);
    return out;
  }

  void open_socket(std::uint16_t port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0)
      throw std::system_error{errno, std::generic_category(), "no socket"};
    auto wait = timeval{options_.patience_s, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    auto on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (auto size = options_.receive_buffer; size != 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    auto address = sockaddr_in{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (::inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr) != 1 ||
        ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      ::close(std::exchange(fd_, -1)); // no destructor runs after a constructor that throws
      throw std::runtime_error{"cannot connect"};
    }
    connected_ = true;
  }

  void shake_hands() {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_session_cache_mode(
        context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* x) {
      static_cast<tls_client*>(SSL_get_app_data(ssl))->newest_session_.reset(x);
      return 1;
    });
    if (options_.version != 0) {
      SSL_CTX_set_min_proto_version(context_.get(), options_.version);
      SSL_CTX_set_max_proto_version(context_.get(), options_.version);
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_app_data(ssl_.get(), this);
    auto names = std::string{};
    for (auto& name : options_.alpn)
      names.append(1, static_cast<char>(name.size())).append(name);
    if (!names.empty())
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(names.data()),
          static_cast<unsigned>(names.size()));
    // A copy, because OpenSSL marks a TLS 1.3 session as used up once it has been resumed.
    if (auto copy = session_ptr{options_.resume ? SSL_SESSION_dup(options_.resume) : nullptr})
      SSL_set_session(ssl_.get(), copy.get());
    SSL_set_fd(ssl_.get(), fd_);
    ERR_clear_error();
    connected_ = SSL_connect(ssl_.get()) == 1;
    if (!connected_)
      note_error();
  }

  void note_error() {
    if (auto* reason = ERR_reason_error_string(ERR_peek_error()))
      error_ = reason;
    ERR_clear_error();
  }

  int write_some(std::string_view bytes) {
    ERR_clear_error();
    auto n = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                  : static_cast<int>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (n <= 0)
      note_error();
    return n;
  }

  client_options options_;
  int fd_ = -1;
  bool connected_ = false;
  std::string error_;
  session_ptr newest_session_;
  std::unique_ptr<SSL_CTX, free_ssl> context_;
  std::unique_ptr<SSL, free_ssl> ssl_;
  frame_reader reader_{max_server_frame};
  std::string unread_;
};

} // namespace shoal::test
