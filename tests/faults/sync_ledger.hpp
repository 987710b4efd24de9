// How far each file of a node is on its disk, if nothing is there but what the node synced: written
// by the library that is loaded into the node, read by the test when the node was killed and its
// machine loses the page cache.
//
// Memory shared through a file, so that it survives the node's kill -9: what a sync covers is noted
// before the node hears that it is done. Files go by inode, so a new name changes nothing.
//
// Guarantees: `lose_cache` leaves of each file what was there when its last sync began, and nothing
// of a file that was never synced. Assumes what holds for RocksDB: files grow at their end and are
// not changed where they were synced. sync_file_range promises nothing. Folders keep what was done
// to them, in order, as journals do; but a file that was never synced itself vanishes with its name
// unless a folder was synced since it was created.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/stat.h>

namespace shoal::faults {

class sync_ledger {
public:
  using file = struct ::stat;

  /// The ledger in that file; made if there is none. Mapped until the process ends. Null if it
  /// cannot be.
  static sync_ledger* map(const char* path);

  // -- what the node did --

  void created(const file& x);
  /// A sync is done. `before`: as it was when the sync began.
  void synced(const file& before);
  /// All of it went away, or what is behind its size.
  void shortened(const file& after);
  void renamed(const file& x);
  void removed(const file& x);

  // -- what is left of it --

  struct remains {
    std::int64_t bytes = 0; ///< from its beginning
    bool has_name = true;
  };
  remains of(const file& x) const;
  /// Nothing but these is known any more: what there is of them is on the disk.
  void forget_all();
  void is_on_disk(const file& x) { slot_of(x, true)->bytes = x.st_size; }

  std::size_t files() const;
  /// More files than it can remember: no remains are right.
  bool is_full() const { return full_; }

private:
  static constexpr std::size_t capacity = 1 << 16;

  struct slot {
    std::atomic<std::uint64_t> key; ///< 0: free
    std::atomic<std::int64_t> bytes;
    std::atomic<std::uint64_t> born; ///< 1 + folder syncs before it was created; 0: has its name
  };

  slot* slot_of(const file& x, bool make);
  const slot* slot_of(const file& x) const {
    return const_cast<sync_ledger*>(this)->slot_of(x, false);
  }

  // A file of zeros is an empty ledger.
  std::atomic<std::uint64_t> folder_syncs_;
  std::atomic<bool> full_;
  slot slots_[capacity];
};

/// Environment variable that names the file.
inline constexpr auto ledger_variable = "SHOAL_SYNC_LEDGER";

struct lost_cache {
  std::size_t shortened = 0, removed = 0; ///< files
  std::uint64_t bytes = 0;
};

/// Cuts every file below `folder` to what is left of it. Throws std::runtime_error if the ledger
/// knows nothing, or not everything.
lost_cache lose_cache(const std::string& folder, sync_ledger& ledger);

} // namespace shoal::faults
