// Thousands of TLS client connections on one thread: epoll and OpenSSL straight on the sockets, the
// same for every server.
//
// The loop owns the connections; a `conversation` (MQTT, NATS, Shoal, …) says what is said on one
// of them. Received bytes are parsed in place; answers gathered in `connection::out` while a read
// is handled leave in one record afterwards, so that the generator costs the machine as little as
// possible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace shoal::bench {

class tls_loop;

struct connection {
  tls_loop* loop = nullptr;
  std::size_t index = 0; ///< of the slot in the loop
  std::string out;       ///< to be sent; flushed by the loop after `received`, else with `flush`

  void flush();
  /// The conversation must not be used by the loop after this.
  void close();
};

/// What is said on one connection. Lives longer than the connection.
class conversation {
public:
  virtual ~conversation() = default;
  /// TLS is up.
  virtual void opened(connection& c) = 0;
  /// Returns how many bytes it understood; the rest comes again with what follows.
  virtual std::size_t received(connection& c, std::string_view bytes) = 0;
  /// The other side is gone, or TLS failed. Not called for `close`.
  virtual void lost(const std::string& why) = 0;
};

struct dial_options {
  std::uint16_t port = 0;
  std::string alpn;           ///< empty: none
  bool greeted_plain = false; ///< the server says one line before TLS (NATS)
  bool resume = false;        ///< with a ticket, if one is left
};

enum class tickets : std::uint8_t { ignore, keep };

class tls_loop {
public:
  explicit tls_loop(tickets how = tickets::ignore);
  ~tls_loop();
  tls_loop(const tls_loop&) = delete;
  tls_loop& operator=(const tls_loop&) = delete;

  connection& open(const dial_options& how, conversation& talk);

  /// Waits for events, but not beyond `until_ns`, and handles them.
  void step(std::int64_t until_ns);
  /// Steps until `done()` or the time is over; returns `done()`.
  bool run_until(const std::function<bool()>& done, int timeout_s);

  /// Handshakes that used a ticket.
  std::uint64_t resumed() const { return resumed_; }

private:
  friend struct connection;
  struct slot;

  void advance(slot& s, std::uint32_t events);
  bool greet(slot& s);
  void shake(slot& s);
  void read(slot& s);
  void write(slot& s);
  void watch(slot& s, bool write_too);
  void drop(slot& s, const std::string& why);
  void release(slot& s);

  ssl_ctx_st* context_;
  std::vector<ssl_session_st*> tickets_; ///< newest last; OpenSSL lets a client use each once
  int epoll_;
  std::vector<std::unique_ptr<slot>> slots_;
  std::vector<std::size_t> free_;
  std::vector<std::size_t> released_; ///< reusable after the current step
  std::vector<char> buffer_;
  std::uint64_t resumed_ = 0;
  unsigned next_source_ = 0;
};

} // namespace shoal::bench
