#include "protocol/http/h2_client_session.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/http/message.hpp"
#include "protocol/http/nghttp2_types.hpp"

namespace shoal::http {
namespace {

/// What a server may send ahead: per stream, and for the connection.
constexpr std::int32_t stream_window = 256 * 1024;
constexpr std::int32_t connection_window = 1024 * 1024;

constexpr int max_interims = 8;

/// Before stream numbers run out, a new connection is better.
constexpr std::uint32_t last_stream = 1u << 30;

nghttp2_nv field(std::string_view name, std::string_view value) {
  // What proves who somebody is has no place in a table that guesses can be compared with.
  auto secret = name == "authorization" || name == "cookie";
  return nghttp2_field(name, value, secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE);
}

/// Fields that frame a message in HTTP/1.1 have no place here.
bool may_leave(std::string_view name, std::string_view value) {
  for (auto x : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
    if (name == x)
      return false;
  return name != "te" || value == "trailers";
}

/// A request in HTTP/1.1's form as a list of fields. Names are kept here, in small letters.
class request_head {
public:
  bool read(std::string_view head, std::string_view scheme) {
    auto line = next_line(head);
    auto method = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), method.size() + 1));
    auto target = line.substr(0, line.find(' '));
    if (method.empty() || target.empty())
      return false;
    names_.reserve(head.size());
    fields_ = {field(":method", method), field(":scheme", scheme), field(":authority", ""),
        field(":path", target)};
    while (!head.empty()) {
      line = next_line(head);
      auto colon = line.find(": ");
      if (colon == std::string_view::npos)
        return false;
      add(line.substr(0, colon), line.substr(colon + 2));
    }
    return true;
  }

  const std::vector<nghttp2_nv>& fields() const { return fields_; }

private:
  static std::string_view next_line(std::string_view& from) {
    auto line = from.substr(0, from.find("\r\n"));
    from.remove_prefix(std::min(from.size(), line.size() + 2));
    return line;
  }

  void add(std::string_view name, std::string_view value) {
    auto begin = names_.size();
    for (auto c : name)
      names_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    auto small = std::string_view{names_}.substr(begin);
    if (small == "host")
      fields_[2] = field(":authority", value);
    else if (may_leave(small, value))
      fields_.push_back(field(small, value));
  }

  std::string names_; // reserved once: fields point into it
  std::vector<nghttp2_nv> fields_;
};

struct stream {
  std::string_view body; // of the request; what has not left yet
  reply answer;
  std::size_t header = 0; // bytes of heads and trailers so far
  std::size_t fields = 0;
  int interims = 0;
  bool is_interim = false;
  bool has_head = false;
  bool begun = false;
  bool early = false;
  bool broken_by_peer = false;
};

} // namespace

struct h2_client_session::state {
  h2_client_session& self;
  h2_client_limits limits;
  bool secure = false;
  bool goodbye = false;
  bool knows_settings = false; // the server's
  std::unordered_map<std::int32_t, stream> streams;
  std::unique_ptr<nghttp2_session, free_nghttp2> session;

  nghttp2_session* raw() const { return session.get(); }

  stream* find(std::int32_t id) {
    auto found = streams.find(id);
    return found == streams.end() ? nullptr : &found->second;
  }

  void reset(std::int32_t id, std::uint32_t why) const {
    nghttp2_submit_rst_stream(raw(), NGHTTP2_FLAG_NONE, id, why);
  }

  void finish(std::int32_t id, fate what) {
    auto found = streams.find(id);
    auto out =
        event{static_cast<std::uint32_t>(id), what, {}, found->second.begun, found->second.early};
    if (what == fate::answered)
      out.answer = std::move(found->second.answer);
    streams.erase(found);
    self.events_.push_back(std::move(out));
  }

  int refuse(std::int32_t id) {
    reset(id, NGHTTP2_CANCEL);
    finish(id, fate::malformed);
    return 0;
  }
};

/// nghttp2's callbacks. `user` is the session's state.
struct h2_client_callbacks {
  using state = h2_client_session::state;
  using fate = h2_client_session::fate;

