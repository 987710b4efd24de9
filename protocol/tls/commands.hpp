// What other threads ask of an I/O loop. Plain data in one queue, so that order is kept and one
// wake-up serves many.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "protocol/codes.hpp"
#include "protocol/frame.hpp"
#include "protocol/http/message.hpp"

namespace shoal::tls {

/// One connection of the loop that gets the command. A slot is used again, with another generation.
struct target {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

/// Who speaks on a device connection, as its actor has verified.
struct device_identity {
  std::string app, device;
  std::string user;                    ///< empty: nobody is bound
  bool zstd = false;                   ///< the device reads compressed frames
  std::string region{}, app_version{}; ///< as it says itself, in Hello
};
using device_identity_ptr = std::shared_ptr<const device_identity>;

struct send_one {
  target to;
  shared_bytes bytes;
};

struct send_many {
  std::vector<target> to;
  shared_bytes bytes;
};

struct close_one {
  target to;
  shared_bytes last;
  ec why = ec::none;
};

struct frames_consumed {
  target by;
  std::uint32_t count = 0;
};

struct heartbeat_agreed {
  target with;
  std::chrono::seconds interval{};
};

struct identity_known {
  target of;
  device_identity_ptr who;
};

struct answer_request {
  target to;
  std::uint32_t number = 0; ///< of the request on its connection
  std::unique_ptr<http::response> response;
};

/// An accepted socket; the loop owns it from here on.
struct adopt_socket {
  int fd = -1;
};

using task = std::function<void()>;

using command = std::variant<send_one, send_many, close_one, frames_consumed, heartbeat_agreed,
    identity_known, answer_request, adopt_socket, task>;

} // namespace shoal::tls
