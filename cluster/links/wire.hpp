// What two nodes say to each other inside TLS, as bytes. The tables are in cluster/README.md, "Node
// links".
//
//   | tag 1 | length 3 | body |     length = bytes of the body, big endian, at most 65,536
//
// Frames are cut into parts of at most that size, so that kinds can take turns on one connection.
// Pure: no socket, no clock. Bytes come from authenticated peers, and are not believed either.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/node_links.hpp"

namespace shoal::cluster::links {

enum class tag : std::uint8_t {
  part = 0x00, ///< + kind: of a frame, more parts follow
  last = 0x10, ///< + kind: the last part of a frame, often the only one
  hello = 0x20,
  welcome = 0x21, ///< link number (8): the chooser took this connection
  ready = 0x22,   ///< the answer to it
  bye = 0x23,     ///< why, for people
  ping = 0x30,    ///< anything (8)
  pong = 0x31,    ///< the same
  taken = 0x32,   ///< kind (1), window bytes of all frames taken on this connection (8)
};

inline constexpr std::size_t record_header = 4;
inline constexpr std::size_t max_record = 65536;
inline constexpr std::uint8_t wire_version = 1;

/// The first thing that each end says.
struct hello {
  std::string cluster, node;
  std::uint64_t incarnation = 0;
  std::uint32_t version_min = 0, version_max = 0; ///< of cluster.proto
  std::uint64_t window = 0;                       ///< per kind, what this end is ready to hold
  /// The link that the speaker had last with whom it speaks to; 0 = none. The chooser needs it to
  /// tell a connection that replaces a lost one from one that crosses another.
  std::uint64_t last_link = 0;
  bool linked = false; ///< that link is up, as the speaker knows
  bool operator==(const hello&) const = default;
};

void append_record(std::string& to, tag what, std::string_view body);
void append_number(std::string& to, tag what, std::uint64_t x);
void append_taken(std::string& to, traffic kind, std::uint64_t total);
std::string encode(const hello& x);

/// Ignores bytes after the known fields: newer nodes may say more.
std::optional<hello> decode_hello(std::string_view body);
std::optional<std::uint64_t> decode_number(std::string_view body);

struct taken_note {
  traffic kind{};
  std::uint64_t total = 0;
};
std::optional<taken_note> decode_taken(std::string_view body);

/// A peer's words, safe for logs and terminals: printable ASCII, at most 200 bytes.
std::string readable(std::string_view words);

struct record {
  std::uint8_t tag = 0;
  std::string_view body; ///< until the next call
};

/// Cuts a stream of bytes into records. Keeps at most one incomplete record.
class record_reader {
public:
  enum class result : std::uint8_t { record, more, too_long };

  void feed(std::string_view bytes);
  result next(record& out);

private:
  std::string kept_;
  std::size_t at_ = 0;
};

} // namespace shoal::cluster::links
