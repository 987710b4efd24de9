#include "tools/inspector/command.hpp"

namespace shoal::inspector {

const std::vector<command>& commands() {
  static const auto all = std::vector<command>{ls_command(), top_command(), describe_command(),
      tree_command(), stream_command(), device_command(), partitions_command(), nodes_command(),
      trace_command(), why_command(), stuck_command(), dead_command(), sched_command(),
      snap_command(), diff_command(), bundle_command(), check_command(), kick_command(),
      drain_command(), set_log_command()};
  return all;
}

} // namespace shoal::inspector
