// The local backend "sync": a client that calls it appends an op to its own stream, so that the
// other devices of its user (or its own, later) hear of something without a business server.
//
//   POST /ORDER-READ, body ──> op of the biz ORDER-READ, payload = body ──> partition of the caller
//   {"id":7,"epoch":3,"repeated":false,"online":2} <──── when it is durable
//
// The biz is the last segment of the path, so the API's definition says which one it is, and the
// client only where that has a parameter. Whose stream it is says nobody: it is the caller's, as
// far as that is proven; a biz for users goes to the user, one for devices to the device, a global
// one to nobody. A device's name is proven by the app's device key only (local_backend.hpp): ops of
// a biz for devices may come from any install of the app. `Idempotency-Key`: up to 90 characters;
// kept apart from the keys of servers, so that no client can use one up.
//
// Spawned and watched by: the node. Bounded by the directory of local backends and by deadlines.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "actors/gateway/local_backend.hpp"
#include "actors/services.hpp"

namespace shoal::gateway {

/// Before a client's idempotency key: no server may use one that begins so, or a client could make
/// a server's op a repetition before it is sent.
inline constexpr std::string_view clients_key_prefix = "call:";

// -- rules (pure) --------------------------------------------------------------------------------

/// The op that a call asks for, or why there is none.
std::variant<append_item, local_answer> op_of(
    const local_request& x, const catalog& known, std::int64_t now_ms, std::uint32_t payload_max);

local_answer answer_of_append(const append_result& x);

// -- the actor -----------------------------------------------------------------------------------

using sync_backend_actor = append_client_actor::extend<
    // One call of a client.
    caf::reacts_to<atom::call, local_call>,
    // INTERNAL: hand in again what was moving, forget what nobody waits for.
    caf::reacts_to<atom::tick>>;

struct sync_backend_state {
  static inline const char* name = "sync backend";

  explicit sync_backend_state(sync_backend_actor::pointer me) : self{me} {}

  void serve(const local_call& x);
  void appended(const append_answer& x);
  void tick();

  struct waiting {
    local_call call;
    append_item item; ///< to hand in again
    bool moving = false;
  };

  sync_backend_actor::pointer self;
  services_ptr sv;
  std::unordered_map<std::uint64_t, waiting> calls; ///< by number
  std::uint64_t last = 0;
  bool ticking = false;

private:
  void hand_in(std::uint64_t number, waiting& x);
  std::int64_t now_us() const;
};

sync_backend_actor::behavior_type sync_backend(
    sync_backend_actor::stateful_pointer<sync_backend_state> self, services_ptr services);

} // namespace shoal::gateway
