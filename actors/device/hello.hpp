// Checks a Hello: is it well formed, fresh, signed by a key we know, and never seen before? Pure
// but for the nonce cache.
#pragma once

#include <string>

#include "actors/catalog/catalog.hpp"
#include "actors/messages.hpp"
#include "protocol/codes.hpp"
#include "protocol/nonce_cache.hpp"

namespace shoal::wire {
class Hello;
}

namespace shoal {

struct hello_verdict {
  ec code = ec::none;
  std::string why; ///< for people: which field
};

/// On `none`, `out` holds the device's facts (not its session, peer or time). Unknown key, disabled
/// key and wrong signature are the same `bad_signature` with the same words, and cost the same
/// time.
hello_verdict check_hello(const wire::Hello& hello, const catalog& known, nonce_cache& nonces,
    std::int64_t now_ms, device_info& out);

} // namespace shoal
