#include "cluster/liveness.hpp"

#include <algorithm>

namespace shoal::cluster {

namespace {

bool has(const std::vector<std::string>& xs, std::string_view x) {
  return std::find(xs.begin(), xs.end(), x) != xs.end();
}

} // namespace

void liveness::know(const std::vector<node_info>& nodes) {
  auto next = decltype(members_){};
  for (const auto& node : nodes) {
    if (node.state == node_state::removed)
      continue;
    auto i = members_.find(node.name);
    auto x = i == members_.end() ? member{} : i->second;
    // It started again, and said so: what was held against it was about its earlier life.
    if (x.down && !node.down)
      x = {};
    x.down = node.down;
    x.dead = x.dead || node.down;
    next.emplace(node.name, x);
  }
  members_ = std::move(next);
  std::erase_if(voices_, [this](const auto& x) { return !members_.contains(x.first); });
}

void liveness::reported(const std::string& from, const std::vector<std::string>& reaches,
    instant now, const std::vector<std::string>& refused_by) {
  if (members_.contains(from))
    voices_.insert_or_assign(from, voice{reaches, refused_by, now});
}

std::size_t liveness::counted() const {
  return static_cast<std::size_t>(std::count_if(
      members_.begin(), members_.end(), [](const auto& x) { return !x.second.down; }));
}

std::size_t liveness::witnesses(std::string_view of, bool reaching, instant now) const {
  auto out = std::size_t{0};
  for (const auto& [name, said] : voices_) {
    if (name == of || members_.at(name).down || !is_fresh(said, now))
      continue;
    out += has(said.reaches, of) == reaching ? 1 : 0;
  }
  return out;
}

std::size_t liveness::refused_by(std::string_view name, instant now) const {
  return static_cast<std::size_t>(std::count_if(voices_.begin(), voices_.end(), [&](auto& x) {
    auto& [from, said] = x;
    return from != name && !members_.at(from).down && is_fresh(said, now) &&
           !has(said.reaches, name) && has(said.refused_by, name);
  }));
}

void liveness::look(instant now) {
  const auto all = counted();
  for (auto& [name, x] : members_) {
    if (x.dead) {
      // To come back it needs most of the others, however long it was away.
      auto others = all - (x.down ? 0 : 1);
      x.dead = witnesses(name, true, now) * 2 <= others;
      x.doubted = x.refuses = false;
      continue;
    }
    auto doubted = witnesses(name, false, now) * 2 > all;
    if (doubted && !x.doubted)
      x.since = now;
    x.doubted = doubted;
    auto refuses = refused_by(name, now) * 2 > all;
    if (refuses && !x.refuses)
      x.refuses_since = now;
    x.refuses = refuses;
    x.dead = (doubted && now - x.since >= takeover_) ||
             (refuses && now - x.refuses_since >= takeover_ / 10);
  }
}

bool liveness::has_quorum(instant now) const {
  auto fresh = std::count_if(voices_.begin(), voices_.end(),
      [&](const auto& x) { return !members_.at(x.first).down && is_fresh(x.second, now); });
  return static_cast<std::size_t>(fresh) * 2 > counted();
}

bool liveness::doubts_anybody() const {
  return std::any_of(
      members_.begin(), members_.end(), [](const auto& x) { return x.second.doubted; });
}

bool liveness::is_dead(std::string_view name) const {
  auto i = members_.find(name);
  return i == members_.end() || i->second.dead;
}

} // namespace shoal::cluster
