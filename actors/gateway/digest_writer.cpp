#include "actors/gateway/digest_writer.hpp"

#include <chrono>
#include <utility>

#include "actors/log.hpp"

namespace shoal::gateway {
namespace {

constexpr auto shortest_pause = std::chrono::milliseconds{250};

} // namespace

digest_writer::digest_writer(digest_log_options options)
    : log_{std::move(options)}, thread_{[this] { run(); }} {}

void digest_writer::add(std::string&& lines) {
  auto guard = std::lock_guard{mutex_};
  if (stopped_)
    return;
  log_.add(std::move(lines));
  if (!std::exchange(has_lines_, true))
    wake_.notify_one();
}

void digest_writer::stop() {
  {
    auto guard = std::lock_guard{mutex_};
    if (std::exchange(stopped_, true))
      return;
    wake_.notify_one();
  }
  thread_.join();
}

std::string digest_writer::trouble() const {
  auto guard = std::lock_guard{mutex_};
  return trouble_;
}

void digest_writer::run() {
  auto lock = std::unique_lock{mutex_};
  while (!stopped_) {
    wake_.wait(lock, [this] { return has_lines_ || stopped_; });
    has_lines_ = false;
    lock.unlock();
    write();
    lock.lock();
    wake_.wait_for(lock, shortest_pause, [this] { return stopped_; });
  }
  lock.unlock();
  write(); // what came during the last one
}

void digest_writer::write() {
  auto flaw = log_.write();
  auto guard = std::lock_guard{mutex_};
  if (flaw != trouble_ && !flaw.empty())
    log::error("digest log cannot be written", {{"why", flaw}});
  trouble_ = std::move(flaw);
}

} // namespace shoal::gateway
