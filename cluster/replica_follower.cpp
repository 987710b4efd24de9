#include <algorithm>

#include "cluster/replica.hpp"

namespace shoal::cluster {

void replica::on(const std::string& from, const append_message& x) {
  if (rules_.followers_check_epochs && refuse_old(from, x.epoch))
    return;
  if (x.epoch > epoch_ && x.epoch >= rejoin_)
    promise(x.epoch);
  if (leading() || x.epoch < rejoin_)
    return;
  leader_ = from;
  auto previous = x.previous;
  auto records = x.records;
  if (!intact(records, previous) || (!records.empty() && records.back().epoch > x.epoch))
    return;
  if (previous.lsn < log_.base().lsn) {
    // What is below the base is applied, so it is in the leader's log too.
    auto known = std::min<std::uint64_t>(log_.base().lsn - previous.lsn, records.size());
    records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(known));
    previous = log_.base();
  }
  auto here = log_.epoch_at(previous.lsn);
  if (!here || (here != previous.epoch && rules_.followers_check_previous))
    return disagree(from, x);
  if (!take(records))
    return;
  matched_ = std::max(matched_, previous.lsn + records.size());
  everyone_has_ = std::max(everyone_has_, x.everyone_has);
  commit_to(std::min(x.committed, matched_));
  waiting_append_ = {from, x.sent};
  // A heartbeat tells how far the disk is; records are worth waiting for.
  if (records.empty() || log_.durable() >= matched_ || !rules_.sync_before_answer)
    answer_leader();
}

void replica::disagree(const std::string& from, const append_message& x) {
  if (x.previous.lsn <= committed_)
    return quarantine("the leader's log contradicts what is committed here");
  if (durable_epoch_ < x.epoch)
    return;
  auto hint = log_.last_not_after(x.previous.lsn - 1, x.previous.epoch);
  send(from, append_answer{x.epoch, append_result::mismatch, std::max(hint, committed_), x.sent});
}

/// Adds what is not there yet, in place of what contradicts it.
bool replica::take(const std::vector<log_record>& records) {
  for (const auto& x : records) {
    if (x.lsn <= log_.last().lsn) {
      if (log_.epoch_at(x.lsn) == x.epoch)
        continue;
      if (x.lsn <= committed_) {
        quarantine("a record would replace one that is committed here");
        return false;
      }
      write().truncate_after = x.lsn - 1;
      log_.truncate_after(x.lsn - 1, write().ticket);
    }
    write().records.push_back(x);
    log_.append(x, write().ticket);
  }
  return true;
}

void replica::answer_leader() {
  if (!waiting_append_ || durable_epoch_ < epoch_)
    return;
  auto durable = rules_.sync_before_answer ? log_.durable() : log_.last().lsn;
  send(waiting_append_->to, append_answer{epoch_, append_result::accepted,
                                std::min(durable, matched_), waiting_append_->sent});
  waiting_append_.reset();
}

void replica::on(const std::string& from, const fence_message& x) {
  if (refuse_old(from, x.epoch) || leading())
    return;
  if (role_ == replica_role::quarantined && rules_.damaged_keep_quiet)
    return;
  if (x.epoch > epoch_)
    promise(x.epoch);
  waiting_fence_ = from;
  answer_fence();
}

void replica::answer_fence() {
  if (!waiting_fence_ || durable_epoch_ < epoch_ || !log_.all_durable())
    return;
  send(*waiting_fence_, fence_answer{epoch_, log_.last(), log_.base(), committed_});
  waiting_fence_.reset();
}

void replica::on(const std::string& from, const fetch_message& x) {
  if (refuse_old(from, x.epoch) || x.epoch != epoch_ || leading() ||
      role_ == replica_role::quarantined)
    return;
  auto answer = fetch_answer{epoch_, fetch_result::records, x.after, 0, {}};
  auto agrees = log_.holds(x.after);
  if (x.after.lsn < log_.base().lsn || (x.after.lsn == log_.base().lsn && !agrees)) {
    answer.result = fetch_result::trimmed;
    offer_checkpoint(from);
  } else if (!agrees) {
    answer.result = fetch_result::mismatch;
    answer.lsn = log_.last_not_after(x.after.lsn - 1, x.after.epoch);
  } else {
    close_checkpoint(from);
    if (!read(x.after.lsn + 1, x.until, options_.append_bytes, answer.records))
      return;
  }
  send(from, std::move(answer));
}

} // namespace shoal::cluster
