// What tests of device connections say and hear, whatever carries the frames.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "protocol/codes.hpp"
#include "protocol/device.pb.h"
#include "protocol/frame.hpp"

namespace shoal::test {

inline shared_bytes share(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

/// Of a Close frame; `none` if it is none.
inline ec close_code(const std::optional<frame>& x) {
  auto message = wire::Close{};
  if (!x || x->type != frame_type::close || !message.ParseFromString(x->body))
    return ec::none;
  return static_cast<ec>(message.code());
}

} // namespace shoal::test
