// A history in a file: one event per line, in the order in which it happened, so that anybody can
// judge it again without the cluster (README.md has the fields).
//
// Payloads are random bytes, and only compared with each other: a long one stands there as the text
// that it begins with, `#`, and 16 hexadecimal digits of its SHA-256.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "tests/faults/history_events.hpp"

namespace shoal::faults {

/// Writes. Not thread-safe; the history that it follows calls it for one event at a time.
class history_file final : public history_events {
public:
  explicit history_file(std::ostream& to) : to_{to} {}

  void attempted(
      const std::string& stream, const std::string& key, const std::string& payload) override;
  void acknowledged(
      const std::string& stream, const std::string& payload, std::uint64_t id) override;
  void expect_reader(const std::string& stream, const std::string& device, sharing how) override;
  void handed(const std::string& stream, const std::string& device, std::uint64_t id,
      const std::string& payload) override;
  void stored(const std::string& stream, const stored_op& op) override;
  void cursor(const std::string& stream, const std::string& device, std::uint64_t id) override;
  void broken(const std::string& what) override;

  /// All was read by now: everybody must have everything.
  void end();

private:
  void line(const nlohmann::json& x);

  std::ostream& to_;
};

struct replayed {
  std::uint64_t events = 0;
  bool ended = false;  ///< the run came to its end; otherwise the file stops in its middle
  std::string trouble; ///< where the file makes no sense; what is behind was not read
};

/// Tells all that the file says. A last line without its end counts as not written.
replayed replay(std::istream& from, history_events& to);

/// What `shoal-cluster-faults --judge FILE` does: prints what the file says and every violation.
/// 0 if there is none, 1 if there is, 2 if the file cannot be read.
int judge(const std::string& path, std::ostream& out);

} // namespace shoal::faults
