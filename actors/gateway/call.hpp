// A call of the gateway and its answer, whatever way they came: HTTP/1.1, HTTP/2, WebSocket, a
// device's connection, or another call (aggregates, authorizers). Who speaks those protocols makes
// one of these; from there on there is one pipeline (worker.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/http/message.hpp"
#include "protocol/mgw/request.hpp"
#include "protocol/mgw/result.hpp"

namespace shoal::gateway {

enum class entrance : std::uint8_t { http_1, http_2, websocket, device, inside };
std::string_view to_string(entrance x);

using header_list = std::vector<std::pair<std::string, std::string>>;

/// Value of the first of that name; empty if there is none.
std::string_view header_of(const header_list& from, std::string_view name);

/// The same of a query string, as it stands there: nothing is decoded.
std::string_view query_value(std::string_view query, std::string_view name);

/// Whether a header is about the body of one request or of its answer: nothing for calls that are
/// made out of that request.
bool is_about_a_body(std::string_view header);

struct call {
  mgw::call what; ///< as read_call gives it; `data` of a REST call is its body
  entrance by = entrance::http_1;
  /// Of a call by method and path; empty: by operation. What they mean was looked up already.
  std::string method, path, query;
  header_list headers; ///< as the client sent them; may be empty
  std::string ip;      ///< of the client, without port
  /// How the call is known in other systems: 16 bytes trace and 8 bytes span in hex; empty: the
  /// client named none.
  std::string trace_id, parent_id;
  /// User and device in `what` are a device connection's, whose user has shown a token and whose
  /// device the app's device key, and not merely what a client says.
  bool proven = false;
  /// What an authorizer has said of the caller of the call that this one comes of.
  header_list principal;
  /// Of a step of an aggregate: it ends when the whole must, and is no aggregate itself.
  bool is_step = false;
  bool refreshes = false;        ///< a kept answer: so that one is none for it
  std::uint32_t patience_ms = 0; ///< at most that long; 0: what the definitions say

  /// Takes what is to be done if nobody waits for the answer any more; null: nobody would tell.
  std::function<void(std::function<void()>)> when_given_up;

  bool is_rest() const { return !path.empty(); }
};

/// What goes back. A call by operation becomes mgw::make_response of `what`; a REST call keeps the
/// backend's status.
struct answer {
  mgw::answer what;
  int status = 200; ///< of HTTP
  /// REST: `what.result_data` is the body as it is, also beside a code that is no success.
  bool bare = false;
  bool sealed = false;  ///< encrypted for the caller: not to be compressed
  std::string callback; ///< JSONP: the envelope becomes the argument of this function
  header_list headers;  ///< besides those of the envelope
};

answer answer_of(mgw::result code, std::string memo = {});

/// Called once, on the loop's thread; possibly before `worker::begin` has returned.
using on_answer = std::function<void(answer&&)>;

/// The HTTP answer, without compression.
http::response to_response(answer&& x, mgw::rpc_version version);

/// What a REST call without a backend's status gets for a code.
int http_status_of(mgw::result code);

} // namespace shoal::gateway
