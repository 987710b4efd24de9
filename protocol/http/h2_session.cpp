#include "protocol/http/h2_session.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/http/nghttp2_types.hpp"
#include "protocol/http/parser.hpp"
#include "protocol/http/problem.hpp"
#include "protocol/http/writer.hpp"

namespace shoal::http {
namespace {

constexpr std::size_t max_method = 32;

/// What a peer may send ahead: per stream, and for the connection.
constexpr std::int32_t stream_window = 256 * 1024;
constexpr std::int32_t connection_window = 1024 * 1024;

/// Window updates and pings that a request, or one of our data frames, explains: the stream's and
/// the connection's.
constexpr std::uint32_t explained_each = 2;

/// A header list that is too large by little gets an answer; by this factor, it is a bomb.
constexpr std::size_t bomb_factor = 4;

/// Fields that frame a message in HTTP/1.1 have no place here, and a field that could not have come
/// in one line is not sent.
bool may_leave(std::string_view name, std::string_view value) {
  for (auto x : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
           "content-length", "date"})
    if (same_name(name, x))
      return false;
  auto good_value = value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
  return !name.empty() && !name.starts_with(':') && good_value &&
         nghttp2_check_header_name(
             reinterpret_cast<const std::uint8_t*>(name.data()), name.size()) != 0;
}

std::string lower(std::string_view x) {
  auto out = std::string{x};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  return out;
}

/// Frames without use: a bucket that refills with time.
class allowance {
public:
  allowance(std::uint32_t most, std::uint32_t per_second)
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

struct stream {
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

} // namespace

struct h2_session::state {
  state(h2_session& owner, h2_limits with)
      : self{owner}, limits{with}, idle{with.idle_frames, with.idle_frames_per_second} {}

  h2_session& self;
  h2_limits limits;
  allowance idle;
  std::unordered_map<std::int32_t, stream> streams;
  h2_tunnels tunnels;
  std::size_t held = 0;
  std::size_t under_way = 0;
  std::size_t leaving = 0;
  std::size_t unsent = 0;
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  std::uint64_t now_ms = 0;
  std::uint64_t explained = 0; // window updates and pings that use explains
  int goodbyes = 0;
  bool dead = false;
  bool ended = false; // by us, for misuse
  std::unique_ptr<nghttp2_session, free_nghttp2> session;

  nghttp2_session* raw() { return session.get(); }

  stream* find(std::int32_t id) {
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

  void forget_body(stream& x) {
    held -= x.what.body.size();
    x.what.body = std::string{};
  }

  /// Answers instead of the handler; the rest of the request is not wanted.
  void refuse(std::int32_t id, stream& x, const response& with) {
    ++refused;
    x.refusal = with.status;
    x.whole = true;
    forget_body(x);
    send(id, x, with);
  }

  void send(std::int32_t id, stream& x, response with) {
    tunnels.refuse(static_cast<std::uint32_t>(id));
    x.answered = true;
    ++leaving;
    auto status = std::to_string(with.status);
    auto length = std::to_string(with.body.size());
    auto names = std::vector<std::string>{};
    names.reserve(with.headers.size());
    auto fields = std::vector<nghttp2_nv>{};
    fields.reserve(with.headers.size() + 4);
    fields.push_back(nghttp2_field(":status", status));
    fields.push_back(nghttp2_field("date", date()));
    auto has_body = with.status >= 200 && with.status != 204 && with.status != 304;
    if (has_body) {
      if (!with.content_type.empty() && may_leave("content-type", with.content_type))
        fields.push_back(nghttp2_field("content-type", with.content_type));
      fields.push_back(nghttp2_field("content-length", length));
    }
    for (auto& [name, value] : with.headers) {
      if (!may_leave(lower(name), value))
        continue;
      names.push_back(lower(name));
      fields.push_back(nghttp2_field(names.back(), value));
    }
    if (has_body && !x.head)
      x.out = std::move(with.body);
    unsent += x.out.size();
    auto provider = nghttp2_data_provider{};
    provider.source.ptr = this;
    provider.read_callback = &read_body;
    nghttp2_submit_response(
        raw(), id, fields.data(), fields.size(), x.out.empty() ? nullptr : &provider);
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t room,
      std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto* me = static_cast<state*>(source->ptr);
    auto* x = me->find(id);
    if (!x)
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    auto n = std::min(room, x->out.size() - x->sent);
    std::copy_n(x->out.data() + x->sent, n, out);
    x->sent += n;
    me->sent += n;
    me->unsent -= n;
    me->explained += explained_each;
    if (x->sent == x->out.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      x->out = std::string{};
      x->sent = 0;
    }
    return static_cast<ssize_t>(n);
  }
};

/// nghttp2's callbacks. `user` is the session's state.
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

