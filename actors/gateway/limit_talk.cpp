#include "actors/gateway/limit_talk.hpp"

#include <cstring>

#include "protocol/cluster.pb.h"
#include "protocol/signing.hpp"

namespace shoal::gateway {
namespace {

namespace pb = wire::cluster;

std::uint64_t seed() {
  auto bytes = random_bytes(sizeof(std::uint64_t));
  auto out = std::uint64_t{0};
  std::memcpy(&out, bytes.data(), sizeof(out));
  return out;
}

} // namespace

limit_talk::limit_talk(limit_links links) : links_{std::move(links)}, exchange_{seed()} {}

void limit_talk::tick(limiter& limits) {
  auto others = links_.others();
  exchange_.set_others(others);
  auto mail = std::map<std::string, std::string>{};
  {
    auto guard = std::lock_guard{mutex_};
    mail.swap(mail_);
  }
  for (auto& [from, bytes] : mail)
    exchange_.heard(from, decode_usage(bytes));
  exchange_.tick(limits.take_busy());
  limits.set_share(exchange_.equal_part());
  limits.set_shares(exchange_.shares()); // less is held before others are told that they have more
  for (auto& name : others)
    if (auto report = exchange_.report_for(name); !report.empty())
      links_.tell(name, encode(report));
}

void limit_talk::heard(const std::string& from, std::string bytes) {
  auto guard = std::lock_guard{mutex_};
  mail_[from] = std::move(bytes);
}

std::string encode(const usage_report& x) {
  auto out = pb::Control{};
  auto* to = out.mutable_usage();
  for (auto& from : x) {
    auto* use = to->add_uses();
    use->set_key(from.key);
    use->set_entry(from.entry);
    use->set_yours(from.yours);
    use->set_demand(from.demand);
    use->set_share(from.share);
    use->set_given(from.given);
    use->set_received(from.received);
  }
  return out.SerializeAsString();
}

usage_report decode_usage(std::string_view bytes) {
  auto in = pb::Control{};
  auto out = usage_report{};
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !in.has_usage())
    return out;
  for (auto& x : in.usage().uses())
    out.push_back({x.key(), x.entry(), x.yours(), x.demand(), x.share(), x.given(), x.received()});
  return out;
}

} // namespace shoal::gateway
