// Frames: how messages are cut out of a byte stream. Layout in protocol/README.md, "Frames".
//
//   0        4      5       6
//   +--------+------+-------+----------------+
//   | length | type | flags | body           |     length = bytes after this field, big endian
//   +--------+------+-------+----------------+
//
// `frame_reader` takes memory only for bytes that have arrived, refuses a length above its limit as
// soon as it sees it, and never inflates a compressed body beyond that limit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "protocol/codes.hpp"

namespace shoal {

enum class frame_type : std::uint8_t {
  hello = 1,
  welcome = 2,
  bind = 3,
  bound = 4,
  unbind = 5,
  subscribe = 6,
  subscribed = 7,
  unsubscribe = 8,
  ops = 9,
  ack = 10,
  reset = 11,
  ping = 12,
  pong = 13,
  close = 14,
  call = 15,
  call_result = 16,
  call_cancel = 17,
};

constexpr std::size_t frame_header_size = 6;
constexpr std::size_t default_max_frame = 64 * 1024; // device -> server
constexpr std::size_t max_server_frame =
    2 * 1024 * 1024; // server -> device: one op of 1 MiB and its surroundings
constexpr std::uint8_t flag_zstd = 0x01;

/// The bytes of a frame as they go out, shared by all who receive them.
using shared_bytes = std::shared_ptr<const std::string>;

struct frame {
  frame_type type{};
  std::string body; // already inflated
};

enum class compression : std::uint8_t { none, zstd };

/// Builds one frame. With `zstd`, bodies of 512 bytes and more are compressed if that makes them
/// smaller.
std::string encode_frame(
    frame_type type, std::string_view body, compression how = compression::none);

/// Cuts frames out of what a connection delivers. Not thread-safe; one per connection.
class frame_reader {
public:
  /// `max_length` counts as in the length field; beyond what the field can say is no limit.
  explicit frame_reader(std::size_t max_length = default_max_frame)
      : max_length_{static_cast<std::uint32_t>(std::min<std::size_t>(max_length, UINT32_MAX))} {}

  /// Adds bytes. Memory grows by at most their number.
  void append(std::string_view bytes);

  enum class outcome : std::uint8_t { need_more, have_frame, failed };

  /// Takes the next complete frame out. After `failed` the stream is unusable; `error()` says why.
  outcome next(frame& out);

  ec error() const { return error_; }

  /// Bytes held that do not form a complete frame yet.
  std::size_t buffered() const { return buffer_.size() - start_; }

  /// Gives the buffer's memory back if it is empty; connections are idle most of their life.
  void shrink();

private:
  outcome fail(ec code);

  std::string buffer_;
  std::uint32_t start_ = 0; // of what is not taken yet; below one read and one frame
  std::uint32_t max_length_;
  ec error_ = ec::none;
};

} // namespace shoal
