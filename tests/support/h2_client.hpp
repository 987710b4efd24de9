// The client's side of HTTP/2 for tests, without a socket: nghttp2 behind two strings. For hostile
// tests, frames by hand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

namespace shoal::test {

using h2_headers = std::vector<std::pair<std::string, std::string>>;

struct h2_answer {
  h2_headers headers;
  std::vector<std::string> statuses; ///< also those before the last ("100")
  std::string body;
  bool whole = false;
  bool reset = false;
  std::uint32_t why = 0; ///< of the reset

  std::string status() const { return statuses.empty() ? "" : statuses.back(); }
  std::string header(std::string_view name) const {
    for (auto& [key, value] : headers)
      if (key == name)
        return value;
    return "(none)";
  }
};

/// :method, :scheme, :authority, :path, then `more`.
inline h2_headers h2_head(std::string method, std::string path, h2_headers more = {}) {
  auto out = h2_headers{{":method", std::move(method)}, {":scheme", "https"},
      {":authority", "example.com"}, {":path", std::move(path)}};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

/// What opens a WebSocket (RFC 8441), then `more`.
inline h2_headers h2_connect(h2_headers more = {{"sec-websocket-protocol", "shoal.1"}}) {
  auto out = h2_head(
      "CONNECT", "/v1/device", {{":protocol", "websocket"}, {"sec-websocket-version", "13"}});
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

class h2_client {
public:
  /// `window`: how much the server may send ahead on each stream. Without `reads`, it may never
  /// send more.
  explicit h2_client(std::uint32_t window = 65'535, bool reads = true) {
    auto* callbacks = static_cast<nghttp2_session_callbacks*>(nullptr);
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    auto* option = static_cast<nghttp2_option*>(nullptr);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, reads ? 0 : 1);
    auto* made = static_cast<nghttp2_session*>(nullptr);
    nghttp2_session_client_new2(&made, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(made);
    auto settings = nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
    nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, &settings, 1);
  }

  /// Begins a request; its stream. With `open`, the body does not end.
  std::int32_t ask(const h2_headers& head, std::string body = {}, bool open = false) {
    auto fields = std::vector<nghttp2_nv>{};
    for (auto& [name, value] : head)
      fields.push_back({bytes(name), bytes(value), name.size(), value.size(), 0});
    auto* source = &bodies_.emplace_back(std::make_unique<upload>());
    (*source)->bytes = std::move(body);
    (*source)->open = open;
    auto provider = nghttp2_data_provider{};
    provider.source.ptr = source->get();
    provider.read_callback = read_body;
    auto plain = (*source)->bytes.empty() && !open;
    auto id = nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(),
        plain ? nullptr : &provider, nullptr);
    open_[id] = source->get();
    return id;
  }

  /// More of a body that was left open.
  void say(std::int32_t stream, std::string_view bytes) {
    open_.at(stream)->bytes.append(bytes);
    nghttp2_session_resume_data(session_.get(), stream);
  }

  /// And its end.
  void finish(std::int32_t stream) {
    open_.at(stream)->open = false;
    nghttp2_session_resume_data(session_.get(), stream);
  }

  /// Of `say`, what the server's windows have not let through.
  std::size_t unsaid(std::int32_t stream) const {
    return open_.at(stream)->bytes.size() - open_.at(stream)->at;
  }

  /// What the server has announced.
  std::uint32_t setting(nghttp2_settings_id which) const {
    return nghttp2_session_get_remote_settings(session_.get(), which);
  }

  void reset(std::int32_t stream) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
  }
  void ping() { nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr); }

  void trailers(std::int32_t stream, const h2_headers& head) {
    auto fields = std::vector<nghttp2_nv>{};
    for (auto& [name, value] : head)
      fields.push_back({bytes(name), bytes(value), name.size(), value.size(), 0});
    nghttp2_submit_trailer(session_.get(), stream, fields.data(), fields.size());
  }

  /// Bytes for the server.
  std::string take() {
    auto out = std::string{};
    const std::uint8_t* more = nullptr;
    for (auto n = nghttp2_session_mem_send(session_.get(), &more); n > 0;
         n = nghttp2_session_mem_send(session_.get(), &more))
      out.append(reinterpret_cast<const char*>(more), static_cast<std::size_t>(n));
    return out;
  }

  /// Bytes from the server; false if they broke the protocol.
  bool give(std::string_view in) {
    return nghttp2_session_mem_recv(
               session_.get(), reinterpret_cast<const std::uint8_t*>(in.data()), in.size()) >= 0;
  }

  std::map<std::int32_t, h2_answer> answers;
  std::vector<std::pair<std::uint32_t, std::int32_t>> goodbyes; ///< GOAWAY: code and last stream
  int pongs = 0;

private:
  struct upload {
    std::string bytes;
    std::size_t at = 0;
    bool open = false;
  };
  struct free_session {
    void operator()(nghttp2_session* x) const { nghttp2_session_del(x); }
  };

  static std::uint8_t* bytes(const std::string& x) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(x.data()));
  }
  static h2_client& of(void* user) { return *static_cast<h2_client*>(user); }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t room,
      std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& from = *static_cast<upload*>(source->ptr);
    auto n = std::min(room, from.bytes.size() - from.at);
    if (n == 0 && from.open)
      return NGHTTP2_ERR_DEFERRED;
    std::copy_n(from.bytes.data() + from.at, n, out);
    from.at += n;
    if (from.at == from.bytes.size() && !from.open)
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
      std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
      void* user) {
    auto key = std::string{reinterpret_cast<const char*>(name), name_size};
    auto what = std::string{reinterpret_cast<const char*>(value), value_size};
    auto& x = of(user).answers[frame->hd.stream_id];
    if (key == ":status")
      x.statuses.push_back(what);
    else
      x.headers.emplace_back(key, what);
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
      std::size_t size, void* user) {
    of(user).answers[id].body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& me = of(user);
    auto content = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (content && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      me.answers[frame->hd.stream_id].whole = true;
    if (frame->hd.type == NGHTTP2_GOAWAY)
      me.goodbyes.emplace_back(frame->goaway.error_code, frame->goaway.last_stream_id);
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
      ++me.pongs;
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t why, void* user) {
    auto& x = of(user).answers[id];
    x.reset = why != NGHTTP2_NO_ERROR;
    x.why = why;
    return 0;
  }

  std::unique_ptr<nghttp2_session, free_session> session_;
  std::vector<std::unique_ptr<upload>> bodies_;
  std::map<std::int32_t, upload*> open_;
};

// -- frames by hand -------------------------------------------------------------------------------

constexpr std::string_view h2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

inline std::string h2_frame(
    unsigned type, unsigned flags, std::uint32_t stream, std::string_view payload = {}) {
  auto out = std::string{};
  auto put = [&](std::size_t x) { out += static_cast<char>(x & 0xff); };
  for (auto shift : {16, 8, 0})
    put(payload.size() >> shift);
  put(type);
  put(flags);
  for (auto shift : {24, 16, 8, 0})
    put(stream >> shift);
  return out.append(payload);
}

/// A literal field that is not remembered (RFC 7541, 6.2.2); both parts shorter than 127.
inline std::string h2_literal(std::string_view name, std::string_view value) {
  auto out = std::string{'\0'};
  out += static_cast<char>(name.size());
  out.append(name);
  out += static_cast<char>(value.size());
  return out.append(value);
}

inline std::string h2_get() {
  return h2_literal(":method", "GET") + h2_literal(":scheme", "https") +
         h2_literal(":authority", "x") + h2_literal(":path", "/");
}

} // namespace shoal::test
