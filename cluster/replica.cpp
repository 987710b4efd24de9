#include "cluster/replica.hpp"

#include <algorithm>
#include <utility>

#include "cluster/view_rules.hpp"

namespace shoal::cluster {

const char* to_string(replica_role x) {
  switch (x) {
  case replica_role::stopped:
    return "stopped";
  case replica_role::quarantined:
    return "quarantined";
  case replica_role::follower:
    return "follower";
  case replica_role::fencing:
    return "fencing";
  case replica_role::adopting:
    return "adopting";
  case replica_role::opening:
    return "opening";
  case replica_role::serving:
    return "serving";
  case replica_role::suspended:
    return "suspended";
  case replica_role::handing_over:
    return "handing_over";
  }
  return "unknown";
}

replica::replica(
    std::string self, const replica_options& options, record_source& source, replica_rules rules)
    : self_{std::move(self)}, options_{options}, source_{source}, rules_{rules},
      log_{std::max<std::size_t>(1, options.keep_bytes / 256)} {}

// -- inputs ---------------------------------------------------------------------------------------

decisions replica::start(const durable_state& disk, instant now) {
  advance(now);
  epoch_ = durable_epoch_ = disk.epoch;
  last_led_ = rules_.lead_an_epoch_once ? disk.epoch : 0;
  rejoin_ = disk.rejoin;
  log_.reset(disk.base, disk.runs, disk.last, disk.sizes);
  committed_ = handed_out_ = applied_ = disk.applied;
  role_ = replica_role::follower;
  if (disk.damaged)
    quarantine("the log or the rows are damaged");
  else if (disk.applied < disk.base.lsn || disk.applied > disk.last)
    quarantine("the log does not reach what is applied");
  else if (rejoin_ == unknown_rejoin)
    quarantine("a refill had not begun");
  else if (rejoin_ > log_.last().epoch) {
    become(replica_role::quarantined, "a refill was interrupted");
  } else {
    become(replica_role::follower, "started");
    end_quarantine();
  }
  return finish();
}

decisions replica::learn(const view& x, instant now) {
  advance(now);
  auto known = next_view_ ? next_view_->epoch : view_.epoch;
  if (role_ == replica_role::stopped || x.epoch <= known)
    return finish();
  auto next_one = view_.epoch != 0 && x.epoch == view_.epoch + 1;
  if (!wrong_with(x).empty() || (next_one && !wrong_with(x, view_, true).empty())) {
    out_.read_view = true;
    return finish();
  }
  // After any other view somebody else may have led meanwhile.
  if (x.leader == self_ && x.epoch == known + 1 && may_finish_first()) {
    next_view_ = x;
    hand_over_step();
  } else {
    take_view(x);
  }
  return finish();
}

/// A leader that goes on leading with other replicas need not leave its callers without an answer:
/// it takes nothing new, and takes the view when all that was proposed is answered, or soon.
bool replica::may_finish_first() {
  if (role_ == replica_role::serving && applied_ < log_.last().lsn) {
    handing_ = handing{self_, now_, false};
    become(replica_role::handing_over, "answers what was proposed before it takes the next view");
  }
  return role_ == replica_role::handing_over && handing_->to == self_;
}

void replica::take_view(view x) {
  view_ = std::move(x);
  asked_view_.reset();
  if (leading() && view_.epoch > epoch_)
    stop_leading(replica_role::follower, "there is a newer view");
  next_view_.reset();
  if (view_.leader == self_ && view_.epoch > last_led_ && view_.epoch >= epoch_ &&
      role_ != replica_role::quarantined)
    take_over();
}

decisions replica::promised_at_most(std::uint64_t epoch, instant now) {
  advance(now);
  if (role_ != replica_role::quarantined || rejoin_ != unknown_rejoin)
    return finish();
  rejoin_ = std::max(epoch, epoch_) + 1;
  write().rejoin = rejoin_;
  asked_view_.reset();
  return finish();
}

decisions replica::receive(const std::string& from, const replica_message& message, instant now) {
  advance(now);
  if (role_ != replica_role::stopped && from != self_)
    std::visit([&](const auto& x) { on(from, x); }, message);
  return finish();
}

decisions replica::tick(instant now) {
  advance(now);
  if (role_ == replica_role::stopped)
    return finish();
  if (next_view_ && role_ != replica_role::handing_over)
    take_view(*next_view_); // something came between
  if (role_ == replica_role::fencing || role_ == replica_role::adopting)
    tick_take_over();
  else if (leading())
    tick_leader();
  tick_checkpoints();
  tick_stuck();
  return finish();
}

decisions replica::persisted(std::uint64_t ticket, instant now) {
  advance(now);
  if (role_ == replica_role::stopped)
    return finish();
  log_.persisted(ticket);
  while (!promises_.empty() && promises_.front().first <= ticket) {
    durable_epoch_ = std::max(durable_epoch_, promises_.front().second);
    promises_.pop_front();
  }
  if (restart_ticket_ <= ticket)
    restart_ticket_ = 0;
  if (inbound_ && inbound_->install_ticket != 0 && inbound_->install_ticket <= ticket)
    installed();
  end_quarantine();
  hand_out();
  if (role_ == replica_role::fencing)
    choose_log();
  else if (leading())
    count_votes();
  answer_fence();
  answer_leader();
  return finish();
}

decisions replica::applied(std::uint64_t lsn, instant now) {
  advance(now);
  if (role_ == replica_role::stopped || restart_ticket_ != 0)
    return finish();
  while (!applying_.empty() && applying_.front().last <= lsn) {
    applied_ = applying_.front().last;
    applying_bytes_ -= applying_.front().bytes;
    applying_.pop_front();
  }
  hand_out();
  trim();
  maybe_serve();
  hand_over_step();
  return finish();
}

decisions replica::damaged(const std::string& why, instant now) {
  advance(now);
  if (role_ != replica_role::stopped)
    quarantine(why);
  return finish();
}

decisions replica::disk_failed(const std::string& why, instant now) {
  advance(now);
  if (leading())
    stop_leading(replica_role::stopped, why);
  else if (role_ != replica_role::stopped)
    become(replica_role::stopped, why);
  return finish();
}

replica_status replica::status() const {
  auto out = replica_status{role_, epoch_, leading() ? self_ : leader_, log_.base(), log_.last(),
      log_.durable(), committed_, applied_, log_.memory(), {}};
  for (const auto& [name, p] : peers_)
    if (p.follows)
      out.peers.push_back(
          {name, p.match, p.in_flight, p.heard.value_or(instant{}), p.mode == pace::checkpoint});
  return out;
}

// -- what all roles share -------------------------------------------------------------------------

void replica::advance(instant now) { now_ = std::max(now_, now); }

decisions replica::finish() {
  if (broken_) {
    auto why = *std::exchange(broken_, std::nullopt);
    quarantine(why);
  }
  log_.shrink(options_.memory_bytes, handed_out_);
  log_.shrink(0, std::min(handed_out_, known_everywhere())); // nobody is going to ask for these
  return std::exchange(out_, {});
}

void replica::send(const std::string& to, replica_message message) {
  out_.sends.push_back({to, std::move(message)});
}

log_write& replica::write() {
  if (out_.writes.empty()) {
    out_.writes.emplace_back();
    out_.writes.back().ticket = next_ticket_++;
  }
  return out_.writes.back();
}

void replica::become(replica_role role, std::string why) {
  role_ = role;
  out_.roles.push_back({role, epoch_, std::move(why)});
}

bool replica::leading() const { return role_ >= replica_role::fencing; }

void replica::promise(std::uint64_t epoch) {
  if (leading())
    stop_leading(replica_role::follower, "a newer epoch fenced this one");
  epoch_ = epoch;
  matched_ = committed_; // what is committed is in every later leader's log
  leader_.clear();
  waiting_append_.reset();
  waiting_fence_.reset();
  while (!outbound_.empty())
    close_checkpoint(std::string{outbound_.begin()->first});
  if (inbound_ && inbound_->install_ticket == 0)
    drop_inbound();
  if (!rules_.promises_are_durable && epoch != last_led_) {
    durable_epoch_ = epoch;
    return;
  }
  auto& w = write();
  w.epoch = epoch;
  promises_.emplace_back(w.ticket, epoch);
}

bool replica::refuse_old(const std::string& from, std::uint64_t epoch) {
  if (epoch >= epoch_)
    return false;
  send(from, refusal_message{epoch, epoch_});
  return true;
}

void replica::commit_to(std::uint64_t lsn) {
  if (lsn <= committed_)
    return;
  committed_ = lsn;
  out_.committed = lsn;
  while (!proposals_.empty() && proposals_.front().last <= lsn) {
    proposed_bytes_ -= proposals_.front().bytes;
    proposals_.pop_front();
  }
  hand_out();
}

void replica::hand_out() {
  if (restart_ticket_ != 0)
    return;
  auto limit = std::min(committed_, log_.durable());
  while (handed_out_ < limit && applying_bytes_ < options_.apply_bytes) {
    auto records = std::vector<log_record>{};
    auto room = options_.apply_bytes - applying_bytes_;
    if (!read(handed_out_ + 1, limit, room, records) || records.empty())
      return;
    for (auto& x : records) {
      handed_out_ = x.lsn;
      applying_.push_back({x.lsn, x.bytes()});
      applying_bytes_ += x.bytes();
      out_.apply.push_back(std::move(x));
    }
  }
}

/// What is too old to be kept for anybody: up to this lsn, with limits so many times as wide.
std::uint64_t replica::surplus(std::uint64_t times) const {
  auto records = times * options_.keep_records;
  auto by_count = applied_ > records ? applied_ - records : 0;
  return std::min(applied_, std::max(by_count, log_.last_before(times * options_.keep_bytes)));
}

/// Who gets a checkpoint needs what follows it, or the next one is due when this one is there. So
/// it is kept until it has arrived, too, but not for who has fallen silent.
std::uint64_t replica::needed_for_refills() {
  auto least = surplus(4), out = applied_;
  for (const auto& [to, x] : outbound_)
    if (x.position && x.position->lsn >= least)
      out = std::min(out, x.position->lsn);
  for (auto& [name, p] : peers_) {
    auto speaks = p.heard && now_ - *p.heard < options_.checkpoint_limit;
    p.refilled = p.refilled && p.follows && speaks && p.match < surplus(1);
    if (p.refilled && p.match >= least)
      out = std::min(out, p.match);
  }
  return out;
}

void replica::trim() {
  auto upto = std::max(std::min(known_everywhere(), applied_), surplus(1));
  upto = std::min(upto, needed_for_refills());
  auto large = log_.last_before(options_.keep_bytes + options_.keep_bytes / 4) > log_.base().lsn;
  if (upto < log_.base().lsn + std::max<std::uint64_t>(large ? 1 : options_.trim_step, 1))
    return;
  log_.trim(upto);
  out_.trim = upto;
}

bool replica::intact(const std::vector<log_record>& records, const log_position& after) const {
  auto last = after;
  for (const auto& x : records) {
    if (x.lsn != last.lsn + 1 || x.epoch < last.epoch || options_.checksum(x) != x.crc)
      return false;
    last = x.position();
  }
  return true;
}

/// What is read back is checked before it goes anywhere: damage at one replica stays there.
bool replica::read(
    std::uint64_t from, std::uint64_t to, std::size_t max_bytes, std::vector<log_record>& out) {
  auto before = log_.epoch_at(from - 1);
  if (log_.read(source_, from, to, max_bytes, out) &&
      (out.empty() || (before && intact(out, {*before, from - 1}))))
    return true;
  out.clear();
  broken_ = "records that were durable cannot be read";
  return false;
}

void replica::quarantine(const std::string& why) {
  if (leading())
    stop_leading(replica_role::quarantined, why);
  else
    become(replica_role::quarantined, why);
  rejoin_ = unknown_rejoin;
  out_.writes.emplace_back(); // after whatever was decided before
  auto& w = out_.writes.back();
  w.ticket = next_ticket_++;
  w.rejoin = rejoin_;
  w.wipe = true;
  log_.restart_at({}, w.ticket);
  restart_ticket_ = w.ticket;
  committed_ = handed_out_ = applied_ = matched_ = everyone_has_ = 0;
  applying_.clear();
  applying_bytes_ = 0;
  waiting_append_.reset();
  waiting_fence_.reset();
  if (inbound_)
    drop_inbound();
  out_.apply.clear();
  out_.trim.reset();
  out_.quarantined = why;
  asked_view_ = now_;
}

/// A log that reaches into an epoch which began after all promises holds whatever was promised.
void replica::end_quarantine() {
  auto epoch = log_.epoch_at(log_.durable());
  if (rejoin_ == 0 || !epoch || *epoch < rejoin_)
    return;
  rejoin_ = 0;
  write().rejoin = 0;
  if (role_ == replica_role::quarantined)
    become(replica_role::follower, "refilled");
}

/// Says again what somebody else has to do.
void replica::tick_stuck() {
  if (asked_view_ && now_ - *asked_view_ < options_.take_over_limit)
    return;
  asked_view_ = now_;
  if (role_ == replica_role::quarantined) {
    if (rejoin_ == unknown_rejoin)
      out_.quarantined = "still: the meta store has not been read";
    else if (view_.epoch < rejoin_ || view_.leader == self_)
      out_.wants_view = view_wish{std::max(rejoin_, view_.epoch + 1),
          "a damaged replica joins again in a new epoch, led by another"};
  } else if (role_ >= replica_role::serving && !view_.previous.empty())
    out_.settled = epoch_;
  else if (!leading() && view_.leader == self_ && view_.epoch >= std::max(epoch_, highest_seen_))
    out_.wants_view =
        view_wish{view_.epoch + 1, "this epoch was led before a restart and is not led again"};
  else if (std::max(epoch_, highest_seen_) > view_.epoch)
    out_.read_view = true;
}

} // namespace shoal::cluster
