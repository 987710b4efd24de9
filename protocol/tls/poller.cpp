#include "protocol/tls/poller.hpp"

#include <cerrno>
#include <system_error>

namespace shoal::tls {
namespace {

int make_epoll() {
  auto fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0)
    throw std::system_error{errno, std::system_category(), "epoll_create1"};
  return fd;
}

} // namespace

poller::poller(boost::asio::io_context& context) : epoll_{context, make_epoll()} {}

std::uint8_t poller::what(std::uint32_t events) {
  if (events & (EPOLLERR | EPOLLHUP))
    return read | write | gone; // whoever reads or writes next hears why
  return static_cast<std::uint8_t>(((events & EPOLLIN) ? read : nothing) |
                                   ((events & EPOLLOUT) ? write : nothing) |
                                   ((events & EPOLLRDHUP) ? gone : nothing));
}

bool poller::set(int how, int fd, target who, std::uint8_t wishes) {
  auto event = epoll_event{};
  if (wishes & read)
    event.events |= EPOLLIN;
  if (wishes & write)
    event.events |= EPOLLOUT;
  if (wishes & gone)
    event.events |= EPOLLRDHUP;
  if ((wishes & (read | write)) == nothing)
    event.events |= EPOLLET; // errors cannot be switched off, only their repetition
  event.data.u64 = std::uint64_t{who.generation} << 32 | who.slot;
  return ::epoll_ctl(epoll_.native_handle(), how, fd, &event) == 0;
}

} // namespace shoal::tls
