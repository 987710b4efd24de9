// Loaded into a node by LD_PRELOAD: its wall clock is shifted and its disk is slow, as the page
// that SHOAL_WHIMS names says at that moment; and it is written down in what SHOAL_SYNC_LEDGER
// names how far its files were synced.
#undef _FORTIFY_SOURCE // its headers define `open`, too
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/faults/sync_ledger.hpp"
#include "tests/faults/whims.hpp"

namespace {

using shoal::faults::sync_ledger;
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

/// Null: nobody wants to know; or this thread is about to map it, with the functions below.
sync_ledger* ledger() {
  static thread_local auto mapping = false;
  if (mapping)
    return nullptr;
  mapping = true;
  static auto* out = [] {
    auto* path = std::getenv(shoal::faults::ledger_variable);
    return path ? sync_ledger::map(path) : nullptr;
  }();
  mapping = false;
  return out;
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  // Only files that this may create or empty matter.
  auto* to = (flags & (O_CREAT | O_TRUNC)) != 0 ? ledger() : nullptr;
  auto x = sync_ledger::file{};
  auto is_new = to && ::fstatat(folder, path, &x, 0) != 0;
  auto out = static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
  if (out >= 0 && to && ::fstat(out, &x) == 0 && S_ISREG(x.st_mode)) {
    if (is_new)
      to->created(x);
    else
      to->shortened(x);
  }
  return out;
}

mode_t mode_of(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

/// What `sync` syncs of the file is noted when it is done: what was there before, no more.
template <class Sync>
int synced(int file, Sync sync) {
  wait_for_the_disk();
  auto before = sync_ledger::file{};
  auto* to = ::fstat(file, &before) == 0 ? ledger() : nullptr;
  auto out = sync(file);
  if (out == 0 && to)
    to->synced(before);
  return out;
}

void note_shortened(const sync_ledger::file& x) {
  if (auto* to = ledger())
    to->shortened(x);
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
  return synced(file, real);
}

int fdatasync(int file) {
  static auto real = the_real<int (*)(int)>("fdatasync");
  return synced(file, real);
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  auto mode = mode_of(flags, rest);
  va_end(rest);
  return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  auto mode = mode_of(flags, rest);
  va_end(rest);
  return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  auto mode = mode_of(flags, rest);
  va_end(rest);
  return open_at(folder, path, flags, mode);
}

int openat64(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  auto mode = mode_of(flags, rest);
  va_end(rest);
  return open_at(folder, path, flags, mode);
}

int creat(const char* path, mode_t mode) {
  return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int ftruncate(int file, off_t size) noexcept {
  auto out = static_cast<int>(::syscall(SYS_ftruncate, file, size));
  auto x = sync_ledger::file{};
  if (out == 0 && ::fstat(file, &x) == 0)
    note_shortened(x);
  return out;
}

int ftruncate64(int file, off64_t size) noexcept { return ftruncate(file, size); }

int truncate(const char* path, off_t size) noexcept {
  auto out = static_cast<int>(::syscall(SYS_truncate, path, size));
  auto x = sync_ledger::file{};
  if (out == 0 && ::stat(path, &x) == 0)
    note_shortened(x);
  return out;
}

int truncate64(const char* path, off64_t size) noexcept { return truncate(path, size); }

int rename(const char* from, const char* to) noexcept {
  auto out = static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
  auto x = sync_ledger::file{};
  if (auto* in = ledger(); out == 0 && in && ::stat(to, &x) == 0)
    in->renamed(x);
  return out;
}

int unlink(const char* path) noexcept {
  auto x = sync_ledger::file{};
  auto known = ::lstat(path, &x) == 0;
  auto out = static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
  if (auto* in = ledger(); out == 0 && known && in)
    in->removed(x);
  return out;
}

} // extern "C"
