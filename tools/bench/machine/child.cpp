#include "tools/bench/machine/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

constexpr auto patience_ms = 10000; // for a server to end by itself

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error{what + ": " + std::strerror(errno)};
}

std::int64_t kilobytes_after(const std::string& file, const std::string& name) {
  auto in = std::ifstream{file};
  for (auto line = std::string{}; std::getline(in, line);) {
    if (line.starts_with(name))
      return std::stoll(line.substr(name.size())) * 1024;
  }
  return 0;
}

sockaddr_in loopback(std::uint16_t port) {
  auto address = sockaddr_in{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

} // namespace

scratch_folder::scratch_folder(const std::string& parent) {
  std::filesystem::create_directories(parent);
  path_ = parent + "/shoal-bench-XXXXXX";
  if (!::mkdtemp(path_.data()))
    fail("cannot make a folder in " + parent);
}

scratch_folder::~scratch_folder() {
  auto ignored = std::error_code{};
  std::filesystem::remove_all(path_, ignored);
}

child::child(const std::vector<std::string>& command, const std::string& log, bool read_stdout) {
  int pipe_ends[2] = {-1, -1};
  if (read_stdout && ::pipe2(pipe_ends, O_CLOEXEC) != 0)
    fail("pipe");
  auto log_file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_file < 0)
    fail("cannot write " + log);
  auto arguments = std::vector<char*>{};
  for (auto& x : command)
    arguments.push_back(const_cast<char*>(x.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0)
    fail("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGPIPE, SIG_DFL);
    ::dup2(read_stdout ? pipe_ends[1] : log_file, 1);
    ::dup2(log_file, 2);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(log_file);
  if (read_stdout)
    ::close(pipe_ends[1]);
  stdout_ = pipe_ends[0];
}

child::~child() { stop(); }

child::child(child&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)}, stdout_{std::exchange(other.stdout_, -1)},
      buffer_{std::move(other.buffer_)} {}

child& child::operator=(child&& other) noexcept {
  stop();
  pid_ = std::exchange(other.pid_, -1);
  stdout_ = std::exchange(other.stdout_, -1);
  buffer_ = std::move(other.buffer_);
  return *this;
}

bool child::running() {
  if (pid_ < 0 || ::waitpid(pid_, nullptr, WNOHANG) == 0)
    return pid_ >= 0;
  pid_ = -1;
  return false;
}

std::optional<std::string> child::read_line(int timeout_ms) {
  auto limit = now_ns() + timeout_ms * 1'000'000LL;
  while (true) {
    if (auto end = buffer_.find('\n'); end != std::string::npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    auto left = (limit - now_ns()) / 1'000'000;
    auto fd = pollfd{stdout_, POLLIN, 0};
    if (left <= 0 || ::poll(&fd, 1, static_cast<int>(left)) <= 0)
      return std::nullopt;
    char chunk[4096];
    auto n = ::read(stdout_, chunk, sizeof chunk);
    if (n <= 0)
      return std::nullopt;
    buffer_.append(chunk, static_cast<std::size_t>(n));
  }
}

memory_use child::memory() const {
  auto folder = numbered("/proc/", pid_);
  return {kilobytes_after(folder + "/status", "VmRSS:"),
      kilobytes_after(folder + "/smaps_rollup", "Pss:")};
}

double child::cpu_seconds() const {
  auto in = std::ifstream{numbered("/proc/", pid_) + "/stat"};
  auto text = std::string{std::istreambuf_iterator<char>{in}, {}};
  auto fields = std::istringstream{text.substr(std::min(text.size(), text.rfind(')') + 1))};
  auto skipped = std::string{};
  for (auto i = 0; i < 11; ++i)
    fields >> skipped;
  auto user = 0.0;
  auto system = 0.0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void child::stop() {
  if (stdout_ >= 0)
    ::close(std::exchange(stdout_, -1));
  if (pid_ < 0)
    return;
  ::kill(pid_, SIGTERM);
  for (auto waited = 0; waited < patience_ms; waited += 10) {
    if (!running())
      return;
    ::poll(nullptr, 0, 10);
  }
  kill();
}

void child::kill() {
  if (stdout_ >= 0)
    ::close(std::exchange(stdout_, -1));
  if (pid_ < 0)
    return;
  ::kill(pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

namespace {

std::uint16_t draw_port() {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  auto size = socklen_t{sizeof address};
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    fail("no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

} // namespace

std::uint16_t free_port() {
  static std::mutex mutex;
  static std::set<std::uint16_t> given;
  auto guard = std::lock_guard{mutex};
  if (given.size() > 5'000) // of some 14,000 that the system draws from
    given.clear();
  auto port = draw_port();
  while (!given.insert(port).second)
    port = draw_port();
  return port;
}

bool wait_for_port(std::uint16_t port, child& server, int timeout_ms) {
  auto limit = now_ns() + timeout_ms * 1'000'000LL;
  while (now_ns() < limit && server.running()) {
    auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(port);
    auto ok = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    if (ok)
      return true;
    ::poll(nullptr, 0, 20);
  }
  return false;
}

double load_average() {
  auto result = 0.0;
  return ::getloadavg(&result, 1) == 1 ? result : 0;
}

std::size_t raise_file_limit() {
  auto limit = rlimit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

} // namespace shoal::bench