  static void put(stream& x, std::string_view name, std::string_view value) {
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

  static void head_is_here(state& me, std::int32_t id, stream& x, bool ends) {
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
          id, x, problem(400, ec::invalid_argument, "the request target must be a path"));
    auto connect = x.what.method == "CONNECT";
    if (x.what.method.size() > max_method || (connect && x.protocol.empty()))
      return me.refuse(id, x, problem(501, ec::method_not_allowed, "unknown method"));
    if (connect && x.protocol != "websocket")
      return me.refuse(id, x, problem(501, ec::method_not_allowed, "unknown protocol"));
    auto host = x.what.header("host");
    if (!host.empty() && !x.authority.empty() && host != x.authority)
      return me.refuse(id, x, problem(400, ec::invalid_argument, "more than one Host"));
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

  static void tunnel_is_asked_for(state& me, std::int32_t id, stream& x, bool ends) {
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

  static void hand_out(state& me, std::int32_t id, stream& x) {
    x.whole = true;
    x.begun_ms = me.now_ms;
    me.held -= x.what.body.size();
    ++me.under_way;
    me.explained += explained_each;
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
        of(user).explained += explained_each;
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
    me.streams.erase(id);
    // Given up before anybody looked at it: then nobody will.
    me.under_way -= std::erase_if(me.self.arrived_,
        [&](auto& waiting) { return waiting.stream == static_cast<std::uint32_t>(id); });
    return 0;
  }
};

h2_session::h2_session(h2_limits limits) : state_{std::make_unique<state>(*this, limits)} {
  auto* callbacks = static_cast<nghttp2_session_callbacks*>(nullptr);
  auto* option = static_cast<nghttp2_option*>(nullptr);
  if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
    throw std::bad_alloc{};
  auto callbacks_owner = std::unique_ptr<nghttp2_session_callbacks, free_nghttp2>{callbacks};
  auto option_owner = std::unique_ptr<nghttp2_option, free_nghttp2>{option};
  using on = h2_callbacks;
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on::on_invalid_header);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on::on_begin_frame);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on::on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on::on_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on::on_close);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_settings(option, 16);
  // It has a bound of its own, by its own clock, that honest clients can meet; ours is the budget.
  constexpr auto unbounded = std::uint64_t{1} << 40;
  nghttp2_option_set_stream_reset_rate_limit(option, unbounded, unbounded);
  auto* session = static_cast<nghttp2_session*>(nullptr);
  if (nghttp2_session_server_new2(&session, callbacks, state_.get(), option) != 0)
    throw std::bad_alloc{};
  state_->session.reset(session);
  state_->tunnels.use(session);
  auto settings = std::array{
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window},
      nghttp2_settings_entry{
          NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header)},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  };
  auto said = limits.tunnels == 0 ? settings.size() - 1 : settings.size();
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), said);
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, connection_window);
}

h2_session::~h2_session() = default;

