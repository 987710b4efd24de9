// Loaded into a node by LD_PRELOAD: its wall clock is shifted and its disk is slow, as the page
// that SHOAL_WHIMS names says at that moment.
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/faults/whims.hpp"

namespace {

using shoal::faults::whims;

constexpr std::int64_t second_ns = 1'000'000'000;

/// Null: this process was not given any.
const whims* page() {
  static const auto* out = [] {
    auto* path = std::getenv(shoal::faults::whims_variable);
    return path ? shoal::faults::map_whims(path) : nullptr;
  }();
  return out;
}

std::int64_t shift_ns() {
  auto* x = page();
  return x ? x->clock_shift_ns.load(std::memory_order_relaxed) : 0;
}

void wait_for_the_disk() {
  auto* x = page();
  if (auto us = x ? x->sync_delay_us.load(std::memory_order_relaxed) : 0; us > 0)
    ::usleep(static_cast<useconds_t>(us));
}

template <class Function>
Function the_real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool is_wall_clock(clockid_t x) { return x == CLOCK_REALTIME || x == CLOCK_REALTIME_COARSE; }

} // namespace

extern "C" {

int clock_gettime(clockid_t which, timespec* out) noexcept {
  static auto real = the_real<int (*)(clockid_t, timespec*)>("clock_gettime");
  auto result = real(which, out);
  if (auto shift = is_wall_clock(which) ? shift_ns() : 0; result == 0 && shift != 0) {
    auto ns = out->tv_sec * second_ns + out->tv_nsec + shift;
    out->tv_sec = ns / second_ns;
    out->tv_nsec = ns % second_ns;
  }
  return result;
}

int gettimeofday(timeval* out, void*) noexcept {
  auto now = timespec{};
  auto result = clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return result;
}

time_t time(time_t* out) noexcept {
  auto now = timespec{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out)
    *out = now.tv_sec;
  return now.tv_sec;
}

int fsync(int file) {
  static auto real = the_real<int (*)(int)>("fsync");
  wait_for_the_disk();
  return real(file);
}

int fdatasync(int file) {
  static auto real = the_real<int (*)(int)>("fdatasync");
  wait_for_the_disk();
  return real(file);
}

} // extern "C"
