#include "protocol/http/h2_session.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>
#include <vector>

#include "protocol/http/h2_session_state.hpp"
#include "protocol/http/problem.hpp"
#include "protocol/http/writer.hpp"

namespace shoal::http {
namespace {

/// What a peer may send ahead: per stream, and for the connection.
constexpr std::int32_t stream_window = 256 * 1024;
constexpr std::int32_t connection_window = 1024 * 1024;

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

} // namespace

// -- answers -------------------------------------------------------------------------------------

void h2_session::state::refuse(std::int32_t id, h2_stream& x, const response& with) {
  ++refused;
  x.refusal = with.status;
  x.whole = true;
  forget_body(x);
  send(id, x, with);
}

void h2_session::state::send(std::int32_t id, h2_stream& x, response with) {
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

ssize_t h2_session::state::read_body(nghttp2_session*, std::int32_t id, std::uint8_t* out,
    std::size_t room, std::uint32_t* flags, nghttp2_data_source* source, void*) {
  auto* me = static_cast<state*>(source->ptr);
  auto* x = me->find(id);
  if (!x)
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  auto n = std::min(room, x->out.size() - x->sent);
  std::copy_n(x->out.data() + x->sent, n, out);
  x->sent += n;
  me->sent += n;
  me->unsent -= n;
  me->explained += h2_explained_each;
  if (x->sent == x->out.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    x->out = std::string{};
    x->sent = 0;
  }
  return static_cast<ssize_t>(n);
}

// -- the session ---------------------------------------------------------------------------------

h2_session::h2_session(h2_limits limits) : state_{std::make_unique<state>(*this, limits)} {
  auto with = nghttp2_setup{};
  set_h2_callbacks(with.callbacks());
  nghttp2_option_set_no_auto_window_update(with.option(), 1);
  nghttp2_option_set_max_settings(with.option(), 16);
  // It has a bound of its own, by its own clock, that honest clients can meet; ours is the budget.
  constexpr auto unbounded = std::uint64_t{1} << 40;
  nghttp2_option_set_stream_reset_rate_limit(with.option(), unbounded, unbounded);
  auto* session = static_cast<nghttp2_session*>(nullptr);
  if (nghttp2_session_server_new2(&session, with.callbacks(), state_.get(), with.option()) != 0)
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
  if (me.unsent + x.body.size() > std::min(me.limits.unsent, me.allowed_unsent)) {
    ++me.refused;
    x = problem(503, ec::overloaded, "earlier answers have not been read");
  }
  me.send(id, *found, std::move(x));
}

void h2_session::allow_unsent(std::size_t most) { state_->allowed_unsent = most; }

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
