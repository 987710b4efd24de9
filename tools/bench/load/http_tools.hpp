// wrk and h2load as child processes: what they are told, and what they found. For the gateway,
// where the usual clients of the field measure Shoal and its peers alike.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace shoal::bench {

struct http_work {
  std::string url; ///< "https://127.0.0.1:8443/mgw.htm"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body; ///< sent with POST
  std::size_t seconds = 3;
  std::string folder; ///< for scripts and logs
};

/// Requests per second over `connections` kept-alive HTTP/1.1 connections, by wrk with one thread.
/// Throws std::runtime_error if any answer was not 2xx, or none came.
double wrk_rate(const http_work& work, std::size_t connections);

/// The same over HTTP/2, by h2load with one thread.
double h2_rate(const http_work& work, std::size_t connections, std::size_t streams);

/// Latencies in nanoseconds of HTTP/1.1 requests that are due at a fixed rate, by h2load.
std::vector<std::int64_t> paced_latencies(
    const http_work& work, std::size_t connections, std::size_t per_second);

/// What a program says on its standard output; throws if it cannot be started or takes longer.
std::string output_of(
    const std::vector<std::string>& command, const std::string& log, int timeout_s);

} // namespace shoal::bench
