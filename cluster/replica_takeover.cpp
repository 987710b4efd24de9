#include <algorithm>

#include "cluster/replica.hpp"

namespace shoal::cluster {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

void replica::take_over() {
  last_led_ = view_.epoch;
  promise(view_.epoch);
  for (const auto* names : {&view_.replicas, &view_.previous})
    for (const auto& name : *names)
      if (name != self_)
        peers_[name].follows = contains(view_.replicas, name);
  become(replica_role::fencing, "leader of the view");
  fence();
}

void replica::fence() {
  began_ = now_;
  for (auto& [name, p] : peers_) {
    p.promise.reset();
    p.sent = now_;
    send(name, fence_message{epoch_});
  }
}

void replica::on(const std::string& from, const fence_answer& x) {
  auto p = peers_.find(from);
  if (role_ != replica_role::fencing || x.epoch != epoch_ || p == peers_.end())
    return;
  p->second.promise = x;
  choose_log();
}

bool replica::promised_by_majority(const std::vector<std::string>& names) const {
  auto has = [&](const std::string& name) {
    auto p = peers_.find(name);
    return name == self_ || (p != peers_.end() && p->second.promise);
  };
  auto n = static_cast<std::size_t>(std::count_if(names.begin(), names.end(), has));
  return n > names.size() / 2;
}

void replica::choose_log() {
  if (durable_epoch_ < epoch_ || !promised_by_majority(view_.replicas))
    return;
  if (rules_.fence_previous_set && !view_.previous.empty() && !promised_by_majority(view_.previous))
    return;
  auto better = [&](const log_position& a, const log_position& b) {
    return rules_.adopt_newest_log ? a > b : a.lsn > b.lsn;
  };
  auto best = log_.last();
  auto from = std::string{};
  for (const auto& [name, p] : peers_)
    if (p.promise && better(p.promise->last, best)) {
      best = p.promise->last;
      from = name;
    }
  if (from.empty())
    return open_epoch();
  adoption_ = adoption{from, log_.last(), best.lsn, now_, now_};
  become(replica_role::adopting, "fetches the log of " + from);
  fetch();
}

void replica::fetch() {
  adoption_->asked = now_;
  send(adoption_->from, fetch_message{epoch_, adoption_->after, adoption_->until});
}

void replica::on(const std::string& from, const fetch_answer& x) {
  if (role_ != replica_role::adopting || x.epoch != epoch_ || from != adoption_->from ||
      x.after != adoption_->after)
    return;
  switch (x.result) {
  case fetch_result::trimmed:
    return; // its offer follows
  case fetch_result::mismatch: {
    auto lsn = std::max(std::min(x.lsn, x.after.lsn), log_.base().lsn);
    if (lsn >= x.after.lsn)
      return;
    adoption_->after = {*log_.epoch_at(lsn), lsn}; // a guess, until the other one agrees
    return fetch();
  }
  case fetch_result::records:
    if (!intact(x.records, x.after) || !take(x.records))
      return;
    if (!x.records.empty())
      adoption_->after = x.records.back().position();
    adoption_->progress = now_;
    if (adoption_->after.lsn >= adoption_->until)
      open_epoch();
    else if (!x.records.empty())
      fetch();
  }
}

/// The log is the newest of a majority: it goes on with this epoch.
void replica::open_epoch() {
  auto committed = committed_;
  for (const auto& [name, p] : peers_)
    if (p.promise)
      committed = std::max(committed, p.promise->committed);
  if (committed > log_.last().lsn) {
    out_.wants_view =
        view_wish{epoch_ + 1, "the newest log of a majority ends before what is committed"};
    return;
  }
  adoption_.reset();
  auto start = log_record{epoch_, log_.last().lsn + 1, record_kind::epoch_start, nullptr, 0};
  start.crc = options_.checksum(start);
  auto before = log_.last().lsn;
  write().records.push_back(start);
  log_.append(start, write().ticket);
  start_lsn_ = start.lsn;
  for (auto& [name, p] : peers_) {
    auto there = p.promise ? p.promise->last : log_position{epoch_, before};
    probe_from(p, log_.last_not_after(std::min(there.lsn, before), there.epoch) + 1);
  }
  became_opening();
  commit_to(committed);
  replicate_all();
}

void replica::became_opening() {
  become(replica_role::opening, "the log is complete");
  if (!rules_.epoch_start_before_serve)
    become(replica_role::serving, "at once");
}

void replica::tick_take_over() {
  if (role_ == replica_role::fencing) {
    for (auto& [name, p] : peers_)
      if (!p.promise && now_ - p.sent >= options_.resend_after) {
        p.sent = now_;
        send(name, fence_message{epoch_});
      }
    if (now_ - began_ >= options_.take_over_limit) {
      began_ = now_;
      out_.wants_view = view_wish{epoch_ + 1, "no majority answers the fence"};
    }
    return;
  }
  if (now_ - adoption_->progress >= options_.take_over_limit) {
    // Another majority, without this one, may do.
    adoption_.reset();
    become(replica_role::fencing, "the newest log cannot be fetched");
    fence();
  } else if (now_ - adoption_->asked >= options_.resend_after)
    fetch();
}

} // namespace shoal::cluster
