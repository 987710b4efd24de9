// What an HTTP/2 session holds. For its two sources only: `h2_session.cpp`, which serves its owner,
// and `h2_callbacks.cpp`, which hears nghttp2.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "protocol/http/h2_session.hpp"
#include "protocol/http/nghttp2_types.hpp"

namespace shoal::http {

/// Window updates and pings that a request, or one of our data frames, explains: the stream's and
/// the connection's.
constexpr std::uint32_t h2_explained_each = 2;

/// Frames without use: a bucket that refills with time.
class h2_allowance {
public:
  h2_allowance(std::uint32_t most, std::uint32_t per_second)
      : most_{1000ull * most}, per_ms_{per_second}, left_{most_} {}

  void pass(std::uint64_t now_ms) {
    if (now_ms > at_ms_)
      left_ = std::min(most_, left_ + std::min(most_, (now_ms - at_ms_) * per_ms_));
    at_ms_ = std::max(at_ms_, now_ms);
  }

  bool spend() {
    if (left_ < 1000)
      return false;
    left_ -= 1000;
    return true;
  }

private:
  std::uint64_t most_;   // in thousandths of a frame
  std::uint64_t per_ms_; // thousandths per millisecond are frames per second
  std::uint64_t left_;
  std::uint64_t at_ms_ = 0;
};

/// A request that arrives, is under way, or whose answer leaves.
struct h2_stream {
  request what;
  std::string authority;
  std::string cookie;
  std::string out;        // the answer's body
  std::size_t sent = 0;   // of it
  std::size_t header = 0; // bytes of its list so far
  std::uint64_t begun_ms = 0;
  int refusal = 0; // status of the answer it gets instead of being handed out
  bool has_head = false;
  bool whole = false; // arrived completely, or never will
  bool answered = false;
  bool head = false;
  bool is_trailer = false;
  bool is_https = false;
  std::string protocol; // of an extended CONNECT
};

struct h2_session::state {
  state(h2_session& owner, h2_limits with)
      : self{owner}, limits{with}, idle{with.idle_frames, with.idle_frames_per_second} {}

  h2_session& self;
  h2_limits limits;
  h2_allowance idle;
  std::unordered_map<std::int32_t, h2_stream> streams;
  h2_tunnels tunnels;
  std::size_t held = 0;
  std::size_t under_way = 0;
  std::size_t leaving = 0;
  std::size_t unsent = 0;
  std::size_t allowed_unsent = SIZE_MAX; // by the owner
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  std::uint64_t now_ms = 0;
  std::uint64_t explained = 0; // window updates and pings that use explains
  int goodbyes = 0;
  bool dead = false;
  bool ended = false; // by us, for misuse
  std::unique_ptr<nghttp2_session, free_nghttp2> session;

  nghttp2_session* raw() { return session.get(); }

  h2_stream* find(std::int32_t id) {
    auto found = streams.find(id);
    return found == streams.end() ? nullptr : &found->second;
  }

  void end(std::uint32_t why) {
    if (!std::exchange(ended, true))
      nghttp2_session_terminate_session(raw(), why);
  }

  void spend() {
    if (!idle.spend())
      end(NGHTTP2_ENHANCE_YOUR_CALM);
  }

  void reset(std::int32_t id, std::uint32_t why) {
    nghttp2_submit_rst_stream(raw(), NGHTTP2_FLAG_NONE, id, why);
  }

  void forget_body(h2_stream& x) {
    held -= x.what.body.size();
    x.what.body = std::string{};
  }

  /// Answers instead of the handler; the rest of the request is not wanted.
  void refuse(std::int32_t id, h2_stream& x, const response& with);

  void send(std::int32_t id, h2_stream& x, response with);

  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t room,
      std::uint32_t* flags, nghttp2_data_source* source, void*);
};

/// nghttp2 tells the state that is its session's user data.
void set_h2_callbacks(nghttp2_session_callbacks* to);

} // namespace shoal::http
