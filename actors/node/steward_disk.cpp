// What a node does about a disk that does not keep what was promised on it.
#include "actors/log.hpp"
#include "actors/node/steward.hpp"
#include "storage/lost_records.hpp"

namespace shoal {

namespace {

constexpr cluster::instant complaint_interval = std::chrono::minutes{1};

} // namespace

/// A disk that comes in the place of another one knows nothing of what this node promised. Its
/// replicas must be damaged for good before the record calls it the node's disk.
void steward_state::judge_disk(const cluster::node_info& known) {
  if (judging)
    return;
  judging = true;
  auto replaced = cluster::is_replaced(known, opt.disk);
  if (replaced)
    log::error("the data folder is not the one that this node had: what it promised is lost, all "
               "its replicas are filled again by the others",
        {{"node", opt.config.node.name}, {"had", known.disk}, {"has", opt.disk}});
  self->request(
          opt.replicator, std::chrono::minutes{1}, atom::online::value, disk_verdict{replaced})
      .then(
          [this, replaced](bool durable) {
            judging = false;
            disk_judged = durable;
            if (durable && replaced)
              forget_loss();
            if (durable)
              look_again();
          },
          [this](caf::error&) { judging = false; });
}

/// A store that lost records promises nothing and votes for nothing, and keeps what it has until
/// the others have everything without it: if all nodes lost something at once (one power failure,
/// disks that lie about it), what is left on each of them is all there is.
void steward_state::judge_loss() {
  if (opt.lost.empty() || !enlisted || judging)
    return;
  auto now = boot_time();
  if (!brain->can_spare(opt.config.node.name)) {
    if (complained != cluster::instant{} && now - complained < complaint_interval)
      return;
    complained = now;
    return log::error("this node's store lost records that were durable, and the others do not "
                      "have everything without it yet: it takes no part. If they never will, start "
                      "it once with --new-epoch: then it goes on with what is left",
        {{"node", opt.config.node.name}, {"lost", opt.lost}});
  }
  judging = true;
  log::error("this node's store lost records that were durable: all its replicas are filled again "
             "by the others",
      {{"node", opt.config.node.name}, {"lost", opt.lost}});
  self->request(opt.replicator, std::chrono::minutes{1}, atom::online::value, disk_verdict{true})
      .then(
          [this](bool durable) {
            judging = false;
            if (durable)
              forget_loss(); // else the next look tries again
          },
          [this](caf::error&) { judging = false; });
}

/// All replicas are wiped: nothing here pretends any more to be what it is not.
void steward_state::forget_loss() {
  if (opt.lost.empty())
    return;
  opt.lost.clear();
  if (storage::forget_lost_records(*opt.services->db) != ec::none)
    log::warn("this disk does not keep that its loss is dealt with; the next start fills its "
              "replicas again");
}

} // namespace shoal
