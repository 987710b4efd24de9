// Answers of backends, kept for a while, on one I/O loop. Pure; time is passed in.
//
//   now ──ttl──> fresh ──stale──> served as it is, while one caller refreshes it ──> gone
//
// Bounded by bytes; what was used longest ago goes first. Only successes are kept, and none that
// sets cookies.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

class response_cache {
public:
  explicit response_cache(std::size_t capacity = 64u << 20) : capacity_{capacity} {}

  enum class outcome : std::uint8_t {
    miss,
    hit,
    refresh ///< serve it, and ask the backend again
  };
  struct found {
    outcome what = outcome::miss;
    std::shared_ptr<const answer> kept;
  };
  found find(const std::string& key, const cache_rule& by, std::int64_t now_ms);

  /// Keeps it if the rule allows.
  void keep(const std::string& key, const cache_rule& by, const answer& x, std::int64_t now_ms);

  std::size_t bytes() const { return bytes_; }
  std::size_t size() const { return entries_.size(); }

private:
  struct entry {
    std::string key;
    std::shared_ptr<const answer> kept;
    std::size_t bytes = 0;
    std::int64_t made_ms = 0;
    std::int64_t refreshed_ms = 0; ///< when somebody last set out to refresh it
  };
  using place = std::list<entry>::iterator;

  void drop(place x);

  std::size_t capacity_;
  std::size_t bytes_ = 0;
  std::list<entry> entries_; // used last, first
  std::unordered_map<std::string, place> by_key_;
};

/// What tells answers of one API apart: its version, and the parts that the rule names ("body",
/// "user", "device", "query", "query.<name>", "header.<name>"); the whole call if it names none.
/// Where `principal` (what the API's authorizer said of the caller) has a word on one of them, it
/// counts, as it does for the backend, and not the client's claim.
std::string cache_key(const call& x, const api_definition& of, const header_list& principal = {});

} // namespace shoal::gateway
