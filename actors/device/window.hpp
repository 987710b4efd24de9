// How much a device may have unacknowledged, over all its feeds. Pure.
#pragma once

#include <cstdint>

namespace shoal {

class window {
public:
  window(std::uint32_t max_ops, std::uint32_t max_bytes)
      : max_ops_{max_ops}, max_bytes_{max_bytes} {}

  /// At least one op always fits, however large.
  bool open() const { return ops_ == 0 || (ops_ < max_ops_ && bytes_ < max_bytes_); }
  std::uint32_t room_ops() const { return ops_ < max_ops_ ? max_ops_ - ops_ : 1; }
  std::uint32_t room_bytes() const { return bytes_ < max_bytes_ ? max_bytes_ - bytes_ : 1; }

  void take(std::uint32_t ops, std::uint32_t bytes) {
    ops_ += ops;
    bytes_ += bytes;
  }
  void give_back(std::uint32_t ops, std::uint32_t bytes) {
    ops_ -= ops;
    bytes_ -= bytes;
  }

  std::uint32_t ops() const { return ops_; }
  std::uint32_t bytes() const { return bytes_; }

private:
  std::uint32_t max_ops_, max_bytes_;
  std::uint32_t ops_ = 0, bytes_ = 0;
};

} // namespace shoal
