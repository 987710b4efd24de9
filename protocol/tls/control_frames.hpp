// The frames that the endpoint itself sends to devices.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "protocol/codes.hpp"
#include "protocol/frame.hpp"

namespace shoal::tls {

/// A Close frame with the server's time.
shared_bytes close_frame(
    ec code, std::string_view text = {}, std::chrono::milliseconds retry_after = {});

/// The answer to a Ping with that body; null if the body is not a Ping.
shared_bytes pong_frame(std::string_view ping_body);

} // namespace shoal::tls
