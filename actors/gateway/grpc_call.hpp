// gRPC unary calls as bytes and codes: what goes into the body of a request, and what an answer
// says. Pure. The table of codes is in README.md.
//
// A message is five bytes (0, length as 32 bits, big end first) and the protobuf; an answer has
// exactly one, uncompressed. Its status comes in the trailers, or in the head of an answer without
// body. A caller that speaks JSON gets its message converted by the API's types (`request`,
// `response`); one that sends protobuf gets it through.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"
#include "actors/gateway/registry.hpp"
#include "protocol/http/response_reader.hpp"
#include "protocol/mgw/transcoder.hpp"

namespace shoal::gateway {

/// The messages of a method, for callers that speak JSON. Null: not known.
struct grpc_types {
  const mgw::message_schema* request = nullptr;
  std::string request_message;
  const mgw::message_schema* response = nullptr;
  std::string response_message;
};

/// As the API names them; an answer that it does not name is the method's own.
grpc_types grpc_types_of(const world& in, const api_definition& api);

/// "/shop.Orders/Create".
std::string_view grpc_path(const api_definition& api);

/// The framed message of a call.
std::optional<mgw::failure> write_grpc_message(
    const call& x, const grpc_types& types, std::string& out);

/// A deadline as the header has it: "2998m".
std::string grpc_timeout(std::chrono::milliseconds left);

/// What the backend says.
answer answer_of_grpc(http::reply&& x, const call& from, const grpc_types& types);

/// Whether the answer speaks against the instance's health: not what it says about the call.
bool is_grpc_fault(const http::reply& x);

/// A health check (grpc.health.v1) of a service, "" for the whole server.
std::string grpc_health_request(std::string_view host, std::string_view service);
bool is_serving(const http::reply& x);

} // namespace shoal::gateway
