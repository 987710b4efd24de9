// One request to another server and who waits for its answer. See client_pool.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http/response_reader.hpp"

namespace shoal::tls {

class client_pool;
class client_connection;

enum class client_error : std::uint8_t {
  unreachable, ///< no connection could be made
  overloaded,  ///< the pool's limits of connections and waiting exchanges are reached
  broken,      ///< reset, or ended before or within the answer
  malformed,   ///< the answer is none
  insecure,    ///< TLS could not be agreed, or the certificate is not to be believed
  refused,     ///< the server says that it has done nothing about it
};

/// Whether the server cannot have acted on the request.
constexpr bool never_arrived(client_error x) {
  return x == client_error::unreachable || x == client_error::overloaded ||
         x == client_error::insecure || x == client_error::refused;
}

struct client_failure {
  client_error why = client_error::broken;
  std::string_view detail = {}; ///< for logs
  bool was_reused = false;      ///< the connection had carried an exchange before
  bool had_begun = false;       ///< something of the answer had arrived
};

/// Owned by whoever waits. Exactly one of `on_reply` and `on_failure` is called, unless it is
/// cancelled or destroyed first; what carried a cancelled exchange is closed, because its answer
/// belongs to nobody.
class client_exchange {
public:
  client_exchange() = default;
  client_exchange(const client_exchange&) = delete;
  client_exchange& operator=(const client_exchange&) = delete;
  virtual ~client_exchange() { cancel(); }

  void cancel();
  bool under_way() const { return carrier_ != nullptr || waits_in_ != nullptr; }

  std::string request_bytes; ///< whole; not changed while the exchange is under way
  bool is_head = false;      ///< the answer has no body

protected:
  /// A connection is there for it; it may still have to be made.
  virtual void on_carried() {}
  /// The connection is open: the request begins to leave.
  virtual void on_sending() {}
  /// May start, cancel and destroy any exchange, this one, too.
  virtual void on_reply(http::reply&& x) = 0;
  virtual void on_failure(const client_failure& x) = 0;

private:
  friend class client_pool;
  friend class client_connection;
  friend class client_http_2;
  client_connection* carrier_ = nullptr;
  client_pool* waits_in_ = nullptr;
  std::uint32_t stream_ = 0; ///< of HTTP/2
  int moves_ = 0;            ///< away from connections that said goodbye before they began this
};

} // namespace shoal::tls
