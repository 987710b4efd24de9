// One TLS client connection at a time on a non-blocking socket, and what is kept between
// connections (trust, the session ticket). OpenSSL works straight on the file descriptor; whoever
// owns this waits with poll.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace shoal::sdk {

struct tls_options {
  std::string host;
  std::uint16_t port = 0;
  std::string ca_file;   ///< PEM; empty: the system's authorities
  bool insecure = false; ///< take any certificate
};

class tls_socket {
public:
  enum class progress : std::uint8_t { done, want_read, want_write, failed };

  /// Throws std::runtime_error if the certificates cannot be read.
  explicit tls_socket(tls_options options);
  ~tls_socket();
  tls_socket(const tls_socket&) = delete;
  tls_socket& operator=(const tls_socket&) = delete;

  /// Resolves the host (blocking) and starts to connect; several addresses are tried in turn, one
  /// per call.
  progress dial();
  /// Goes on with connecting and the handshake until `done`.
  progress shake();
  /// Appends what has arrived. `done`: something was read.
  progress read(std::string& into);
  /// Removes from `from` what was written. `done`: nothing is left.
  progress write(std::string& from);
  /// Says goodbye if `politely`, then closes. Harmless without a connection.
  void close(bool politely);

  int fd() const { return fd_; }
  bool resumed() const;
  const std::string& error() const { return error_; }

private:
  progress fail(const std::string& what);
  progress outcome_of(int result, const char* what);
  bool start_tls();

  tls_options options_;
  ssl_ctx_st* context_ = nullptr;
  ssl_session_st* ticket_ = nullptr;
  ssl_st* ssl_ = nullptr;
  int fd_ = -1;
  unsigned next_address_ = 0;
  std::string error_;
};

} // namespace shoal::sdk
