// Gathers what one thread asks of I/O loops, so that a loop is told once of many things.
//
//   auto gathered = gathering{};        while it lives, `link` and responders on this thread give
//   to it … handle many messages; gathered.flush();                   … and each loop hears of it
//   here, in the order of the calls
//
// For threads that run many short jobs: a job that sends one frame would wake a loop that has just
// gone to sleep. Whoever has one must flush before it waits for anything. Not for code that waits
// for a loop's answer: such tasks go past it.
#pragma once

#include <memory>
#include <vector>

#include "protocol/tls/commands.hpp"

namespace shoal::tls {

class io_loop;

class gathering {
public:
  /// Commands that are held at most; the next one flushes.
  static constexpr std::size_t most = 256;

  gathering();
  ~gathering();
  gathering(const gathering&) = delete;
  gathering& operator=(const gathering&) = delete;

  void flush();

  /// Gives the command to this thread's gathering, or to the loop at once if there is none.
  static void give(io_loop& loop, command x);

private:
  struct share {
    std::shared_ptr<io_loop> loop;
    std::vector<command> commands;
  };

  void add(io_loop& loop, command x);

  gathering* outer_; ///< of this thread, before this one
  std::vector<share> shares_;
  std::size_t held_ = 0;
};

} // namespace shoal::tls
