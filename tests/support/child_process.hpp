// A program of a test's own: started with what it says in a file, gone with the object.
#pragma once

#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shoal::test {

namespace child_detail {

inline sockaddr_in loopback(std::uint16_t port) {
  auto out = sockaddr_in{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

inline bool is_listening(std::uint16_t port) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(port);
  auto out = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return out;
}

inline std::uint16_t draw_port() {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  auto size = socklen_t{sizeof(address)};
  auto ok = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
            ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!ok)
    throw std::runtime_error{"no free port"};
  return ntohs(address.sin_port);
}

} // namespace child_detail

/// A port that nobody listens on at the moment; no port twice, or two that are drawn before either
/// is used could be the same.
inline std::uint16_t free_port() {
  static std::mutex mutex;
  static std::set<std::uint16_t> given;
  auto guard = std::lock_guard{mutex};
  if (given.size() > 5'000) // of some 14,000 that the system draws from
    given.clear();
  auto port = child_detail::draw_port();
  while (!given.insert(port).second)
    port = child_detail::draw_port();
  return port;
}

class child_process {
public:
  /// `command[0]` is looked up in PATH.
  child_process(std::vector<std::string> command, std::string log) : log_{std::move(log)} {
    auto words = std::vector<char*>{};
    for (auto& x : command)
      words.push_back(x.data());
    words.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    for (auto fd : {1, 2})
      posix_spawn_file_actions_addopen(
          &files, fd, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    auto error = ::posix_spawnp(&pid_, words[0], &files, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0)
      throw std::runtime_error{"cannot start " + command[0]};
  }
  ~child_process() { kill(); }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// As if the power were cut.
  void kill() {
    if (std::exchange(is_gone_, true))
      return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void signal(int what) const {
    if (!is_gone_)
      ::kill(pid_, what);
  }

  /// Throws with what the program said if it ends first, or needs more than 30 s.
  void wait_for_port(std::uint16_t port) {
    wait_until([port] { return child_detail::is_listening(port); });
  }

  template <class Condition>
  void wait_until(Condition is_ready) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!is_ready()) {
      if (is_gone_ || ::waitpid(pid_, nullptr, WNOHANG) != 0)
        is_gone_ = true;
      if (is_gone_ || std::chrono::steady_clock::now() > end)
        throw std::runtime_error{"the program is not ready: " + said()};
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
  }

  std::string said() const {
    auto in = std::ifstream{log_};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

private:
  std::string log_;
  pid_t pid_ = 0;
  bool is_gone_ = false;
};

} // namespace shoal::test
