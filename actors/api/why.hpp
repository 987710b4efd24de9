// Why a device has, or has not, one op of a stream. Pure: the facts are gathered elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actors/interfaces.hpp"

namespace shoal::api {

struct why_facts {
  biz_ptr biz;
  principal who;
  std::uint64_t id = 0;
  std::string device;
  stream_report report;
  stored_page page;     ///< asked for after `id` - 1, one op
  device_status live;   ///< `info` is null if the device is offline
  stored_device known;  ///< last known facts
  stored_cursor cursor; ///< of this device (or user) in this stream
  std::int64_t now_ms = 0;
};

struct why_answer {
  std::string verdict;                 ///< stable word: "delivered", "filtered", "offline", …
  std::string text;                    ///< one sentence for people
  std::optional<std::uint64_t> behind; ///< unacknowledged ops that come first
};

/// Looks at what keeps the op from everybody first, then at the device, then at the queue.
why_answer explain(const why_facts& x);

/// Whose cursor a device moves in a stream of this biz (storage/keys.hpp, cursor_key).
std::string cursor_subject(
    const biz_config& biz, const std::string& device, const std::string& user);

} // namespace shoal::api
