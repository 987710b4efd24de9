// Writes the digest log on a thread of its own, so that a slow disk holds up neither the I/O loops,
// which hand lines over, nor the actors.
//
// Owned by the node's gateway part. `add` may be called by any thread, also after `stop`; what
// comes then is dropped. Writes at most four times a second. `stop` writes what is there and ends
// the thread; it waits for a write that is under way.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "actors/gateway/digest_log.hpp"

namespace shoal::gateway {

class digest_writer {
public:
  explicit digest_writer(digest_log_options options);
  ~digest_writer() { stop(); }
  digest_writer(const digest_writer&) = delete;
  digest_writer& operator=(const digest_writer&) = delete;

  void add(std::string&& lines);
  void stop();

  std::uint64_t dropped_bytes() const { return log_.dropped_bytes(); }

  /// What was wrong with the last write; empty: nothing.
  std::string trouble() const;

private:
  void run();
  void write();

  digest_log log_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool has_lines_ = false; // guarded by mutex_
  bool stopped_ = false;   // guarded by mutex_
  std::string trouble_;    // guarded by mutex_
  std::thread thread_;
};

} // namespace shoal::gateway
