// What a node's machine can be made to do while the node runs: one page of memory, shared by the
// test (which writes) and the library that is loaded into the node before all others (which obeys).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace shoal::faults {

/// A file of zeros is a machine without whims.
struct whims {
  std::atomic<std::int64_t> clock_shift_ns; ///< added to the wall clock; monotonic clocks stay
  std::atomic<std::int64_t> sync_delay_us;  ///< before each fsync and fdatasync
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

/// Environment variable that names the file.
inline constexpr auto whims_variable = "SHOAL_WHIMS";

/// The page of that file; made if there is none. Mapped until the process ends. Null if it cannot
/// be.
whims* map_whims(const char* path);

} // namespace shoal::faults
