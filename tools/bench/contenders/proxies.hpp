// The peers of the gateway, and the backend behind all of them.
#pragma once

#include <cstdint>
#include <string>

#include "tools/bench/machine/certificate.hpp"
#include "tools/bench/machine/child.hpp"

namespace shoal::bench {

struct http_server {
  child process;
  std::uint16_t port = 0;
};

/// nginx, plain HTTP/1.1, one worker: answers /small with 48 bytes and /1k with 1 KiB, both JSON,
/// whatever it is asked.
http_server start_backend(const std::string& folder);

/// The same answers over TLS, HTTP/1.1 and HTTP/2, with two workers and nothing behind: what no
/// proxy can exceed.
http_server start_bare_tls(const std::string& folder, const certificate_files& certificate);

/// nginx and HAProxy in front of the backend: TLS 1.3 with the same cipher, HTTP/1.1 and HTTP/2,
/// two workers or threads, connections to the backend kept alive, no logs.
http_server start_nginx(
    const std::string& folder, const certificate_files& certificate, std::uint16_t backend);
http_server start_haproxy(
    const std::string& folder, const certificate_files& certificate, std::uint16_t backend);

} // namespace shoal::bench
