// The servers under test, as child processes: start, watch, measure, end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shoal::bench {

/// A fresh folder below `parent`, removed with everything in it by the destructor.
class scratch_folder {
public:
  explicit scratch_folder(const std::string& parent);
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

struct memory_use {
  std::int64_t rss = 0, pss = 0; ///< bytes
};

/// One process; ended (TERM, after a while KILL) by the destructor. It dies with us if we are
/// killed.
class child {
public:
  child() = default;
  /// Starts `command[0]`, looked up in PATH; its stderr, and its stdout unless `read_stdout`, go to
  /// `log`.
  child(const std::vector<std::string>& command, const std::string& log, bool read_stdout = false);
  ~child();
  child(child&& other) noexcept;
  child& operator=(child&& other) noexcept;

  pid_t pid() const { return pid_; }
  bool running();
  /// Next line of its stdout within the time; nothing if it ended or said none.
  std::optional<std::string> read_line(int timeout_ms);
  memory_use memory() const;
  /// Seconds of CPU used so far.
  double cpu_seconds() const;
  void stop();
  /// At once, without a chance to tidy up.
  void kill();

private:
  pid_t pid_ = -1;
  int stdout_ = -1;
  std::string buffer_;
};

/// A port of 127.0.0.1 that nobody used a moment ago.
std::uint16_t free_port();

/// Waits until somebody listens. False if `server` ends first or the time is over.
bool wait_for_port(std::uint16_t port, child& server, int timeout_ms);

/// Runnable processes of the last minute; above 1 before a run, its figures are not worth much.
double load_average();

/// Raises the number of open files to the hard limit and returns it.
std::size_t raise_file_limit();

} // namespace shoal::bench
