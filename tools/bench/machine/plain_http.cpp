#include "tools/bench/machine/plain_http.hpp"

#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace shoal::bench {

namespace {

/// Until the other side closes, or says nothing for a second.
std::string exchange(int fd, std::string_view request) {
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return {};
  auto answer = std::string{};
  auto chunk = std::array<char, 16384>{};
  for (auto n = ssize_t{0}; (n = ::recv(fd, chunk.data(), chunk.size(), 0)) > 0;)
    answer.append(chunk.data(), static_cast<std::size_t>(n));
  return answer;
}

} // namespace

std::string ask(
    std::uint16_t port, std::string_view method, std::string_view path, std::string_view body) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return {};
  auto patience = timeval{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  auto address = sockaddr_in{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto answer = std::string{};
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    auto request = std::string{method}.append(" ").append(path).append(
        " HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ");
    request.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    answer = exchange(fd, request);
  }
  ::close(fd);
  auto head = answer.find("\r\n\r\n");
  auto good = answer.starts_with("HTTP/1") && answer.substr(8, 5) == " 200 ";
  return good && head != std::string::npos ? answer.substr(head + 4) : std::string{};
}

} // namespace shoal::bench