  static state& of(void* user) { return *static_cast<state*>(user); }

  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t room,
      std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto* x = static_cast<state*>(source->ptr)->find(id);
    if (!x) // given up
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    auto n = std::min(room, x->body.size());
    std::copy_n(x->body.data(), n, out);
    x->body.remove_prefix(n);
    if (x->body.empty())
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name_bytes,
      std::size_t name_size, const std::uint8_t* value_bytes, std::size_t value_size, std::uint8_t,
      void* user) {
    auto& me = of(user);
    auto* x = me.find(frame->hd.stream_id);
    if (!x)
      return 0;
    auto name = nghttp2_text(name_bytes, name_size), value = nghttp2_text(value_bytes, value_size);
    x->begun = true;
    x->header += name_size + value_size + 32;
    auto& limits = me.limits.answer;
    if (x->header > limits.header || ++x->fields > limits.fields + 1)
      return me.refuse(frame->hd.stream_id);
    if (name == ":status") { // three digits, nghttp2 has looked
      x->answer.status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0');
      x->is_interim = value[0] == '1';
    } else if (x->has_head) {
      x->answer.trailers.emplace_back(name, value);
    } else if (!x->is_interim) {
      x->answer.add(name, value);
    }
    return 0;
  }

  /// A field that no message may have: the answer is none.
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
      std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
      std::size_t size, void* user) {
    auto& me = of(user);
    auto* x = me.find(id);
    if (!x)
      return 0;
    if (x->answer.body.size() + size > me.limits.answer.body)
      return me.refuse(id);
    x->answer.body.append(nghttp2_text(bytes, size));
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& me = of(user);
    auto id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_GOAWAY)
      me.goodbye = true;
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
      me.knows_settings = true;
    auto* x = me.find(id);
    if (!x)
      return 0;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
      x->broken_by_peer = true;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      if (x->is_interim && ++x->interims > max_interims)
        return me.refuse(id);
      x->has_head = !x->is_interim;
    }
    auto message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!message || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 || !x->has_head)
      return 0;
    // An answer that does not wait for the rest of the request.
    if (nghttp2_session_get_stream_local_close(session, id) == 0)
      me.reset(id, NGHTTP2_CANCEL);
    me.finish(id, fate::answered);
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t why, void* user) {
    auto& me = of(user);
    auto* x = me.find(id);
    if (!x)
      return 0;
    // Streams beyond the last one of a GOAWAY are closed so, too.
    if (why == NGHTTP2_REFUSED_STREAM)
      me.finish(id, fate::refused);
    else
      me.finish(id, x->broken_by_peer ? fate::reset : fate::malformed);
    return 0;
  }

  /// A request that waited for a place on a connection which takes no more.
  static int on_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    auto& me = of(user);
    if (frame->hd.type == NGHTTP2_HEADERS && me.find(frame->hd.stream_id))
      me.finish(frame->hd.stream_id, fate::refused);
    return 0;
  }
};

h2_client_session::h2_client_session(h2_client_limits limits, bool secure)
    : state_{new state{*this, limits, secure, false, false, {}, {}}} {
  auto with = nghttp2_setup{};
  using on = h2_client_callbacks;
  auto* callbacks = with.callbacks();
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on::on_invalid_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on::on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on::on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on::on_close);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on::on_not_sent);
  nghttp2_option_set_max_settings(with.option(), 16);
  auto* session = static_cast<nghttp2_session*>(nullptr);
  if (nghttp2_session_client_new2(&session, with.callbacks(), state_.get(), with.option()) != 0)
    throw std::bad_alloc{};
  state_->session.reset(session);
  auto settings = std::array{
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window},
      nghttp2_settings_entry{
          NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.answer.header)},
  };
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, connection_window);
}

h2_client_session::~h2_client_session() = default;

std::uint32_t h2_client_session::ask(std::string_view request) {
  auto& me = *state_;
  auto end = request.find("\r\n\r\n");
  auto head = request_head{};
  if (end == std::string_view::npos || room() == 0 ||
      !head.read(request.substr(0, end), me.secure ? "https" : "http"))
    return 0;
  auto made = stream{};
  made.body = request.substr(end + 4);
  made.early = !me.knows_settings;
  auto provider = nghttp2_data_provider{};
  provider.source.ptr = &me;
  provider.read_callback = h2_client_callbacks::read_body;
  auto id = nghttp2_submit_request(me.raw(), nullptr, head.fields().data(), head.fields().size(),
      made.body.empty() ? nullptr : &provider, nullptr);
  if (id <= 0)
    return 0;
  me.streams.emplace(id, std::move(made));
  return static_cast<std::uint32_t>(id);
}

void h2_client_session::give_up(std::uint32_t stream) {
  auto id = static_cast<std::int32_t>(stream);
  if (state_->streams.erase(id) != 0)
    state_->reset(id, NGHTTP2_CANCEL);
}

bool h2_client_session::feed(std::string_view bytes) {
  auto read = nghttp2_session_mem_recv(
      state_->raw(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return read >= 0;
}

h2_client_session::event h2_client_session::take() {
  auto out = std::move(events_.front());
  events_.pop_front();
  return out;
}

bool h2_client_session::produce(std::string& out, std::size_t enough) {
  while (out.size() < enough) {
    const std::uint8_t* bytes = nullptr;
    auto size = nghttp2_session_mem_send(state_->raw(), &bytes);
    if (size < 0)
      return false;
    if (size == 0)
      break;
    out.append(nghttp2_text(bytes, static_cast<std::size_t>(size)));
  }
  auto& me = *state_;
  auto lives =
      nghttp2_session_want_read(me.raw()) != 0 || nghttp2_session_want_write(me.raw()) != 0;
  // After a goodbye nghttp2 ends with its last stream, and says nothing of requests that wait.
  while (!lives && me.goodbye && !me.streams.empty())
    me.finish(me.streams.begin()->first, fate::refused);
  return !out.empty() || lives || (me.goodbye && has_event());
}

void h2_client_session::ping() { nghttp2_submit_ping(state_->raw(), NGHTTP2_FLAG_NONE, nullptr); }

std::size_t h2_client_session::streams() const { return state_->streams.size(); }

std::size_t h2_client_session::room() const {
  auto& me = *state_;
  if (going_away())
    return 0;
  auto theirs = streams_of_server().value_or(me.limits.at_first);
  auto most = std::size_t{std::min(me.limits.streams, theirs)};
  return most - std::min(most, me.streams.size());
}

std::optional<std::uint32_t> h2_client_session::streams_of_server() const {
  if (!state_->knows_settings)
    return {};
  return nghttp2_session_get_remote_settings(
      state_->raw(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool h2_client_session::going_away() const {
  return state_->goodbye || nghttp2_session_get_next_stream_id(state_->raw()) > last_stream;
}

} // namespace shoal::http
