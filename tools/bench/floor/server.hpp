// The least that a server could do: one thread, epoll, OpenSSL and a plain SSL_write loop, speaking
// the frames of the device protocol without checking anything. What Shoal's actors, checks and
// storage cost is the distance to this.
//
// Runs in a child process of shoal-bench. A publisher sends frames of type 100 (`floor_publish`);
// what is to be stored goes into a bare RocksDB, and is sent to the user's device when it
// subscribes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/bench/machine/certificate.hpp"

namespace shoal::bench {

constexpr auto floor_publish = std::uint8_t{100};
constexpr auto floor_done = std::uint8_t{102}; ///< body: number of ops, 4 bytes

/// Body of a `floor_publish` frame.
struct floor_order {
  std::uint32_t user = 0; ///< `floor_all`: everybody
  std::uint32_t count = 0;
  std::uint32_t size = 0;  ///< of each payload
  std::uint32_t store = 0; ///< 1: into RocksDB instead of to the device
};
constexpr auto floor_all = ~std::uint32_t{0};

/// Serves until the process is ended.
[[noreturn]] void run_floor_server(
    std::uint16_t port, const certificate_files& certificate, const std::string& folder);

} // namespace shoal::bench
