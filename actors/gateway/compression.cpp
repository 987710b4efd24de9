#include "actors/gateway/compression.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <zlib.h>

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

bool is_text(std::string_view type) {
  type = type.substr(0, type.find(';'));
  constexpr auto kinds =
      std::array<std::string_view, 5>{"json", "javascript", "xml", "svg", "html"};
  return type.starts_with("text/") || std::ranges::any_of(kinds, [&](auto kind) {
    return type.find(kind) != std::string_view::npos;
  });
}

bool has_header(const http::response& x, std::string_view name) {
  return std::ranges::any_of(x.headers, [&](auto& h) { return http::same_name(h.first, name); });
}

} // namespace

bool takes_gzip(std::string_view accepted) {
  while (!accepted.empty()) {
    auto part = accepted.substr(0, accepted.find(','));
    accepted.remove_prefix(std::min(accepted.size(), part.size() + 1));
    auto name = part.substr(0, part.find(';'));
    while (name.starts_with(' '))
      name.remove_prefix(1);
    while (name.ends_with(' '))
      name.remove_suffix(1);
    if (http::same_name(name, "gzip")) {
      auto weight = part.find("q=0");
      return weight == std::string_view::npos ||
             part.substr(weight + 3).find_first_of("123456789") != std::string_view::npos;
    }
  }
  return false;
}

void compress(http::response& x) {
  if (x.body.size() < worth_it || !is_text(x.content_type) || has_header(x, "Content-Encoding"))
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
