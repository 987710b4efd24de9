// What nghttp2 says becomes requests: a peer's frames, one callback each. `user` is always the
// session's state, `h2_session_state.hpp`.
#include "protocol/http/h2_session_state.hpp"
#include "protocol/http/problem.hpp"
#include "protocol/http/target.hpp"

namespace shoal::http {
namespace {

constexpr std::size_t max_method = 32;

/// A header list that is too large by little gets an answer; by this factor, it is a bomb.
constexpr std::size_t bomb_factor = 4;

} // namespace

struct h2_callbacks {
  using state = h2_session::state;

  static state& of(void* user) { return *static_cast<state*>(user); }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& me = of(user);
    auto id = frame->hd.stream_id;
    if (auto* x = me.find(id)) {
      x->is_trailer = true;
      return 0;
    }
    if (me.under_way >= 2ull * me.limits.streams) {
      // Its answers are still being made for streams that the peer gave up.
      me.reset(id, NGHTTP2_REFUSED_STREAM);
      return 0;
    }
    me.streams[id].begun_ms = me.now_ms;
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name_bytes,
      std::size_t name_size, const std::uint8_t* value_bytes, std::size_t value_size, std::uint8_t,
      void* user) {
    auto& me = of(user);
    auto* x = me.find(frame->hd.stream_id);
    if (!x)
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; // refused: the rest is only decompressed
    x->header += name_size + value_size + 32;
    if (x->header > bomb_factor * me.limits.header) {
      me.end(NGHTTP2_ENHANCE_YOUR_CALM);
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (x->refusal != 0 || x->is_trailer)
      return 0; // read on only to keep the compression in step
    if (x->header > me.limits.header) {
      x->refusal = 431;
      return 0;
    }
    put(*x, nghttp2_text(name_bytes, name_size), nghttp2_text(value_bytes, value_size));
    return 0;
  }

  static void put(h2_stream& x, std::string_view name, std::string_view value) {
    if (name == ":method") {
      x.what.method = value;
      x.head = value == "HEAD";
    } else if (name == ":path") {
      auto question = std::min(value.find('?'), value.size());
      x.what.path = value.substr(0, question);
      if (question != value.size())
        x.what.query = value.substr(question + 1);
      if (!valid_target(value))
        x.refusal = 400;
    } else if (name == ":authority") {
      x.authority = value;
    } else if (name == ":protocol") {
      x.protocol = value;
    } else if (name == ":scheme") {
      x.is_https = value == "https";
      if (!x.is_https && value != "http")
        x.refusal = 400;
    } else if (name == "cookie") {
      // May come in pieces (RFC 9113, 8.2.3); a handler sees one, as in HTTP/1.1.
      x.cookie.append(x.cookie.empty() ? "" : "; ").append(value);
    } else if (!name.starts_with(':')) {
      x.what.headers.emplace_back(name, value);
    }
  }

  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
      std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; // the stream is reset
  }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame, void* user) {
    auto& me = of(user);
    switch (frame->type) {
    case NGHTTP2_HEADERS:
      break;
    case NGHTTP2_DATA:
      if (frame->length == 0 && (frame->flags & NGHTTP2_FLAG_END_STREAM) == 0)
        me.spend();
      break;
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_PING: // some clients measure with them how fast our data comes
      if (me.explained > 0)
        --me.explained;
      else
        me.spend();
      break;
    default:
      me.spend();
    }
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& me = of(user);
    auto id = frame->hd.stream_id;
    auto* x = me.find(id);
    if (!x)
      return 0;
    auto ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS)
      head_is_here(me, id, *x, ends);
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) || !ends)
      return 0;
    if (!x->whole)
      hand_out(me, id, *x);
    else
      me.tunnels.on_end(static_cast<std::uint32_t>(id));
    return 0;
  }

  static void head_is_here(state& me, std::int32_t id, h2_stream& x, bool ends) {
    if (x.whole)
      return;
    x.has_head = true;
    if (x.is_trailer)
      return me.refuse(
          id, x, problem(400, ec::invalid_argument, "trailer fields are not accepted"));
    if (x.refusal == 431)
      return me.refuse(id, x, problem(431, ec::invalid_argument, "the request head is too large"));
    if (x.refusal != 0)
      return me.refuse(
          id, x, problem(400, ec::invalid_argument, "the path or the scheme is malformed"));
    auto connect = x.what.method == "CONNECT";
    if (x.what.method.size() > max_method || (connect && x.protocol.empty()))
      return me.refuse(id, x, problem(501, ec::method_not_allowed, "unknown method"));
    if (connect && x.protocol != "websocket")
      return me.refuse(id, x, problem(501, ec::method_not_allowed, "unknown protocol"));
    auto host = x.what.header("host");
    if (!host.empty() && !x.authority.empty() && host != x.authority)
      return me.refuse(id, x, problem(400, ec::invalid_argument, "more than one Host"));
    if (!valid_host(host) || !valid_host(x.authority))
      return me.refuse(id, x, problem(400, ec::invalid_argument, "Host is malformed"));
    if (host.empty() && !x.authority.empty())
      x.what.headers.emplace_back("host", std::move(x.authority));
    if (!x.cookie.empty())
      x.what.headers.emplace_back("cookie", std::move(x.cookie));
    if (connect)
      return tunnel_is_asked_for(me, id, x, ends);
    if (!ends && same_name(x.what.header("expect"), "100-continue")) {
      auto go_on = nghttp2_field(":status", "100");
      nghttp2_submit_headers(me.raw(), NGHTTP2_FLAG_NONE, id, nullptr, &go_on, 1, nullptr);
    }
  }

  static void tunnel_is_asked_for(state& me, std::int32_t id, h2_stream& x, bool ends) {
    if (!x.is_https)
      return me.refuse(id, x, problem(400, ec::invalid_argument, "the scheme is https here"));
    if (ends || !x.what.header("content-length").empty())
      return me.refuse(id, x, problem(400, ec::invalid_argument, "a WebSocket has no length"));
    if (me.tunnels.size() >= me.limits.tunnels)
      return me.refuse(
          id, x, problem(503, ec::overloaded, "too many WebSockets on this connection"));
    me.spend(); // each makes an actor, and ends without a trace
    if (me.ended)
      return;
    me.tunnels.expect(static_cast<std::uint32_t>(id));
    hand_out(me, id, x);
  }

  static void hand_out(state& me, std::int32_t id, h2_stream& x) {
    x.whole = true;
    x.begun_ms = me.now_ms;
    me.held -= x.what.body.size();
    ++me.under_way;
    me.explained += h2_explained_each;
    me.self.arrived_.push_back(
        {static_cast<std::uint32_t>(id), std::move(x.what), !x.protocol.empty()});
    x.what = {};
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id,
      const std::uint8_t* bytes, std::size_t size, void* user) {
    auto& me = of(user);
    nghttp2_session_consume_connection(session, size);
    auto* x = me.find(id);
    if (x && x->whole)
      me.tunnels.on_data(static_cast<std::uint32_t>(id), nghttp2_text(bytes, size));
    if (!x || x->whole)
      return 0; // its window stays shut
    if (x->what.body.size() + size > me.limits.body) {
      me.refuse(id, *x, problem(413, ec::payload_too_large, "the request body is too large"));
      return 0;
    }
    if (me.held + size > me.limits.unfinished) {
      me.refuse(id, *x, problem(503, ec::overloaded, "too many requests are under way"));
      return 0;
    }
    x->what.body.append(nghttp2_text(bytes, size));
    me.held += size;
    nghttp2_session_consume_stream(session, id, size);
    return 0;
  }

  /// An answer that came before the whole request: the peer need not send the rest. On a tunnel it
  /// may have something to say to our end.
  static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto type = frame->hd.type;
    if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
      ++of(user).refused;
    auto answer = type == NGHTTP2_DATA || type == NGHTTP2_HEADERS;
    auto id = frame->hd.stream_id;
    if (of(user).tunnels.has(static_cast<std::uint32_t>(id))) {
      if (type == NGHTTP2_DATA)
        of(user).explained += h2_explained_each;
      return 0;
    }
    if (answer && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && of(user).find(id) &&
        nghttp2_session_get_stream_remote_close(session, id) == 0)
      of(user).reset(id, NGHTTP2_NO_ERROR);
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
    auto& me = of(user);
    auto* x = me.find(id);
    if (!x)
      return 0;
    me.held -= x->what.body.size();
    auto is_tunnel = me.tunnels.has(static_cast<std::uint32_t>(id));
    if (x->answered && !is_tunnel)
      --me.leaving;
    me.tunnels.on_close(static_cast<std::uint32_t>(id));
    me.unsent -= x->out.size() - x->sent;
    auto is_awaited = x->whole && !x->answered && !is_tunnel;
    me.streams.erase(id);
    // Given up before anybody looked at it: then nobody will.
    auto unseen = std::erase_if(me.self.arrived_,
        [&](auto& waiting) { return waiting.stream == static_cast<std::uint32_t>(id); });
    me.under_way -= unseen;
    if (is_awaited && unseen == 0)
      me.self.given_up_.push_back(static_cast<std::uint32_t>(id));
    return 0;
  }
};

void set_h2_callbacks(nghttp2_session_callbacks* to) {
  using on = h2_callbacks;
  nghttp2_session_callbacks_set_on_begin_headers_callback(to, on::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(to, on::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(to, on::on_invalid_header);
  nghttp2_session_callbacks_set_on_begin_frame_callback(to, on::on_begin_frame);
  nghttp2_session_callbacks_set_on_frame_recv_callback(to, on::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(to, on::on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(to, on::on_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(to, on::on_close);
}

} // namespace shoal::http
