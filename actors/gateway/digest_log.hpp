// The digest log: lines from the I/O loops, gathered, and written to a file that is rotated by
// size.
//
// `add` may be called by any thread and only appends to memory; whoever may wait for a disk calls
// `write`. Bounded: what a slow disk leaves unwritten beyond `max_waiting` is dropped and counted.
//
//   gateway-digest.log   gateway-digest.log.1   …   .8 (the oldest)
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

namespace shoal::gateway {

struct digest_log_options {
  std::string file;
  std::size_t max_bytes = 128u << 20;  ///< of one file
  unsigned keep = 8;                   ///< older files
  std::size_t max_waiting = 32u << 20; ///< bytes not written yet
};

class digest_log {
public:
  explicit digest_log(digest_log_options options) : options_{std::move(options)} {}

  void add(std::string&& lines);

  /// Writes what has been added. "" or what is wrong; then the lines are lost, and counted.
  std::string write();

  std::uint64_t dropped_bytes() const;
  std::uint64_t written_bytes() const { return written_; }

private:
  struct close_file {
    void operator()(std::FILE* x) const { std::fclose(x); }
  };

  std::string open();
  void rotate();

  digest_log_options options_;
  mutable std::mutex mutex_;
  std::string waiting_;       // guarded by mutex_
  std::uint64_t dropped_ = 0; // guarded by mutex_
  std::unique_ptr<std::FILE, close_file> file_;
  std::size_t size_ = 0; // of the file
  std::uint64_t written_ = 0;
};

} // namespace shoal::gateway
