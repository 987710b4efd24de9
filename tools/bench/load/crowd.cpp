#include "tools/bench/load/crowd.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shoal::bench {
namespace {

constexpr auto look_ms = 100;

void say(int to, const std::string& word) {
  auto line = word + "\n";
  if (::write(to, line.data(), line.size()) < 0)
    ::_exit(1); // nobody listens any more
}

bool sent_home(int hears) {
  auto x = pollfd{hears, POLLIN, 0};
  return ::poll(&x, 1, 0) > 0;
}

/// The life of one process.
void live(contender& who, const options& wishes, std::size_t first, std::size_t n, int timeout_s,
    int says, int hears) {
  auto mine = wishes;
  mine.timeout_s = timeout_s;
  auto t = tally{};
  auto loop = tls_loop{};
  auto devices = fleet{loop, who, t, mine};
  devices.connect(n, false, first);
  say(says, "ready");
  wait_for(loop, t, timeout_s, "delivering", [&] { return t.delivered >= n; });
  say(says, "delivered");
  while (!sent_home(hears))
    let_settle(loop, look_ms);
}

std::string read_line(int from) {
  auto out = std::string{};
  for (char c = 0; ::read(from, &c, 1) == 1 && c != '\n';)
    out += c;
  return out;
}

} // namespace

crowd::crowd(contender& who, const options& wishes, std::size_t devices, int timeout_s) {
  for (auto first = std::size_t{0}; first < devices; first += in_one_process) {
    int up[2], down[2];
    if (::pipe2(up, O_CLOEXEC) != 0 || ::pipe2(down, O_CLOEXEC) != 0)
      throw std::runtime_error{"no pipes for a process with devices"};
    auto pid = ::fork();
    if (pid < 0)
      throw std::runtime_error{"no process for devices"};
    if (pid == 0) {
      for (auto& x : rooms_)
        ::close(x.hears); // else they would not see it closed
      ::close(down[1]);
      try {
        live(who, wishes, first, std::min(in_one_process, devices - first), timeout_s, up[1],
            down[0]);
      } catch (const std::exception& e) {
        say(up[1], e.what());
      }
      ::_exit(0); // what this process copied is not its to tidy up
    }
    ::close(up[1]);
    ::close(down[0]);
    rooms_.push_back({pid, up[0], down[1]});
  }
}

crowd::~crowd() {
  for (auto& x : rooms_) {
    ::close(x.hears);
    ::close(x.says);
  }
  for (auto& x : rooms_)
    ::waitpid(x.pid, nullptr, 0);
}

void crowd::await(const std::string& word) {
  for (auto& x : rooms_)
    if (auto line = read_line(x.says); line != word)
      throw std::runtime_error{line.empty() ? "a process with devices ended" : line};
}

} // namespace shoal::bench
