// Bytes that wait to leave on one connection or stream: shared, not copied. Holds no memory while
// empty. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/frame.hpp"

namespace shoal {

class outbox {
public:
  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }

  /// What it takes of memory, roughly: a message of two bytes takes far more than two.
  std::size_t cost() const { return bytes_ + each * (items_.size() - head_); }

  /// Null and empty messages are ignored.
  void push(shared_bytes x);

  /// The bytes to write next. A big or lone message is returned in place; small neighbours are
  /// gathered into `scratch`, so that they share a TLS record. Always a prefix of what waits, never
  /// shorter than an earlier answer to the same state: a write that would block may be repeated.
  std::string_view next(std::span<char> scratch) const;

  /// The first `n` bytes are on their way.
  void pop(std::size_t n);

  /// Forgets whole messages from the end, but keeps the first `n` bytes and the message that they
  /// end in.
  void keep_only(std::size_t n);

private:
  static constexpr std::size_t each = 64; ///< the message's own allocation, and its place here

  std::string_view rest(std::size_t i) const;

  std::vector<shared_bytes> items_;
  std::uint32_t head_ = 0; // first item that is not gone
  std::size_t offset_ = 0; // bytes of it that are
  std::size_t bytes_ = 0;
};

} // namespace shoal
