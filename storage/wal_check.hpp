// Did RocksDB's write-ahead logs lose records that had been synced? Pure: bytes in, a finding out.
//
// Recovery to a point in time ends at the first record that cannot be read. That may be the end of
// an append that a crash interrupted, which nobody was told of, or damage to something that was
// acknowledged; the place where a log ends does not tell which. So every batch begins with a mark:
// the sequence number up to which everything was synced when the batch was written. A mark above
// what recovery reaches proves a loss, wherever it is found, also behind the damage.
//
// Guarantees: no loss is claimed that a mark does not prove. A torn tail, pages that a power
// failure wrote out of order, bytes of a caller that look like a log (marks carry the store's tag,
// which no caller knows) are none. Memory: one block of 32 KiB.
//
// Does not notice: damage behind which no mark follows (README.md, "Records that were synced and
// are gone"), logs of versions without marks, files that are missing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace shoal::storage {

/// What a batch says about the batches before it.
struct wal_mark {
  std::uint64_t tag = 0;    ///< of the store
  std::uint64_t synced = 0; ///< sequence number; it and all lower ones were durable
};

constexpr std::size_t wal_mark_bytes = 16;

std::string encode_wal_mark(const wal_mark& x);

/// Of the text in the store's file IDENTITY; 0 if it makes no sense.
std::uint64_t wal_tag_of(std::string_view identity);

struct wal_finding {
  std::uint64_t reached = 0; ///< last sequence number that recovery gets to; 0: none
  std::uint64_t proven = 0;  ///< greatest one that was synced for certain; 0: none
  bool lost = false;         ///< some of those are not recovered
};

class wal_check {
public:
  static constexpr std::size_t block_bytes = 32'768;

  explicit wal_check(std::uint64_t tag) : tag_{tag} {}

  /// The next log that recovery looks at, oldest first. `next_block` gives it in blocks of
  /// `block_bytes`, the last one shorter; false at the end.
  void add(const std::function<bool(std::string_view& block)>& next_block);

  const wal_finding& result() const { return found_; }

private:
  struct piece {
    std::uint8_t type = 0;
    std::string_view body;
  };

  static std::optional<piece> piece_at(std::string_view bytes);
  void scan(std::string_view block);
  void take(const piece& x);
  void begin(std::string_view body);
  void end_record();
  void gap();
  bool proves_loss(std::uint64_t synced) const;

  const std::uint64_t tag_;
  wal_finding found_;
  bool follows_ = true;           ///< recovery has not stopped
  bool at_begin_ = true;          ///< of a log, with nothing bad before
  bool torn_ = false;             ///< something bad was found in any log
  bool zeros_ = false;            ///< so the last block ended
  bool inside_ = false;           ///< of a record that began and has not ended
  std::uint64_t first_known_ = 0; ///< of the first record that could be read at all
  std::string head_;              ///< the begin of that record
};

} // namespace shoal::storage
