#include "actors/gateway/share_exchange.hpp"

#include <algorithm>
#include <cmath>

namespace shoal::gateway {
namespace {

/// A peer that says nothing about a rule for so long does not use it.
constexpr unsigned silent_ticks = 4;

/// Smoothed demand below this is none.
constexpr double no_demand = 0.01;

constexpr double most_demand = 1e12;

/// Without demand nothing is lost by moving little.
constexpr double least_idle_gift = 1e-4;

bool plausible(const usage_entry& x) {
  auto sum = [](double y) { return std::isfinite(y) && y >= 0 && y < most_demand; };
  return x.entry != 0 && sum(x.demand) && sum(x.given) && sum(x.received) &&
         std::isfinite(x.share) && std::abs(x.share) <= 16;
}

} // namespace

void share_exchange::set_others(const std::set<std::string>& names) {
  if (names == peers_)
    return;
  peers_ = names;
  rules_.clear();
}

share_exchange::rule* share_exchange::find_or_make(std::uint64_t key) {
  auto found = rules_.find(key);
  if (found != rules_.end())
    return &found->second;
  if (rules_.size() >= opt_.max_rules)
    return nullptr;
  auto& made = rules_[key];
  made.entry = number();
  for (auto& name : peers_)
    made.peers[name];
  return &made;
}

void share_exchange::tick(usage asked) {
  if (peers_.empty())
    return;
  std::ranges::sort(asked, [](auto& a, auto& b) { return a.second > b.second; });
  auto count = std::unordered_map<std::uint64_t, double>{};
  for (auto& [key, n] : asked)
    if (find_or_make(key))
      count[key] += static_cast<double>(n);
  for (auto& [key, x] : rules_) {
    auto found = count.find(key);
    auto now = found == count.end() ? 0.0 : found->second;
    x.demand += opt_.smoothing * (now - x.demand);
    if (x.demand < no_demand)
      x.demand = 0;
    for (auto& [name, peer] : x.peers)
      if (++peer.silent > silent_ticks)
        peer.demand = 0;
    x.idle = demand_of_all(x) > 0 ? 0 : x.idle + 1;
    give(x);
  }
  std::erase_if(rules_, [&](auto& x) { return x.second.idle > opt_.idle_ticks; });
}

double share_exchange::demand_of_all(const rule& x) const {
  auto out = x.demand;
  for (auto& [name, peer] : x.peers)
    out += peer.demand;
  return out;
}

/// Nobody asks: equal parts, so that whoever asks next is served at once.
double share_exchange::wanted(double demand, double all) const {
  auto equal = equal_part();
  return all <= 0 ? equal : opt_.floor * equal + (1 - opt_.floor) * demand / all;
}

/// What is beyond the own need goes to those who need it, in the proportion of their needs.
void share_exchange::give(rule& x) {
  auto all = demand_of_all(x);
  auto spare = balance_of(x) - wanted(x.demand, all);
  if (spare < (all > 0 ? opt_.least_gift * equal_part() : least_idle_gift))
    return;
  auto lack_of = [&](const with_peer& peer) {
    auto on_its_way = peer.given - peer.arrived;
    return peer.entry == 0 ? 0.0 : wanted(peer.demand, all) - peer.share - on_its_way;
  };
  auto needs = 0.0, spares = spare; // others give to the same
  for (auto& [name, peer] : x.peers) {
    auto lack = lack_of(peer);
    lack > 0 ? needs += lack : spares -= lack;
  }
  if (needs <= 0)
    return;
  auto part = spare / std::max(needs, spares);
  for (auto& [name, peer] : x.peers)
    peer.given += part * std::max(0.0, lack_of(peer));
}

void share_exchange::heard(const std::string& from, const usage_report& said) {
  if (!peers_.contains(from))
    return;
  auto left = opt_.max_rules;
  for (auto& said_of : said) {
    if (left == 0)
      return;
    --left;
    // What nobody asks for is not begun again here, or it would never be forgotten.
    auto wanted_here = said_of.demand >= no_demand || rules_.contains(said_of.key);
    auto* x = wanted_here && plausible(said_of) ? find_or_make(said_of.key) : nullptr;
    if (!x)
      continue;
    auto& peer = x->peers[from];
    if (peer.entry != said_of.entry)
      peer = with_peer{said_of.entry}; // it has begun again, and so nothing was exchanged
    peer.silent = 0;
    peer.demand = said_of.demand < no_demand ? 0 : said_of.demand;
    peer.share = said_of.share;
    if (said_of.yours != x->entry)
      continue;
    peer.received = std::max(peer.received, said_of.given);
    peer.arrived = std::clamp(said_of.received, peer.arrived, peer.given);
  }
}

usage_report share_exchange::report_for(const std::string& to) const {
  auto out = usage_report{};
  for (auto& [key, x] : rules_)
    if (auto found = x.peers.find(to); found != x.peers.end())
      out.push_back({key, x.entry, found->second.entry, x.demand, balance_of(x),
          found->second.given, found->second.received});
  return out;
}

double share_exchange::balance_of(const rule& x) const {
  auto out = equal_part();
  for (auto& [name, peer] : x.peers)
    out += peer.received - peer.given;
  return out;
}

double share_exchange::share_of(std::uint64_t key) const {
  auto found = rules_.find(key);
  return found == rules_.end() ? equal_part() : std::clamp(balance_of(found->second), 0.0, 1.0);
}

std::vector<std::pair<std::uint64_t, double>> share_exchange::shares() const {
  auto out = std::vector<std::pair<std::uint64_t, double>>{};
  out.reserve(rules_.size());
  for (auto& [key, x] : rules_)
    out.emplace_back(key, std::clamp(balance_of(x), 0.0, 1.0));
  return out;
}

std::uint64_t share_exchange::number() {
  random_ += 0x9e3779b97f4a7c15ull;
  auto x = random_;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return (x ^ (x >> 31)) | 1;
}

} // namespace shoal::gateway
