// HTTP/2 on the server's side, without sockets: bytes in, requests out; answers in, bytes out.
// nghttp2 knows the frames, HPACK and the flow control; this class adds what a server on the open
// Internet must bound and nghttp2 leaves to it.
//
// One per connection, one thread. `feed` takes what arrived, `take` gives requests of the same kind
// as HTTP/1.1 gives, `answer` takes their answers in any order, `produce` gives bytes to send for
// as long as there are some. Time is passed in, in milliseconds of any steady clock.
//
// Bounds (h2_limits): streams at a time, and as many again whose answers nobody waits for any more;
// header lists; bodies, one and all of a connection together; how long a request may take to
// arrive; and frames that make work and carry none (resets, settings, priorities, empty data, and
// the pings and window updates that neither requests nor our data explain), which draw on a budget
// that refills with time. Who exhausts it gets GOAWAY with ENHANCE_YOUR_CALM, and so does who sends
// a header list of several times the limit: a byte of it can mean a field of kilobytes, which are
// looked at each time. Answers wait here for the peer's window, one per stream, up to a sum; more
// are replaced by 503.
//
// An extended CONNECT for a WebSocket (RFC 8441) comes out of `take` like a request, before its
// stream ends. `open_tunnel` accepts it: from then on the stream is one of `tunnels`, and neither a
// deadline nor the limits of requests hold for it. Any answer refuses it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/http/h2_tunnels.hpp"
#include "protocol/http/message.hpp"

namespace shoal::http {

struct h2_limits {
  std::size_t header = 16 * 1024;            ///< names + values + 32 per field, as RFC 9113 counts
  std::size_t body = 16 * 1024 * 1024;       ///< of one request
  std::size_t unfinished = 32 * 1024 * 1024; ///< of all incomplete requests of the connection
  std::size_t unsent = 32 * 1024 * 1024; ///< of answers that the peer does not read; more get 503
  std::uint32_t streams = 100;
  std::uint32_t tunnels = 0;       ///< of these streams; 0: the peer is told that there are none
  std::uint32_t idle_frames = 400; ///< frames without use that may come at once
  std::uint32_t idle_frames_per_second = 40; ///< and for as long as they like
};

/// How long each part of a request may take, in milliseconds.
struct h2_patience {
  std::uint64_t head = 10'000;
  std::uint64_t whole = 60'000;
  std::uint64_t answer = 120'000;
};

class h2_session {
public:
  explicit h2_session(h2_limits limits);
  ~h2_session();

  struct arrival {
    std::uint32_t stream = 0;
    request what;
    bool asks_for_websocket = false; ///< method CONNECT, with path and headers but no body
  };

  /// Reads. Afterwards look at `take`, `produce` and `over`.
  void feed(std::string_view bytes, std::uint64_t now_ms);

  /// Requests that are complete, in the order of their completion.
  bool has_request() const { return !arrived_.empty(); }
  arrival take();

  /// Streams that the peer ended although their requests were taken and have no answer yet.
  std::vector<std::uint32_t> take_given_up() { return std::exchange(given_up_, {}); }

  /// The answer to a request that was taken; each must be answered once, even if its stream is
  /// gone.
  void answer(std::uint32_t stream, response x);

  /// From now on no more bytes of answers may wait than `most`, nor than the limits allow.
  void allow_unsent(std::size_t most);

  /// Accepts a request for a WebSocket, instead of an answer: 200 with the subprotocol. False if
  /// its stream is gone.
  bool open_tunnel(std::uint32_t stream, std::string_view protocol);

  h2_tunnels& tunnels();

  /// Appends bytes to send, about `enough` at most, if the peer's windows let it have them.
  void produce(std::string& out, std::size_t enough);

  /// Ends requests that take too long to arrive with 408, and those that nobody answers with 504.
  void expire(std::uint64_t now_ms, const h2_patience& patience);

  /// Ends all incomplete requests with 503, and tunnels whose bytes wait: the process has no more
  /// room for them.
  void shed();

  /// The connection will end: streams that come from now on may be lost. First call: the peer is
  /// told to open no more. Second call, a round trip later: those that came meanwhile are the last.
  void shut_down();

  /// Nothing more to read or to send.
  bool over() const;

  /// Bytes of incomplete requests, and of tunnels that nobody has taken.
  std::size_t held() const;

  /// Requests that were taken and not answered yet.
  std::size_t under_way() const;

  /// Streams that are open: arriving, under way, or leaving; tunnels, too.
  std::size_t streams() const;

  /// Answers that have not left completely.
  std::size_t leaving() const;

  /// Bytes of answers and tunnels that have been put into frames; grows as the peer reads.
  std::uint64_t sent() const;

  /// Bytes of answers that wait for the peer's window.
  std::size_t unsent() const;

  /// Streams that broke a rule, and connections that were ended for it.
  std::uint64_t refused() const;

private:
  friend struct h2_callbacks;
  struct state;
  std::unique_ptr<state> state_;
  std::deque<arrival> arrived_;
  std::vector<std::uint32_t> given_up_;
};

} // namespace shoal::http
