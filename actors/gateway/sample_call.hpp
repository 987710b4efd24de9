// A call to try an API with: requestData made up from its body model and parameters
// [QueryMgsTestreqbodyautogen], signed as a client of the app would, and encrypted if the API wants
// that. Pure, but for the random numbers of encryption.
//
// The keys of an encrypted call are drawn for it and forgotten; only what opens its answer is
// handed out. The app's private keys stay where they are.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "actors/gateway/registry.hpp"

namespace shoal::gateway {

/// A value that fits a JSON Schema: its example, default or first enum value if there is one. Ends
/// at 8 levels: a schema may hold itself.
nlohmann::json sample_of_schema(const nlohmann::json& schema);

/// [{"_requestBody": …, "name": …}]
nlohmann::json sample_request(const world& in, const api_definition& x);

/// How the body of a call is encrypted.
struct test_sealing {
  std::string wrap; ///< "RSA", "ECC", "SM2"
  unsigned key_number = 0;
  std::string public_pem; ///< that clients seal for
  std::string answer_key; ///< mgw::answer_key; opens the answer of this call only. SECRET
};

/// The request that a client would send to the gateway.
struct test_call {
  std::string method = "POST";
  std::string path = "/mgw.htm";
  std::map<std::string, std::string> headers;
  std::string body; ///< bytes, if it is sealed
  std::optional<test_sealing> sealing;
  std::string warning; ///< why the gateway will refuse it, if that is clear already
};

/// `nonce` is taken only where the app wants one.
test_call make_test_call(const world& in, const api_definition& x, std::string request_data,
    std::int64_t now_ms, std::string nonce);

} // namespace shoal::gateway
