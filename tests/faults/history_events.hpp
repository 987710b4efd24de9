// What a run sees from outside, one thing after the other: the seam between those who see it, the
// history that judges it, and the file that keeps it.
#pragma once

#include <cstdint>
#include <string>

namespace shoal::faults {

struct stored_op {
  std::uint64_t id = 0;
  std::string key, payload;
};

/// Who must have what of a stream.
enum class sharing : std::uint8_t {
  each, ///< every reader gets every op
  one,  ///< the readers share one cursor; an op may reach a second one only because an
        ///< acknowledgement was lost
};

class history_events {
public:
  virtual ~history_events() = default;

  /// Before the first call; payloads are unique over the whole run, `key` may be empty.
  virtual void attempted(
      const std::string& stream, const std::string& key, const std::string& payload) = 0;
  /// An answer that named the id.
  virtual void acknowledged(
      const std::string& stream, const std::string& payload, std::uint64_t id) = 0;

  virtual void expect_reader(const std::string& stream, const std::string& device, sharing how) = 0;
  /// The device's app was handed an op.
  virtual void handed(const std::string& stream, const std::string& device, std::uint64_t id,
      const std::string& payload) = 0;

  /// What reading the stream from its beginning, or from behind a known id, gave.
  virtual void stored(const std::string& stream, const stored_op& op) = 0;
  /// A cursor as the server shows it; `device` empty: of the user whose devices share it.
  virtual void cursor(const std::string& stream, const std::string& device, std::uint64_t id) = 0;

  /// Something that must never happen, seen by the run itself.
  virtual void broken(const std::string& what) = 0;
};

} // namespace shoal::faults
