#include <algorithm>

#include "cluster/replica.hpp"

namespace shoal::cluster {

namespace {

/// The greatest value that a majority reaches.
template <class T>
T reached_by_majority(std::vector<T> values) {
  auto nth = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), nth, values.end(), std::greater<>{});
  return *nth;
}

} // namespace

proposal replica::propose(std::shared_ptr<const std::string> payload, instant now) {
  advance(now);
  maybe_suspend();
  auto out = proposal{};
  auto record = log_record{epoch_, log_.last().lsn + 1, record_kind::entry, std::move(payload), 0};
  auto room =
      proposed_bytes_ == 0 || proposed_bytes_ + record.bytes() <= options_.uncommitted_bytes;
  if (role_ != replica_role::serving)
    out.refused = leading() ? refusal::not_ready : refusal::not_leader;
  else if (!room)
    out.refused = refusal::full;
  else {
    record.crc = options_.checksum(record);
    out.position = record.position();
    proposals_.push_back({record.lsn, record.bytes()});
    proposed_bytes_ += record.bytes();
    write().records.push_back(record);
    log_.append(record, write().ticket);
    replicate_all();
    count_votes();
  }
  out.out = finish();
  return out;
}

// -- what followers are sent ----------------------------------------------------------------------

bool replica::opened() const { return role_ >= replica_role::opening; }

void replica::replicate_all() {
  for (auto& [name, p] : peers_)
    replicate(name, p);
}

void replica::replicate(const std::string& name, remote& p) {
  if (!opened() || !p.follows || p.mode == pace::checkpoint)
    return;
  if (p.next <= log_.base().lsn) {
    p.mode = pace::checkpoint;
    return offer_checkpoint(name);
  }
  auto records = std::vector<log_record>{};
  if (p.mode == pace::probing) {
    if (p.asked || !read(p.next, log_.last().lsn, options_.append_bytes, records))
      return;
    p.asked = true;
    p.probe = p.next;
    p.probed = now_;
    return append_to(name, p, std::move(records));
  }
  while (p.next <= log_.last().lsn && p.in_flight < options_.in_flight_bytes) {
    records.clear();
    if (!read(p.next, log_.last().lsn, options_.append_bytes, records) || records.empty())
      return;
    append_to(name, p, std::move(records));
  }
}

void replica::append_to(const std::string& name, remote& p, std::vector<log_record> records) {
  auto before = p.mode == pace::checkpoint ? log_.base().lsn : p.next - 1;
  auto message = append_message{epoch_, {*log_.epoch_at(before), before}, std::move(records),
      committed_, everyone_has(), now_};
  if (!message.records.empty()) {
    auto bytes = std::size_t{0};
    for (const auto& x : message.records)
      bytes += x.bytes();
    if (p.flights.empty())
      p.progress = now_;
    p.flights.push_back({message.records.back().lsn, bytes});
    p.in_flight += bytes;
    p.next = message.records.back().lsn + 1;
  }
  p.sent = now_;
  send(name, std::move(message));
}

/// Finds out anew what the follower has; it is sent one append at a time until it agrees.
void replica::probe_from(remote& p, std::uint64_t lsn) {
  p.mode = pace::probing;
  p.next = std::clamp(lsn, p.match + 1, log_.last().lsn + 1);
  p.flights.clear();
  p.in_flight = 0;
  p.asked = false;
}

void replica::on(const std::string& from, const append_answer& x) {
  auto found = peers_.find(from);
  if (!opened() || x.epoch != epoch_ || found == peers_.end() || !found->second.follows)
    return;
  auto& p = found->second;
  p.heard = std::max(p.heard.value_or(x.sent), x.sent);
  if (x.result == append_result::mismatch)
    disagreed(p, x);
  else if (x.lsn <= log_.last().lsn)
    agreed(from, p, x);
  replicate(from, p);
  count_votes();
  maybe_suspend();
}

void replica::disagreed(remote& p, const append_answer& x) {
  auto outdated = p.mode == pace::probing && (!p.asked || x.sent < p.probed);
  // A disk may lose what it had synced (bits that flip in RocksDB's log end it there, without a
  // word). What is believed of the follower must not keep it from being filled again.
  if (p.mode != pace::checkpoint && !outdated && x.lsn < p.match)
    p.match = x.lsn;
  if (p.mode != pace::checkpoint && !outdated && x.lsn + 1 < p.next)
    probe_from(p, x.lsn + 1);
}

void replica::agreed(const std::string& from, remote& p, const append_answer& x) {
  if (x.lsn > p.match)
    p.progress = now_;
  p.match = std::max(p.match, x.lsn);
  while (!p.flights.empty() && p.flights.front().last <= p.match) {
    p.in_flight -= p.flights.front().bytes;
    p.flights.pop_front();
  }
  if (p.mode == pace::checkpoint) {
    if (auto i = outbound_.find(from);
        i != outbound_.end() && i->second.position && i->second.position->lsn <= p.match) {
      close_checkpoint(from); // it has this one; if the log went on too far, another follows
      p.refilled = true;
    }
    if (p.match >= log_.base().lsn) {
      close_checkpoint(from);
      probe_from(p, p.match + 1);
    }
  } else if (p.mode == pace::probing && p.asked && x.sent >= p.probed) {
    p.mode = pace::streaming;
    p.asked = false;
  }
}

