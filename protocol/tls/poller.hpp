// Tells a loop which of its accepted sockets can be read or written. Owned by the loop, used on its
// thread only.
//
//   add(fd, who, read) ──> epoll of our own ──readable──> Asio's wait on it ──> take(f): f(who,
//   what)
//
// Asio could wait for each socket itself, at one system call per wait and about 300 bytes per idle
// connection. Here a socket is registered once and stays so while its wishes stay the same; Asio
// waits for all of them at once. A socket leaves by being closed.
//
// What was asked for is told again until somebody acts on it (level-triggered): a read may leave
// bytes behind. A socket that wants neither to read nor to write is told things once.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <sys/epoll.h>

#include "protocol/tls/commands.hpp"

namespace shoal::tls {

class poller {
public:
  static constexpr int most_at_once = 128;
  static constexpr std::uint8_t nothing = 0, read = 1, write = 2;
  /// The peer sends nothing more: it hung up, or will.
  static constexpr std::uint8_t gone = 4;

  /// Throws `std::system_error` if the system has no descriptor left.
  explicit poller(boost::asio::io_context& context);

  /// False if the system refuses, for want of memory; nothing will be told then.
  bool add(int fd, target who, std::uint8_t wishes) { return set(EPOLL_CTL_ADD, fd, who, wishes); }
  void change(int fd, target who, std::uint8_t wishes) { set(EPOLL_CTL_MOD, fd, who, wishes); }

  /// Calls `done()` when there is something to take, once.
  template <class F>
  void async_wait(F done) {
    epoll_.async_wait(epoll_.wait_read, [done = std::move(done)](const auto& error) {
      if (!error)
        done();
    });
  }

  /// Calls `tell(target, what)` for up to `most_at_once` sockets; `what` has bits of the above, all
  /// of them if the connection is broken. The rest is told next time.
  template <class F>
  void take(F tell) {
    auto events = std::array<epoll_event, most_at_once>{};
    auto n = ::epoll_wait(epoll_.native_handle(), events.data(), most_at_once, 0);
    for (auto i = 0; i < n; ++i) {
      auto& x = events[static_cast<std::size_t>(i)];
      tell(target{static_cast<std::uint32_t>(x.data.u64),
               static_cast<std::uint32_t>(x.data.u64 >> 32)},
          what(x.events));
    }
  }

private:
  static std::uint8_t what(std::uint32_t events);
  bool set(int how, int fd, target who, std::uint8_t wishes);

  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> epoll_;
};

} // namespace shoal::tls
