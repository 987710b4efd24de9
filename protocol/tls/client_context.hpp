// TLS as the client of another server: whom to trust, who we are, what is spoken, and sessions that
// were agreed before.
//
// A context is made once per set of options, may be shared by threads, and holds no session: each
// pool keeps the newest one of its server. Verification covers chain, time, purpose and name; it is
// on unless it is switched off in so many words.
#pragma once

#include <memory>
#include <string>

#include "protocol/tls/context.hpp"

namespace shoal::tls {

struct client_tls_options {
  bool verify = true;
  std::string ca_pem;          ///< whose certificates are believed; empty: the system's
  std::string certificate_pem; ///< ours, with its chain; empty: none is shown
  std::string key_pem;         ///< SECRET
  application speaks = application::http_1;
};

/// Throws std::runtime_error with a sentence.
context_ptr make_client_context(const client_tls_options& x);

struct free_session {
  void operator()(SSL_SESSION* x) const { SSL_SESSION_free(x); }
};
using session_ptr = std::unique_ptr<SSL_SESSION, free_session>;

/// How the connections of a pool are secured. Without a context they are plain.
struct client_security {
  context_ptr context;
  std::string server_name; ///< whom the certificate must name; SNI, unless it is an address
  application speaks = application::http_1;
};

/// The client's end of a new connection. New sessions go to `keep`, which outlives it. Null if
/// OpenSSL has no memory.
ssl_ptr begin_client(const client_security& by, session_ptr& keep);

/// After the handshake: whether the server speaks what we offered. Servers without ALPN speak
/// HTTP/1.1.
bool speaks_as_agreed(const SSL* ssl, const client_security& by);

/// Why a handshake failed, for logs.
const char* handshake_flaw(const SSL* ssl);

} // namespace shoal::tls
