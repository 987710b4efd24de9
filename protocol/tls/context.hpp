// The TLS settings that all connections of an endpoint share: certificate, versions, ciphers, ALPN,
// tickets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "protocol/tls/ticket_keys.hpp"

namespace shoal::tls {

struct free_ssl {
  void operator()(SSL_CTX* x) const { SSL_CTX_free(x); }
  void operator()(SSL* x) const { SSL_free(x); }
};

using context_ptr = std::shared_ptr<SSL_CTX>;
using ssl_ptr = std::unique_ptr<SSL, free_ssl>;

/// What is spoken above TLS. A new one is a name in context.cpp and a driver in io_loop.cpp.
enum class application : std::uint8_t { device, http_1, http_2 };

/// Builds a context. `keys` must outlive it and everything made from it. Throws std::runtime_error
/// with a sentence.
context_ptr make_context(
    const std::string& certificate_file, const std::string& key_file, ticket_keys& keys);

/// What ALPN chose; without ALPN it is HTTP/1.1.
application chosen_application(const SSL* ssl);

/// Takes the oldest error of this thread's OpenSSL queue as text and empties the queue.
std::string take_ssl_error();

} // namespace shoal::tls
