// What nodes say to each other about limits: the share exchange (the rules) between this node's
// limiter and the links to the others. Ticked by the gateway's supervisor; `heard` may be called by
// any thread. Bounded: of each other node only what it said last is kept, because that says it all.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "actors/gateway/limiter.hpp"
#include "actors/gateway/share_exchange.hpp"

namespace shoal::gateway {

struct limit_links {
  /// Other nodes that carry calls now.
  std::function<std::set<std::string>()> others;
  /// Sends bytes to one of them; they may get lost.
  std::function<void(const std::string& to, std::string bytes)> tell;
};

class limit_talk {
public:
  explicit limit_talk(limit_links links);

  /// Four times a second, by one thread.
  void tick(limiter& limits);

  /// A control frame of another node with LimitUsage in it.
  void heard(const std::string& from, std::string bytes);

  /// Rules that have shares of their own now.
  std::size_t rules() const { return exchange_.size(); }

private:
  limit_links links_;
  share_exchange exchange_;
  std::mutex mutex_;
  std::map<std::string, std::string> mail_; // guarded by mutex_
};

/// LimitUsage of protocol/cluster.proto as a control frame.
std::string encode(const usage_report& x);
/// Empty if it is none.
usage_report decode_usage(std::string_view bytes);

} // namespace shoal::gateway
