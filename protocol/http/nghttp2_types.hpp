// What both halves of HTTP/2 need to speak with nghttp2: its bytes as text, its fields, and who
// frees its objects. For the sources of `h2_session` and `h2_client_session` only.
#pragma once

#include <cstdint>
#include <string_view>

#include <nghttp2/nghttp2.h>

namespace shoal::http {

inline std::string_view nghttp2_text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// Points into `name` and `value`. nghttp2 copies it when it is submitted.
inline nghttp2_nv nghttp2_field(
    std::string_view name, std::string_view value, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
  auto bytes = [](std::string_view x) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(x.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), flags};
}

struct free_nghttp2 {
  void operator()(nghttp2_session* x) const { nghttp2_session_del(x); }
  void operator()(nghttp2_session_callbacks* x) const { nghttp2_session_callbacks_del(x); }
  void operator()(nghttp2_option* x) const { nghttp2_option_del(x); }
};

} // namespace shoal::http
