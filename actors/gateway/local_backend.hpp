// What an actor of this node has to speak to be a backend: groups of kind `local` call it by its
// name in the node's directory (local_backends.hpp). sync_backend.cpp is one.
//
//   I/O loop: flow ──local_call{request, answer}──> actor
//                <──────── answer(local_answer) ──────┘   from any thread, now or later
//
// The actor answers each call once, through the call itself: there is no reply message, so it may
// keep the call, hand it on, or answer from another thread. A call that nobody can answer any more
// (its last copy is gone, because the actor dropped it or died with it) has failed, at once: 4002.
// An answer that comes after the deadline, or for a call that was given up, goes to nobody.
//
// An actor that blocks holds up a thread of the node: what waits for disks or strangers belongs on
// one that is detached.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "actors/gateway/call.hpp"
#include "actors/type_ids.hpp"

namespace shoal::gateway {

/// One call, as an HTTP backend would get it: parameters, conversion and header rules of its API
/// are applied. Shared and never changed.
struct local_request {
  std::string operation;      ///< "com.shop.get"
  std::string app, workspace; ///< "shop", "test"
  app_no number{};            ///< of both, in the catalog
  std::string method, path, query;
  std::string content_type, body;
  header_list headers; ///< of the client and of the API's rules: claims, nothing is proven
  /// Who is calling: as the API's authorizer says it (`UserId` and `Did` of the principal), else of
  /// the device connection; empty over HTTP, whatever the client claims. A connection's user has
  /// shown a token of his own. Its device has shown no more than the app's device key, which every
  /// install has: that it is this app is proven, that it is this device is its word. So no secret
  /// of one device may depend on `device` unless an authorizer has said it.
  std::string user, device;
  header_list principal; ///< all that the authorizer says of the caller
  std::string ip;        ///< of the client
  std::string traceparent;
  std::int64_t deadline_us = 0; ///< by steady_us(): later nobody waits for the answer
};
using local_request_ptr = std::shared_ptr<const local_request>;

/// `code`: success; a code of one's own, 6001 to 6999; or one of the gateway's that says it best,
/// as malformed_request or not_logged_in. 4xxx and 5xxx count as a failure of the backend.
struct local_answer {
  mgw::result code = mgw::result::success;
  std::string body = {};
  std::string content_type = "application/json";
  std::string tips = {};    ///< for people
  std::string memo = {};    ///< for developers
  int status = 0;           ///< of HTTP, for calls by path; 0: what goes with the code
  header_list headers = {}; ///< more of them
};

inline local_answer local_failure(mgw::result code, std::string memo) {
  auto out = local_answer{};
  out.code = code;
  out.memo = std::move(memo);
  return out;
}

/// The way back of one call. A value: all copies are one. The first answer counts.
class local_promise {
public:
  using deliver = std::function<void(local_answer&&)>;

  local_promise() = default;
  /// `to` is called exactly once, from the thread that answers or drops the last copy.
  explicit local_promise(deliver to) : kept_{std::make_shared<state>(std::move(to))} {}

  void operator()(local_answer x) const {
    if (kept_)
      kept_->answer(std::move(x));
  }

private:
  struct state {
    explicit state(deliver x) : to{std::move(x)} {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
      answer(local_failure(mgw::result::backend_failed, "the backend ended without an answer"));
    }

    void answer(local_answer&& x) {
      if (!answered.exchange(true))
        std::exchange(to, nullptr)(std::move(x));
    }

    std::atomic<bool> answered{false};
    deliver to;
  };

  std::shared_ptr<state> kept_;
};

struct local_call {
  local_request_ptr request;
  local_promise answer;
};

using local_backend_actor = caf::typed_actor<
    // One call of a client; answered through itself.
    caf::reacts_to<atom::call, local_call>>;

} // namespace shoal::gateway

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::gateway::local_call)

// The numbers only have to differ from those of the other blocks.
CAF_BEGIN_TYPE_ID_BLOCK(shoal_gateway, caf::first_custom_type_id + 240)
CAF_ADD_TYPE_ID(shoal_gateway, (shoal::gateway::local_call))
CAF_END_TYPE_ID_BLOCK(shoal_gateway)
