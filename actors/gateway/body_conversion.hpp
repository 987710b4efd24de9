// Between a client that speaks JSON and a backend that speaks protobuf, or the other way round: by
// the message types that the API names (`request.message`, `response.message`). Pure.
//
// The backend's format is `backend.content_type`; an API without it, or without messages, passes
// bodies as they are. The client's format is its Content-Type; what it wants back is what
// Accept prefers of both, else what it sent. Answers that are no success pass as they are.
// Bounded by the transcoder: sizes on both sides, nesting.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/gateway/call.hpp"
#include "actors/gateway/registry.hpp"

namespace shoal::gateway {

class body_conversion {
public:
  body_conversion() = default;

  /// Which formats meet. `in` and `api` must stay.
  body_conversion(const call& x, const api_definition& api, const world& in);

  /// Something may have to be converted. Otherwise nothing below changes anything.
  explicit operator bool() const { return backend_ != mgw::data_format::other; }

  /// A protobuf body for a backend that reads JSON becomes requestData in JSON, and Accept names
  /// what the backend speaks. 3002 if the body is not the message.
  std::optional<mgw::failure> prepare(call& x) const;

  /// The body as the backend gets it, from JSON; `made` holds it if it is new.
  std::optional<mgw::failure> write_body(std::string_view& body, std::string& made) const;

  /// The answer in the format that the client wants; 4002 if the backend's is not the message.
  void read_answer(answer& x) const;

private:
  const api_definition* api_ = nullptr;
  const mgw::message_schema* request_ = nullptr;
  const mgw::message_schema* response_ = nullptr;
  mgw::data_format client_ = mgw::data_format::other;
  mgw::data_format wanted_ = mgw::data_format::other;
  mgw::data_format backend_ = mgw::data_format::other;
};

} // namespace shoal::gateway
