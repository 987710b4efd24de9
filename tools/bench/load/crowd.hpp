// More devices than one process may have files: fleets in processes of their own, which do nothing
// but connect, count what they get, and stay.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <sys/types.h>

#include "tools/bench/load/fleet.hpp"

namespace shoal::bench {

class crowd {
public:
  static constexpr auto in_one_process = std::size_t{15'000};

  /// Forks: nothing else of this process may have a thread. All phases of the processes end after
  /// `timeout_s`.
  crowd(contender& who, const options& wishes, std::size_t devices, int timeout_s);
  /// All hang up.
  ~crowd();
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;

  /// Return when all have come so far; throw std::runtime_error with what one says went wrong.
  void await_ready() { await("ready"); }
  void await_one_op_each() { await("delivered"); }

private:
  struct room {
    pid_t pid = -1;
    int says = -1, hears = -1; ///< `hears` is closed to send it home
  };

  void await(const std::string& word);

  std::vector<room> rooms_;
};

} // namespace shoal::bench
