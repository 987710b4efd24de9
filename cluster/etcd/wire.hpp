// Requests to etcd's JSON gateway and what its answers mean: keys and values in base64, 64-bit
// numbers as text. Nothing here throws; answers come from outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/key_value.hpp"

namespace shoal::cluster::etcd {

/// The first key after all that begin with `prefix`: what etcd calls range_end.
std::string end_of(std::string prefix);

/// From `key` on, before `end` (empty: `key` alone).
std::string range_request(std::string_view key, std::string_view end, std::size_t limit);
std::string watch_request(std::string_view key, std::string_view end);

/// Puts `text` if `key` holds exactly `expected`, or nothing.
std::string swap_request(
    std::string_view key, const std::optional<stored_value>& expected, std::string_view text);

struct range_answer {
  std::vector<stored_value> values; ///< whole keys as names
  bool more = false;
  std::int64_t store_revision = 0; ///< when it was read; 0 = not said
};

/// False if the text is not such an answer.
bool parse(std::string_view text, range_answer& out);

/// False if the text is not the answer to a swap.
bool parse_swap(std::string_view text, bool& succeeded);

enum class watch_event : std::uint8_t {
  none,
  created,
  changed,
  ended,   ///< cancelled, compacted, or an error
  garbage, ///< not what a watch says
};
watch_event parse_watch(std::string_view line);

} // namespace shoal::cluster::etcd
