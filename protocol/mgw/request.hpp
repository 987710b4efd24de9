// One call as a phone, an H5 page or a mini-program makes it: read out of `POST /mgw.htm`, checked
// field by field, before anything is looked up. README.md has the field table.
//
// Three spellings say the same thing: headers with the data as body; a form (fields of the body);
// a query (JSONP, GET). A field that comes twice must say the same twice. Nothing here is trusted
// yet: the signature is checked over `data` and `operation` exactly as they are here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/http/message.hpp"
#include "protocol/mgw/result.hpp"

namespace shoal::mgw {

struct call_limits {
  std::size_t data = 1u << 20; ///< bytes of requestData
  std::size_t operation = 255;
  std::size_t field = 128;      ///< any identifier
  std::size_t signature = 1024; ///< RSA-4096 in base64 takes 684
};

enum class data_format : std::uint8_t { json, protobuf, other };

struct call {
  std::string operation; ///< "com.example.user.get"
  std::string app, workspace;
  std::string data; ///< requestData, as received: encrypted if `encryption` is set
  data_format format = data_format::json;
  bool data_in_field = false; ///< of a form or query: bytes that are no text come in base64
  rpc_version version = rpc_version::v2;

  std::string product_id, product_version, channel, client_os;
  std::string user, device, session, uuid, track;

  std::string ts; ///< decimal Unix milliseconds, as text: it is part of what is signed
  std::string sign, sign_type, nonce;
  std::string encryption; ///< "RSA", "ECC", "SM2"; empty: plain
  std::string callback;   ///< JSONP; only a JavaScript name gets through
};

/// Why a call cannot go on. `memo` names the field, never its value.
struct failure {
  result code = result::malformed_request;
  std::string memo;
  friend bool operator==(const failure&, const failure&) = default;
};

/// Reads the call; takes the body out of `from` when it is the data, leaves everything else of it.
/// On failure `into` holds what was read so far (for the log) and must not be carried out.
std::optional<failure> read_call(http::request& from, const call_limits& limits, call& into);

/// Only what headers say (version, identity, signature), for calls by method and path; operation,
/// app and data are the caller's to fill in.
std::optional<failure> read_call_headers(
    const http::request& from, const call_limits& limits, call& into);

/// Puts one field, named as in a form, into a call. An empty value counts as absent; a name that is
/// no field of a call is a failure.
std::optional<failure> put_field(
    std::string_view name, std::string_view value, const call_limits& limits, call& into);

/// "_requestBody" of requestData `[{"_requestBody": …, "a parameter": …}]`, as its own text; the
/// whole data if it has another shape. The data must be a JSON array.
std::optional<std::string_view> request_body(std::string_view request_data);

} // namespace shoal::mgw
