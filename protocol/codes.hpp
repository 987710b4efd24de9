// Every way in which something can be refused or ended, for devices and for API callers.
//
// Numbers are written by hand and never renumbered; the thousands say what the other side should do
// (`disposition`). Names are the stable `code` of the API's problem documents. protocol/README.md
// has the same table for client authors.
#pragma once

#include <cstdint>
#include <string_view>

namespace shoal {

enum class ec : std::uint16_t {
  none = 0,

  // 1xxx: connect (or call) again at once, after the small correction that the name tells.
  heartbeat_missed = 1000, // nothing heard for 1.5 heartbeats
  slow_consumer = 1001,    // the device does not read what it was sent
  ack_missed = 1002,       // delivered ops stayed unacknowledged for too long
  clock_skew = 1003, // timestamp outside the window: correct the clock with the given server time
  nonce_replayed = 1004,    // nonces are used once: sign again with a new one
  session_lost = 1005,      // the server-side session ended unexpectedly
  handshake_timeout = 1006, // no complete first message in time

  // 2xxx: the same again, but later (`retry_after_ms`, with jitter).
  going_away = 2000, // this node stops
  overloaded = 2001, // a bounded queue is full
  too_many_connections = 2002,
  storage_full = 2003, // no space to write; reads go on
  storage_failed = 2004,
  outcome_unknown = 2005,      // no answer in time; repeat with the same idempotency key
  verifier_unavailable = 2006, // the tenant's session validation did not answer
  moving = 2007,               // the data is on its way to another node; nothing was stored

  // 3xxx: reload state, then go on.
  stale_binding = 3000, // the message belongs to a user who is no longer bound
  bad_position = 3001,  // acknowledged something that was never delivered

  // 4xxx: repeating the same cannot work.
  bad_frame = 4000,
  frame_too_large = 4001,
  unexpected_message = 4002, // for instance anything before Hello
  unsupported_version = 4003,
  bad_message = 4004,
  bad_signature = 4010,
  unknown_key = 4011,
  forbidden = 4012, // the key's role does not allow this
  bad_token = 4013,
  token_expired = 4014,
  replaced = 4020,  // a newer connection of the same device id took over
  kicked = 4021,    // by an operator
  not_bound = 4030, // the biz is for users and the connection has none
  unknown_biz = 4031,
  biz_offline = 4032,
  wrong_target = 4033,      // the biz is not for this kind of principal
  user_not_verified = 4034, // the biz demands a verified session
  too_many_subscriptions = 4035,
  invalid_argument = 4040,
  not_found = 4041,
  already_exists = 4042,
  target_offline = 4045, // `check_online` was asked for and nobody listens
  payload_too_large = 4043,
  method_not_allowed = 4044,
  quarantined = 4050, // the stream's stored data is damaged; an operator must look
};

enum class disposition : std::uint8_t { retry_now, retry_later, resync, give_up };

constexpr disposition disposition_of(ec code) {
  switch (static_cast<std::uint16_t>(code) / 1000) {
  case 1:
    return disposition::retry_now;
  case 2:
    return disposition::retry_later;
  case 3:
    return disposition::resync;
  default:
    return disposition::give_up;
  }
}

/// "clock_skew"; "unknown" for a number of a newer peer.
std::string_view to_string(ec code);

/// The HTTP status that the API answers with.
int http_status(ec code);

} // namespace shoal
