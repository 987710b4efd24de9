// HTTP/2 on the client's side, without sockets: requests in, bytes out; bytes in, answers out. The
// other half of `h2_session`; nghttp2 knows the frames, HPACK and the flow control.
//
// One per connection, one thread. A request is given in HTTP/1.1's form, as backends that speak
// that get it; its body is read from there until its stream has ended, so it must stay as it is.
// Every request that was begun ends in one event, unless it is given up first.
//
// Bounds: streams at a time (ours and the server's SETTINGS_MAX_CONCURRENT_STREAMS); what a server
// may send ahead, 256 KiB per stream and 1 MiB for the connection; heads, fields and bodies of
// answers (response_limits), trailers counted with the head; eight interim answers; a thousand
// pings or settings whose acknowledgement the server does not read (nghttp2). An answer that breaks
// a bound or a rule of HTTP costs its stream; a frame that breaks HTTP/2 costs the connection.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/http/response_reader.hpp"

namespace shoal::http {

struct h2_client_limits {
  std::uint32_t streams = 100;
  std::uint32_t at_first = 100; ///< until the server's settings say how many it takes
  response_limits answer = {};
};

class h2_client_session {
public:
  explicit h2_client_session(h2_client_limits limits, bool secure);
  ~h2_client_session();

  /// Begins an exchange. Its stream; 0: none can be begun, or the request is none.
  std::uint32_t ask(std::string_view request);

  /// The answer is not wanted any more; no event follows.
  void give_up(std::uint32_t stream);

  /// Reads. Afterwards look at `take`, `produce`, `room`. False: the connection must end; events
  /// that are there are good.
  bool feed(std::string_view bytes);

  enum class fate : std::uint8_t {
    answered,
    refused,   ///< the server says that it has done nothing about it
    reset,     ///< it may have done something
    malformed, ///< the answer is none, or too large
  };
  struct event {
    std::uint32_t stream = 0;
    fate what = fate::answered;
    reply answer;
    bool begun = false; ///< something of the answer had arrived
    bool early = false; ///< it was asked before the server's settings were known
  };
  bool has_event() const { return !events_.empty(); }
  event take();

  /// Appends bytes to send, about `enough` at most. False: the connection must end.
  bool produce(std::string& out, std::size_t enough);

  /// Asks for a sign of life.
  void ping();

  /// Streams that are open, and how many more may begin now.
  std::size_t streams() const;
  std::size_t room() const;

  /// How many the server takes at a time; nothing until it has said so.
  std::optional<std::uint32_t> streams_of_server() const;

  /// The server takes no more streams; those that are open may end well.
  bool going_away() const;

private:
  friend struct h2_client_callbacks;
  struct state;
  std::unique_ptr<state> state_;
  std::deque<event> events_;
};

} // namespace shoal::http
