// Who is calling, as an API of the business says it: before a call that wants this, the authorizing
// API gets the caller's identity (headers or cookies), and what it answers about the caller goes to
// the backend as headers. Pure; answers are kept for a while, if the rule allows.
//
// The question is a POST of {"operationType":…,"context":{name: value, …}}. The answer is
// {"authorized":true,"principal":{name: text, …}}; anything else refuses: 2000 if it has
// "resultStatus":2000 (log in again), else 1005.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

using identity = std::vector<std::pair<std::string, std::string>>; ///< in the rule's order

/// Nothing if one of the sources is missing in the call.
std::optional<identity> identity_of(const authorizer_rule& rule, const header_list& headers);

/// The value of a cookie; empty if there is none.
std::string_view cookie_of(const header_list& headers, std::string_view name);

call question_of(const authorizer_rule& rule, const call& about, const identity& who);

struct verdict {
  mgw::result code = mgw::result::unauthorized;
  header_list principal;
};
verdict verdict_of(const mgw::answer& x);

/// Who is calling as far as it is proven: `UserId` and `Did` of what an authorizer says, else the
/// device connection's; empty over HTTP, whatever the client claims. A connection's device has
/// shown the app's device key and not that it is this device (local_backend.hpp).
std::string proven_user(const call& x, const header_list& principal);
std::string proven_device(const call& x, const header_list& principal);

/// A hash of rule and identity: tokens are not kept longer than the call.
std::string authorizer_key(const authorizer_rule& rule, app_no in, const identity& who);

/// Principals of one I/O loop. Bounded; when it is full, what has expired goes, else everything.
class principal_cache {
public:
  explicit principal_cache(std::size_t capacity = 100'000) : capacity_{capacity} {}

  const header_list* find(const std::string& key, std::int64_t now_ms) const;
  void keep(const std::string& key, const authorizer_rule& rule, const header_list& principal,
      std::int64_t now_ms);
  std::size_t size() const { return known_.size(); }

private:
  struct entry {
    header_list principal;
    std::int64_t until_ms = 0;
  };
  std::size_t capacity_;
  std::unordered_map<std::string, entry> known_;
};

} // namespace shoal::gateway
