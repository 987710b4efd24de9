// The devices of one loop that speak on streams of HTTP/2 connections. Their links look like those
// of connections, but their slots count from `first_slot`, so one `target` names either. The loop's
// thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "protocol/tls/commands.hpp"

namespace shoal::tls {

class h2_driver;
class io_loop;
class stream_carrier;

class stream_table {
public:
  static constexpr std::uint32_t first_slot = 1u << 31;

  stream_table();
  ~stream_table();

  stream_carrier& add(io_loop& loop, h2_driver& on, std::uint32_t stream);

  /// Null if it is dead, or names a connection.
  stream_carrier* find(target x);

  /// Appends the names of all that are open.
  void list_open(std::vector<target>& out) const;

  /// Destroys it with the next `sweep`, when nobody up the stack can be in it any more.
  void bury(target x) { dead_.push_back(x.slot - first_slot); }

  /// How many were destroyed.
  std::size_t sweep();

private:
  struct slot {
    std::unique_ptr<stream_carrier> occupant;
    std::uint32_t generation = 1;
  };

  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> dead_;
};

} // namespace shoal::tls