void h2_session::feed(std::string_view bytes, std::uint64_t now_ms) {
  auto& me = *state_;
  me.now_ms = now_ms;
  me.idle.pass(now_ms);
  if (me.dead || me.ended)
    return;
  auto read = nghttp2_session_mem_recv(
      me.raw(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (read >= 0)
    return;
  ++me.refused;
  me.dead = true;
}

h2_session::arrival h2_session::take() {
  auto out = std::move(arrived_.front());
  arrived_.pop_front();
  return out;
}

void h2_session::answer(std::uint32_t stream, response x) {
  auto& me = *state_;
  auto id = static_cast<std::int32_t>(stream);
  auto* found = me.find(id);
  if (me.under_way == 0)
    return;
  --me.under_way;
  if (!found || !found->whole || found->answered)
    return;
  if (me.unsent + x.body.size() > me.limits.unsent) {
    ++me.refused;
    x = problem(503, ec::overloaded, "earlier answers have not been read");
  }
  me.send(id, *found, std::move(x));
}

bool h2_session::open_tunnel(std::uint32_t stream, std::string_view protocol) {
  auto& me = *state_;
  auto* found = me.find(static_cast<std::int32_t>(stream));
  if (me.under_way == 0)
    return false;
  --me.under_way;
  if (!found || found->answered || !me.tunnels.has(stream))
    return false;
  found->answered = true;
  me.tunnels.open(stream, {{":status", "200"}, {"date", std::string{date()}},
                              {"sec-websocket-protocol", std::string{protocol}}});
  return true;
}

void h2_session::produce(std::string& out, std::size_t enough) {
  while (!state_->dead && out.size() < enough) {
    const std::uint8_t* bytes = nullptr;
    auto size = nghttp2_session_mem_send(state_->raw(), &bytes);
    if (size < 0)
      state_->dead = true;
    if (size <= 0)
      return;
    out.append(nghttp2_text(bytes, static_cast<std::size_t>(size)));
  }
}

void h2_session::expire(std::uint64_t now_ms, const h2_patience& patience) {
  auto& me = *state_;
  for (auto& [id, x] : me.streams) {
    auto age = now_ms - std::min(now_ms, x.begun_ms);
    if (x.answered)
      continue;
    if (x.whole && age >= patience.answer)
      me.send(id, x, problem(504, ec::outcome_unknown, "no answer in time"));
    else if (!x.whole && x.has_head && age >= patience.whole)
      me.refuse(id, x, problem(408, ec::handshake_timeout, "the request did not arrive in time"));
    else if (!x.whole && !x.has_head && age >= patience.head)
      me.reset(id, NGHTTP2_CANCEL);
  }
}

void h2_session::shed() {
  auto& me = *state_;
  for (auto& [id, x] : me.streams)
    if (!x.whole && x.has_head)
      me.refuse(id, x, problem(503, ec::overloaded, "too many requests are under way"));
  me.tunnels.shed();
}

void h2_session::shut_down() {
  auto& me = *state_;
  if (me.dead || me.ended || me.goodbyes == 2)
    return;
  if (++me.goodbyes == 1)
    nghttp2_submit_shutdown_notice(me.raw());
  else
    nghttp2_submit_goaway(me.raw(), NGHTTP2_FLAG_NONE,
        nghttp2_session_get_last_proc_stream_id(me.raw()), NGHTTP2_NO_ERROR, nullptr, 0);
}

bool h2_session::over() const {
  auto* raw = state_->raw();
  return state_->dead ||
         (nghttp2_session_want_read(raw) == 0 && nghttp2_session_want_write(raw) == 0);
}

h2_tunnels& h2_session::tunnels() { return state_->tunnels; }
std::size_t h2_session::held() const { return state_->held + state_->tunnels.held(); }
std::size_t h2_session::under_way() const { return state_->under_way; }
std::size_t h2_session::streams() const { return state_->streams.size(); }
std::size_t h2_session::leaving() const { return state_->leaving; }
std::size_t h2_session::unsent() const { return state_->unsent; }
std::uint64_t h2_session::sent() const { return state_->sent + state_->tunnels.sent(); }
std::uint64_t h2_session::refused() const { return state_->refused; }

} // namespace shoal::http
