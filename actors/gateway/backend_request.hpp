// A call as its backend gets it, as bytes. Pure: definitions, call and a few values in, HTTP/1.1
// out.
//
// Method: the definition's for the backend, else the API's, else POST; a REST call's own. Path: the
// group's prefix, then the definition's for the backend, else the API's, else a REST call's own;
// "{name}" is filled in from the call, and is a parameter whether it is defined or not. Parameters
// of the definition that are not for the body are taken out of the first argument and put where
// they belong; without them the body is the argument itself. A REST call's query and body pass as
// they are.
//
// gRPC: a POST of the one message to the path, with the call's deadline (grpc_call.hpp).
//
// An actor of this node gets the same as a struct (local_backend.hpp): headers without what the
// gateway says of the call, which has fields of its own; who is calling only as far as it is
// proven.
//
// Of the client's headers everything passes but what belongs to the connection or to the gateway
// (signature, encryption, host, lengths); what the gateway knows better is written anew
// (X-Forwarded-For, traceparent, app, user). Then the API's rules, then the group's signature.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "actors/gateway/body_conversion.hpp"
#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"
#include "actors/gateway/grpc_call.hpp"
#include "actors/gateway/registry.hpp"

namespace shoal::gateway {

struct local_request;

struct backend_wish {
  const api_definition& api;
  const live_group& group;
  std::string_view host;             ///< for the Host header, unless the group names one
  std::string_view traceparent;      ///< empty: none is sent
  const header_list& principal;      ///< what the authorizer says of the caller
  std::chrono::milliseconds left{0}; ///< until the call's deadline
  const grpc_types* types = nullptr; ///< if the group's kind is gRPC
  const body_conversion* conversion = nullptr;
};

struct backend_bytes {
  std::string bytes;
  bool is_head = false;
  bool idempotent = false; ///< by its method: may be sent twice
};

/// Nothing in `into` is valid after a failure.
std::optional<mgw::failure> write_backend_request(
    const call& x, const backend_wish& wish, backend_bytes& into);

/// All but the deadline and the app's number.
std::optional<mgw::failure> write_local_request(
    const call& x, const backend_wish& wish, local_request& into);

} // namespace shoal::gateway
