// What RocksDB tells about itself (its log lines, and that it got into trouble), and the space it
// has left.
//
// The lines go to the caller, never to a file in the data folder: when the disk is full, the
// engine's own log file fails first, and a build of RocksDB with assertions (Debian's) ends the
// process at the second failed line.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include "protocol/codes.hpp"

namespace shoal::storage {

class line_logger : public rocksdb::Logger {
public:
  /// `line` may be empty. It is called from any thread.
  explicit line_logger(std::function<void(std::string_view)> line);

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;

private:
  std::function<void(std::string_view)> line_;
};

/// Remembers trouble (after a soft error the engine stops compacting, but writers are not told),
/// and keeps the engine from waiting for space on its own: it would look every few seconds only,
/// and refuse to be asked meanwhile.
class trouble_listener : public rocksdb::EventListener {
public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;
  void OnErrorRecoveryBegin(
      rocksdb::BackgroundErrorReason reason, rocksdb::Status status, bool* auto_recovery) override;

  void OnMemTableSealed(const rocksdb::MemTableInfo& info) override;

  /// `none`, or why the engine waits to be asked to go on.
  std::atomic<ec> trouble = ec::none;
  /// The memtable of family `rows` is (or is about to be) a new, empty one.
  std::atomic<bool> rows_sealed = true;
};

/// Watches the space left, so that writes are refused while the engine still has what it needs to
/// flush and compact: a disk that is really full costs it its log file. Looks at most once per
/// `pause`.
class free_space {
public:
  free_space(rocksdb::Env& env, std::string folder, std::uint64_t reserve,
      std::chrono::milliseconds pause);

  bool enough();

private:
  rocksdb::Env& env_;
  const std::string folder_;
  const std::uint64_t reserve_;
  const std::chrono::nanoseconds pause_;
  std::atomic<std::int64_t> next_look_ = 0; ///< steady clock, nanoseconds
  std::atomic<bool> enough_ = true;
};

ec result_of(const rocksdb::Status& status);

} // namespace shoal::storage
