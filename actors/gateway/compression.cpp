#include "actors/gateway/compression.hpp"

#include <algorithm>
#include <memory>

#include <zlib.h>

#include "actors/gateway/content_type.hpp"

namespace shoal::gateway {
namespace {

constexpr std::size_t worth_it = 1024;
constexpr int level = 1; // answers are small and many: most of the gain for the least time
constexpr int gzip_window = 15 + 16;

struct end_deflate {
  void operator()(z_stream* x) const {
    deflateEnd(x);
    delete x;
  }
};

z_stream* stream() {
  thread_local auto made = [] {
    auto x = std::unique_ptr<z_stream, end_deflate>{new z_stream{}};
    auto good =
        deflateInit2(x.get(), level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    return good ? std::move(x) : nullptr;
  }();
  if (made && deflateReset(made.get()) != Z_OK)
    return nullptr;
  return made.get();
}

bool has_header(const http::response& x, std::string_view name) {
  return std::ranges::any_of(x.headers, [&](auto& h) { return http::same_name(h.first, name); });
}

} // namespace

void compress(http::response& x) {
  if (x.body.size() < worth_it || !is_text_type(x.content_type) ||
      has_header(x, "Content-Encoding"))
    return;
  auto* z = stream();
  if (!z)
    return;
  auto out = std::string(deflateBound(z, static_cast<uLong>(x.body.size())), '\0');
  z->next_in = reinterpret_cast<Bytef*>(x.body.data());
  z->avail_in = static_cast<uInt>(x.body.size());
  z->next_out = reinterpret_cast<Bytef*>(out.data());
  z->avail_out = static_cast<uInt>(out.size());
  if (deflate(z, Z_FINISH) != Z_STREAM_END || z->total_out >= x.body.size())
    return;
  out.resize(z->total_out);
  x.body = std::move(out);
  x.headers.emplace_back("Content-Encoding", "gzip");
  x.headers.emplace_back("Vary", "Accept-Encoding");
}

} // namespace shoal::gateway
