#include <algorithm>

#include "cluster/replica.hpp"

namespace shoal::cluster {

using step = checkpoint_step::kind;

// -- the one that has it --------------------------------------------------------------------------

void replica::offer_checkpoint(const std::string& to) {
  auto [i, is_new] = outbound_.try_emplace(to);
  auto& x = i->second;
  if (is_new) {
    x.id = next_checkpoint_++;
    x.asked = x.sent = now_;
    out_.checkpoint.push_back({step::open, x.id, to, {}, 0, false, nullptr});
  } else if (x.position && now_ - x.asked >= options_.resend_after &&
             now_ - x.sent >= options_.resend_after) {
    x.sent = now_;
    send(to, checkpoint_offer{epoch_, *x.position});
  }
}

void replica::close_checkpoint(const std::string& to) {
  auto i = outbound_.find(to);
  if (i == outbound_.end())
    return;
  out_.checkpoint.push_back({step::close, i->second.id, to, {}, 0, false, nullptr});
  outbound_.erase(i);
}

std::map<std::string, replica::outbound>::iterator replica::outbound_of(std::uint64_t id) {
  return std::find_if(
      outbound_.begin(), outbound_.end(), [&](const auto& x) { return x.second.id == id; });
}

decisions replica::checkpoint_opened(std::uint64_t id, const log_position& position, instant now) {
  advance(now);
  auto i = outbound_of(id);
  if (i != outbound_.end() && !i->second.position) {
    i->second.position = position;
    i->second.asked = i->second.sent = now_;
    send(i->first, checkpoint_offer{epoch_, position});
  }
  return finish();
}

void replica::on(const std::string& from, const checkpoint_ask& x) {
  if (refuse_old(from, x.epoch))
    return;
  auto i = outbound_.find(from);
  if (i == outbound_.end() || x.epoch != epoch_ || i->second.position != x.position ||
      i->second.reading == x.chunk)
    return;
  i->second.asked = now_;
  i->second.reading = x.chunk;
  out_.checkpoint.push_back({step::read, i->second.id, from, x.position, x.chunk, false, nullptr});
}

decisions replica::chunk_read(std::uint64_t id, std::uint64_t chunk,
    std::shared_ptr<const std::string> data, bool is_last, instant now) {
  advance(now);
  auto i = outbound_of(id);
  if (i != outbound_.end() && i->second.reading == chunk) {
    i->second.reading.reset();
    send(i->first, checkpoint_chunk{epoch_, *i->second.position, chunk, is_last, std::move(data)});
  }
  return finish();
}

// -- the one that needs it ------------------------------------------------------------------------

void replica::on(const std::string& from, const checkpoint_offer& x) {
  if (refuse_old(from, x.epoch) || x.epoch < rejoin_)
    return;
  if (x.epoch > epoch_)
    promise(x.epoch);
  auto adopting = role_ == replica_role::adopting && from == adoption_->from;
  if ((leading() && !adopting) || covers(x.position))
    return;
  if (inbound_ && inbound_->from == from && inbound_->position == x.position)
    return; // asked again in time
  if (inbound_ && inbound_->install_ticket != 0)
    return;
  if (inbound_)
    drop_inbound();
  inbound_ = inbound{next_checkpoint_++, from, epoch_, x.position, 0, false, false, 0, now_, now_};
  out_.checkpoint.push_back({step::begin, inbound_->id, from, x.position, 0, false, nullptr});
  ask_chunk();
}

/// Whether the log goes on from there. Then nothing of it may be given up for a checkpoint: it may
/// hold records that others count on.
bool replica::covers(const log_position& x) const { return x.lsn <= committed_ || log_.holds(x); }

void replica::ask_chunk() {
  inbound_->asked = now_;
  send(inbound_->from, checkpoint_ask{inbound_->epoch, inbound_->position, inbound_->next});
}

void replica::on(const std::string& from, const checkpoint_chunk& x) {
  if (refuse_old(from, x.epoch))
    return;
  if (!inbound_ || inbound_->from != from || inbound_->position != x.position ||
      inbound_->next != x.chunk || inbound_->writing || inbound_->install_ticket != 0 || !x.data)
    return;
  inbound_->writing = true;
  inbound_->is_last = x.is_last;
  inbound_->progress = now_;
  out_.checkpoint.push_back(
      {step::write, inbound_->id, from, x.position, x.chunk, x.is_last, x.data});
}

decisions replica::chunk_written(std::uint64_t id, std::uint64_t chunk, instant now) {
  advance(now);
  if (inbound_ && inbound_->id == id && inbound_->writing && inbound_->next == chunk) {
    inbound_->writing = false;
    ++inbound_->next;
    inbound_->progress = now_;
    if (inbound_->is_last)
      install();
    else
      ask_chunk();
  }
  return finish();
}

void replica::install() {
  auto position = inbound_->position;
  if (covers(position))
    return drop_inbound();
  auto& w = write();
  w.install = position;
  w.install_id = inbound_->id;
  log_.restart_at(position, w.ticket);
  restart_ticket_ = inbound_->install_ticket = w.ticket;
  committed_ = handed_out_ = applied_ = position.lsn;
  matched_ = std::max(matched_, position.lsn);
  applying_.clear();
  applying_bytes_ = 0;
  out_.committed = position.lsn;
}

void replica::installed() {
  auto from = inbound_->from;
  inbound_.reset();
  if (role_ == replica_role::adopting) {
    adoption_->after = log_.last();
    adoption_->progress = now_;
    fetch();
  } else if (!leading() && from == leader_ && !waiting_append_)
    waiting_append_ = waiting_append{from, instant{}};
}

void replica::drop_inbound() {
  out_.checkpoint.push_back(
      {step::close, inbound_->id, inbound_->from, inbound_->position, 0, false, nullptr});
  inbound_.reset();
}

void replica::tick_checkpoints() {
  for (auto i = outbound_.begin(); i != outbound_.end();) {
    auto name = i->first;
    auto silent = now_ - i->second.asked >= options_.checkpoint_limit;
    ++i;
    if (silent)
      close_checkpoint(name);
  }
  if (!inbound_ || inbound_->install_ticket != 0)
    return;
  if (now_ - inbound_->progress >= options_.checkpoint_limit)
    drop_inbound();
  else if (!inbound_->writing && now_ - inbound_->asked >= options_.resend_after)
    ask_chunk();
}

} // namespace shoal::cluster
