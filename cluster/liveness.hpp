// Who is alive, by what the nodes say of each other. Pure: reports and a time point in, a judgement
// out.
//
// A node is dead when, without a break for `takeover`, more than half of all nodes that are not
// known to be down have said lately that they do not reach it. So a node that is cut off from all
// others calls nobody dead, and two halves of a cluster do not call each other dead. If all of
// these say that its host refuses them (nobody listens: the process is gone, and what it led is
// over anyway), a tenth of `takeover` is enough. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/meta_store.hpp"
#include "cluster/replica_messages.hpp"

namespace shoal::cluster {

class liveness {
public:
  explicit liveness(instant takeover) : takeover_{takeover} {}

  /// The nodes there are. Removed ones neither count nor vote.
  void know(const std::vector<node_info>& nodes);

  /// What a node says it reaches, itself not among them, and who refused it when it tried last; of
  /// this node, too.
  void reported(const std::string& from, const std::vector<std::string>& reaches, instant now,
      const std::vector<std::string>& refused_by = {});

  /// Call often: deaths are counted from the call that first saw a majority.
  void look(instant now);

  /// More than half of the nodes that are not known to be down reported lately.
  bool has_quorum(instant now) const;

  /// As of the last `look`; for a node that is known to be down, until most reach it again.
  bool is_dead(std::string_view name) const;

  /// A majority does not reach somebody who is not dead yet.
  bool doubts_anybody() const;

private:
  struct voice {
    std::vector<std::string> reaches, refused_by;
    instant at{};
  };
  struct member {
    bool down = false; ///< says the meta store
    bool dead = false;
    bool doubted = false; ///< a majority does not reach it
    instant since{};      ///< when it began to be doubted
    bool refuses = false; ///< a majority is refused by it
    instant refuses_since{};
  };

  std::size_t counted() const;
  std::size_t witnesses(std::string_view of, bool reaching, instant now) const;
  std::size_t refused_by(std::string_view name, instant now) const;
  bool is_fresh(const voice& x, instant now) const { return now - x.at <= takeover_; }

  const instant takeover_;
  std::map<std::string, member, std::less<>> members_;
  std::map<std::string, voice, std::less<>> voices_;
};

} // namespace shoal::cluster
