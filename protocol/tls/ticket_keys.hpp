// The keys that seal session tickets, so that resuming needs no memory on the server.
//
// Shared by all loops and by all SSL contexts of an endpoint (a reloaded certificate does not end
// sessions). A key seals for `lifetime`, then opens for `lifetime` more, then is forgotten: a
// stolen key unlocks a bounded past. Thread-safe. Keys live in this process only; a restarted or
// another node asks for a full handshake.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

namespace shoal::tls {

struct ticket_key {
  std::array<std::uint8_t, 16> name{}; ///< travels in the ticket, in the clear
  std::array<std::uint8_t, 32> cipher{};
  std::array<std::uint8_t, 32> mac{};
};

class ticket_keys {
public:
  using time_point = std::chrono::steady_clock::time_point;

  ticket_keys(std::chrono::seconds lifetime, time_point now);
  ~ticket_keys();
  ticket_keys(const ticket_keys&) = delete;
  ticket_keys& operator=(const ticket_keys&) = delete;

  /// The key for new tickets.
  ticket_key sealing(time_point now);

  struct opened {
    ticket_key key;
    bool renew = false; ///< sealed with the previous key: give the client a new ticket
  };

  /// The key of that name, unless it is unknown or forgotten.
  std::optional<opened> opening(std::span<const std::uint8_t, 16> name, time_point now);

  /// Begins a new key now; the present one becomes the previous one.
  void rotate(time_point now);

private:
  void rotate_if_due(time_point now);

  std::mutex mutex_;
  std::chrono::seconds lifetime_;
  time_point made_at_;
  ticket_key current_;
  std::optional<ticket_key> previous_;
};

} // namespace shoal::tls
