// Tunnels through an HTTP/2 session (RFC 8441): streams that a client has opened with an extended
// CONNECT and on which both sides then say what they like. This class holds what waits on them, in
// both directions; opening them is h2_session's part, which owns it, and what the bytes mean is
// nobody's business here.
//
// For the session's owner: after each `feed` and `produce`, `take_stirred` names the streams of
// which there is something new. Whatever is asked of a stream that has no tunnel (any more) does
// nothing.
//
// Bounded: of what the peer says at most one stream's window is held, because the window opens only
// as `take` takes; the connection's opens at once, so that a tunnel nobody listens to delays no
// other stream. What is sent waits for the peer's windows, shared and not copied; its owner bounds
// it with `unsent`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/outbox.hpp"

struct nghttp2_session;

namespace shoal::http {

class h2_tunnels {
public:
  h2_tunnels() = default;
  h2_tunnels(const h2_tunnels&) = delete;
  h2_tunnels& operator=(const h2_tunnels&) = delete;

  /// Streams with new bytes, an end, or no tunnel any more. Each once.
  std::vector<std::uint32_t> take_stirred();

  bool has(std::uint32_t stream) const { return tunnels_.contains(stream); }

  /// At most `most` bytes of what the peer has said; it may say as many more.
  std::string take(std::uint32_t stream, std::size_t most);

  /// The peer says no more, and everything was taken.
  bool heard_all(std::uint32_t stream) const;

  void send(std::uint32_t stream, shared_bytes bytes);

  /// Bytes that wait to leave.
  std::size_t unsent(std::uint32_t stream) const;

  /// The same of all tunnels.
  std::size_t unsent() const;

  /// Drops what waits, but for the rest of a message that has begun to leave.
  void forget_unsent(std::uint32_t stream);

  /// Says, after everything that waits, that no more will come. What the peer still says is not
  /// wanted.
  void finish(std::uint32_t stream);

  /// Ends the stream at once: as over if it has been said so before, else as given up.
  void cut(std::uint32_t stream);

  /// How many there are, also those that were asked for and wait to be opened.
  std::size_t size() const { return tunnels_.size(); }

  /// Bytes that the peer has said and nobody has taken.
  std::size_t held() const { return held_; }

  /// Bytes that have left, of all tunnels.
  std::uint64_t sent() const { return sent_; }

private:
  friend class h2_session;
  friend struct h2_callbacks;

  struct tunnel {
    std::string in;
    std::size_t taken = 0; // of `in`
    outbox out;
    bool in_over = false;  // the peer says no more
    bool deaf = false;     // or need not
    bool out_over = false; // we say no more than what waits
    bool end_sent = false;
    bool stirred = false; // and not taken yet
  };
  struct reading;
  using fields = std::vector<std::pair<std::string, std::string>>;

  tunnel* find(std::uint32_t stream);
  const tunnel* find(std::uint32_t stream) const;
  void stir(std::uint32_t stream, tunnel& x);
  void hear_no_more(tunnel& x);
  void reset(std::uint32_t stream, std::uint32_t why);

  // What the session tells.
  void use(nghttp2_session* session) { session_ = session; }
  void expect(std::uint32_t stream) { tunnels_[stream]; }
  void open(std::uint32_t stream, const fields& head);
  void refuse(std::uint32_t stream);
  void on_data(std::uint32_t stream, std::string_view bytes);
  void on_end(std::uint32_t stream);
  void on_close(std::uint32_t stream);
  void shed();

  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::uint32_t, tunnel> tunnels_;
  std::vector<std::uint32_t> stirred_;
  std::size_t held_ = 0;
  std::uint64_t sent_ = 0;
};

} // namespace shoal::http