// -- what is committed ----------------------------------------------------------------------------

void replica::count_votes() {
  if (!opened())
    return;
  auto durable = rules_.sync_before_answer ? log_.durable() : log_.last().lsn;
  auto votes = std::vector<std::uint64_t>{durable};
  for (const auto& [name, p] : peers_)
    if (p.follows)
      votes.push_back(p.match);
  auto lsn = reached_by_majority(std::move(votes));
  // Records of older epochs are safe only below one of this epoch: until then, a newer log without
  // them may exist.
  if (lsn > committed_ && (log_.epoch_at(lsn) == epoch_ || !rules_.commit_own_epoch_only))
    commit_to(lsn);
  maybe_serve();
  hand_over_step();
}

std::uint64_t replica::everyone_has() const {
  auto out = log_.durable();
  for (const auto& [name, p] : peers_)
    if (p.follows)
      out = std::min(out, p.match);
  return out;
}

// -- when it serves -------------------------------------------------------------------------------

void replica::maybe_serve() {
  if (role_ != replica_role::opening || applied_ < start_lsn_)
    return;
  become(replica_role::serving, "the epoch's first record is committed");
  if (!view_.previous.empty())
    out_.settled = epoch_;
  maybe_suspend();
}

std::optional<instant> replica::majority_heard() const {
  auto times = std::vector<std::optional<instant>>{now_};
  for (const auto& [name, p] : peers_)
    if (p.follows)
      times.push_back(p.heard);
  return reached_by_majority(std::move(times));
}

void replica::maybe_suspend() {
  if (role_ < replica_role::serving)
    return;
  auto heard = majority_heard();
  auto alone = !heard || now_ - *heard > options_.suspend_after;
  if (alone && role_ != replica_role::suspended) {
    end_hand_over(false);
    become(replica_role::suspended, "has not heard a majority");
  } else if (!alone && role_ == replica_role::suspended)
    become(replica_role::serving, "hears a majority again");
}

decisions replica::hand_over(const std::string& to, instant now) {
  advance(now);
  maybe_suspend();
  auto p = peers_.find(to);
  if (role_ != replica_role::serving || p == peers_.end() || !p->second.follows)
    out_.hand_over = hand_over_result{to, false};
  else {
    handing_ = handing{to, now_, false};
    become(replica_role::handing_over, "leaves the lead to " + to);
    hand_over_step();
  }
  return finish();
}

void replica::hand_over_step() {
  if (role_ != replica_role::handing_over)
    return;
  auto last = log_.last().lsn;
  if (next_view_) {
    if (applied_ == last || may_wait_no_longer())
      take_view(*next_view_);
    return;
  }
  // What is committed and not applied yet has not been answered: when this one ceases to lead, its
  // callers would hear that the outcome is unknown.
  if (!handing_->told && applied_ == last && peers_.at(handing_->to).match == last) {
    handing_->told = true;
    out_.hand_over = hand_over_result{handing_->to, true};
  }
  if (now_ - handing_->since >= options_.hand_over_limit) {
    end_hand_over(handing_->told);
    become(replica_role::serving, "nobody took the lead");
  }
}

/// While a majority speaks, answers are only slow.
bool replica::may_wait_no_longer() const {
  auto heard = std::max(majority_heard().value_or(handing_->since), handing_->since);
  return now_ - heard >= options_.finish_limit ||
         now_ - handing_->since >= options_.hand_over_limit;
}

/// Reports a failure, unless the other one was told that it may lead.
void replica::end_hand_over(bool quiet) {
  if (handing_ && handing_->to != self_ && !handing_->told && !quiet)
    out_.hand_over = hand_over_result{handing_->to, false};
  handing_.reset();
}

void replica::stop_leading(replica_role next, const std::string& why) {
  for (const auto& x : proposals_)
    out_.unknown.push_back(x.last);
  proposals_.clear();
  proposed_bytes_ = 0;
  end_hand_over(false);
  adoption_.reset();
  while (!outbound_.empty())
    close_checkpoint(std::string{outbound_.begin()->first});
  peers_.clear();
  become(next, why);
}

void replica::on(const std::string&, const refusal_message& x) {
  if (x.highest <= epoch_)
    return;
  highest_seen_ = std::max(highest_seen_, x.highest);
  if (leading() && x.epoch == epoch_)
    stop_leading(replica_role::follower, "a newer epoch is promised elsewhere");
  if (highest_seen_ > view_.epoch)
    out_.read_view = true;
}

// -- time -----------------------------------------------------------------------------------------

void replica::tick_leader() {
  for (auto& [name, p] : peers_) {
    if (!p.follows)
      continue;
    if (p.mode == pace::streaming && !p.flights.empty() &&
        now_ - p.progress >= options_.resend_after)
      probe_from(p, p.match + 1);
    else if (p.mode == pace::probing && p.asked && now_ - p.probed >= options_.resend_after)
      probe_from(p, p.probe);
    replicate(name, p);
    if (now_ - p.sent >= options_.heartbeat && !(p.mode == pace::probing && p.asked))
      append_to(name, p, {});
    if (p.mode == pace::checkpoint)
      offer_checkpoint(name);
  }
  maybe_suspend();
  hand_over_step();
}

} // namespace shoal::cluster
