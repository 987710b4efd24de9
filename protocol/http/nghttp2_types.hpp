// What both halves of HTTP/2 need to speak with nghttp2: its bytes as text, its fields, and who
// makes and frees its objects. For the sources of `h2_session` and `h2_client_session` only.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
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

/// What a session is made with; not needed once it is.
class nghttp2_setup {
public:
  nghttp2_setup() {
    auto* callbacks = static_cast<nghttp2_session_callbacks*>(nullptr);
    auto* option = static_cast<nghttp2_option*>(nullptr);
    auto made = nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0;
    callbacks_.reset(callbacks);
    option_.reset(option);
    if (!made)
      throw std::bad_alloc{};
  }

  nghttp2_session_callbacks* callbacks() const { return callbacks_.get(); }
  nghttp2_option* option() const { return option_.get(); }

private:
  std::unique_ptr<nghttp2_session_callbacks, free_nghttp2> callbacks_;
  std::unique_ptr<nghttp2_option, free_nghttp2> option_;
};

} // namespace shoal::http
