#include "protocol/frame.hpp"

#include <zstd.h>
#include <zstd_errors.h>

namespace shoal {
namespace {

constexpr std::size_t length_size = 4;
constexpr std::size_t compress_from = 512;
constexpr int compress_level = 1;

struct free_context {
  void operator()(ZSTD_CCtx* x) const { ZSTD_freeCCtx(x); }
  void operator()(ZSTD_DCtx* x) const { ZSTD_freeDCtx(x); }
};

/// The compressed body, or nothing if compressing gains nothing.
std::string deflated(std::string_view body) {
  // A context is about 1 MB and costly to set up, so each thread that builds frames keeps one.
  thread_local auto context = std::unique_ptr<ZSTD_CCtx, free_context>{ZSTD_createCCtx()};
  auto out = std::string(body.size() - 1, '\0');
  auto n = context ? ZSTD_compressCCtx(context.get(), out.data(), out.size(), body.data(),
                         body.size(), compress_level)
                   : ZSTD_CONTENTSIZE_ERROR;
  if (ZSTD_isError(n))
    return {};
  out.resize(n);
  return out;
}

/// Inflates in one call, so that no window is allocated on the word of a sender.
ec inflate(std::string_view body, std::size_t limit, std::string& out) {
  thread_local auto context = std::unique_ptr<ZSTD_DCtx, free_context>{ZSTD_createDCtx()};
  auto claimed = ZSTD_getFrameContentSize(body.data(), body.size());
  if (!context || claimed == ZSTD_CONTENTSIZE_ERROR)
    return ec::bad_frame;
  if (claimed != ZSTD_CONTENTSIZE_UNKNOWN && claimed > limit)
    return ec::frame_too_large;
  thread_local auto scratch = std::string{};
  if (scratch.size() < limit)
    scratch.resize(limit);
  auto n = ZSTD_decompressDCtx(context.get(), scratch.data(), limit, body.data(), body.size());
  if (ZSTD_isError(n))
    return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? ec::frame_too_large
                                                               : ec::bad_frame;
  out.assign(scratch.data(), n);
  return ec::none;
}

std::uint32_t read_u32(const char* from) {
  auto byte = [from](int i) { return std::uint32_t{static_cast<std::uint8_t>(from[i])}; };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

} // namespace

std::string encode_frame(frame_type type, std::string_view body, compression how) {
  auto packed = std::string{};
  if (how == compression::zstd && body.size() >= compress_from)
    packed = deflated(body);
  auto flags = std::uint8_t{0};
  if (!packed.empty()) {
    flags = flag_zstd;
    body = packed;
  }
  auto length = static_cast<std::uint32_t>(frame_header_size - length_size + body.size());
  auto out = std::string{};
  out.reserve(frame_header_size + body.size());
  for (auto shift : {24, 16, 8, 0})
    out += static_cast<char>(length >> shift & 0xff);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  out += body;
  return out;
}

void frame_reader::append(std::string_view bytes) {
  if (error_ != ec::none)
    return;
  if (start_ != 0) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_.append(bytes);
}

frame_reader::outcome frame_reader::next(frame& out) {
  if (error_ != ec::none)
    return outcome::failed;
  auto have = std::string_view{buffer_}.substr(start_);
  if (have.size() < length_size)
    return outcome::need_more;
  auto length = std::size_t{read_u32(have.data())};
  if (length < frame_header_size - length_size)
    return fail(ec::bad_frame);
  if (length > max_length_)
    return fail(ec::frame_too_large);
  if (have.size() < length_size + length)
    return outcome::need_more;
  auto flags = static_cast<std::uint8_t>(have[5]);
  if ((flags & ~flag_zstd) != 0)
    return fail(ec::bad_frame);
  auto body = have.substr(frame_header_size, length_size + length - frame_header_size);
  out.type = static_cast<frame_type>(have[4]);
  if (flags & flag_zstd) {
    auto limit = max_length_ - (frame_header_size - length_size);
    if (auto error = inflate(body, limit, out.body); error != ec::none)
      return fail(error);
  } else {
    out.body.assign(body);
  }
  start_ += static_cast<std::uint32_t>(length_size + length);
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  }
  return outcome::have_frame;
}

void frame_reader::shrink() {
  if (buffered() != 0)
    return;
  std::string{}.swap(buffer_); // assigning an empty string would keep the memory
  start_ = 0;
}

frame_reader::outcome frame_reader::fail(ec code) {
  error_ = code;
  std::string{}.swap(buffer_);
  start_ = 0;
  return outcome::failed;
}

} // namespace shoal
