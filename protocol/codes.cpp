#include "protocol/codes.hpp"

namespace shoal {

std::string_view to_string(ec code) {
  switch (code) {
#define SHOAL_NAME(x)                                                                              \
  case ec::x:                                                                                      \
    return #x;
    SHOAL_NAME(none)
    SHOAL_NAME(heartbeat_missed)
    SHOAL_NAME(slow_consumer)
    SHOAL_NAME(ack_missed)
    SHOAL_NAME(clock_skew)
    SHOAL_NAME(nonce_replayed)
    SHOAL_NAME(session_lost)
    SHOAL_NAME(handshake_timeout)
    SHOAL_NAME(going_away)
    SHOAL_NAME(overloaded)
    SHOAL_NAME(too_many_connections)
    SHOAL_NAME(storage_full)
    SHOAL_NAME(storage_failed)
    SHOAL_NAME(outcome_unknown)
    SHOAL_NAME(verifier_unavailable)
    SHOAL_NAME(moving)
    SHOAL_NAME(stale_binding)
    SHOAL_NAME(bad_position)
    SHOAL_NAME(bad_frame)
    SHOAL_NAME(frame_too_large)
    SHOAL_NAME(unexpected_message)
    SHOAL_NAME(unsupported_version)
    SHOAL_NAME(bad_message)
    SHOAL_NAME(bad_signature)
    SHOAL_NAME(unknown_key)
    SHOAL_NAME(forbidden)
    SHOAL_NAME(bad_token)
    SHOAL_NAME(token_expired)
    SHOAL_NAME(replaced)
    SHOAL_NAME(kicked)
    SHOAL_NAME(not_bound)
    SHOAL_NAME(unknown_biz)
    SHOAL_NAME(biz_offline)
    SHOAL_NAME(wrong_target)
    SHOAL_NAME(user_not_verified)
    SHOAL_NAME(too_many_subscriptions)
    SHOAL_NAME(invalid_argument)
    SHOAL_NAME(not_found)
    SHOAL_NAME(already_exists)
    SHOAL_NAME(target_offline)
    SHOAL_NAME(payload_too_large)
    SHOAL_NAME(method_not_allowed)
    SHOAL_NAME(quarantined)
#undef SHOAL_NAME
  }
  return "unknown";
}

int http_status(ec code) {
  switch (code) {
  case ec::none:
    return 200;
  case ec::clock_skew:
  case ec::nonce_replayed:
  case ec::bad_signature:
  case ec::unknown_key:
  case ec::bad_token:
  case ec::token_expired:
    return 401;
  case ec::forbidden:
    return 403;
  case ec::not_found:
  case ec::unknown_biz:
    return 404;
  case ec::method_not_allowed:
    return 405;
  case ec::already_exists:
  case ec::target_offline:
  case ec::biz_offline:
    return 409;
  case ec::payload_too_large:
    return 413;
  case ec::overloaded:
    return 429;
  case ec::storage_full:
    return 507;
  case ec::going_away:
  case ec::storage_failed:
  case ec::too_many_connections:
  case ec::verifier_unavailable:
  case ec::moving:
    return 503;
  case ec::outcome_unknown:
    return 504;
  case ec::session_lost:
  case ec::quarantined:
    return 500;
  default:
    return 400;
  }
}

} // namespace shoal
