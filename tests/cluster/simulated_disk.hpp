// The disk of one simulated node: operations are done in order and are durable once done. A crash
// keeps some of those that were under way, the last of them torn, and loses the others.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "cluster/replica.hpp"
#include "tests/cluster/seeded_random.hpp"

namespace shoal::cluster {

std::uint32_t simulated_checksum(const log_record& x);

/// What applying one record leaves behind. The rows of lsn 1, 2, … are a replica's whole state.
struct simulated_row {
  std::uint64_t epoch = 0;
  std::uint64_t content = 0; ///< of the payload
  bool operator==(const simulated_row&) const = default;
};

std::uint64_t content_of(const log_record& x);

struct disk_operation {
  log_write write;                 ///< ticket 0: none
  std::vector<simulated_row> rows; ///< of `write.install`
  std::vector<log_record> apply;
  std::optional<std::uint64_t> trim;
};

class simulated_disk : public record_source {
public:
  void submit(disk_operation x) { under_way_.push_back(std::move(x)); }
  /// Does the first operation under way.
  disk_operation complete();

  void crash(seeded_random& random);
  durable_state scan() const;

  bool read(std::uint64_t from, std::uint64_t to, std::size_t max_bytes,
      std::vector<log_record>& out) override;

  const std::vector<simulated_row>& rows() const { return rows_; }
  log_position applied() const;
  std::uint64_t rejoin() const { return rejoin_; }

  // -- damage -------------------------------------------------------------------------------------

  /// Changes a payload without its checksum; false if there is none.
  bool flip(seeded_random& random);
  /// An empty disk in place of this one, but for the node's name.
  void lose();
  bool is_lost() const { return lost_; }
  /// As if it had always been empty.
  void forget_loss() { lost_ = false; }
  /// Whether damage is left that nobody noticed and nobody replaced.
  bool is_damaged() const;

private:
  void carry_out(const disk_operation& x, std::size_t records, std::size_t applies);

  std::uint64_t epoch_ = 0, rejoin_ = 0;
  log_position base_;
  std::deque<log_record> records_;
  std::vector<simulated_row> rows_;
  bool lost_ = false;
  std::deque<disk_operation> under_way_;
};

} // namespace shoal::cluster
