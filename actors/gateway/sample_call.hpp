// A call to try an API with: requestData made up from its body model and parameters
// [QueryMgsTestreqbodyautogen], signed as a client of the app would. Pure.
#pragma once

#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "actors/gateway/registry.hpp"

namespace shoal::gateway {

/// A value that fits a JSON Schema: its example, default or first enum value if there is one. Ends
/// at 8 levels: a schema may hold itself.
nlohmann::json sample_of_schema(const nlohmann::json& schema);

/// [{"_requestBody": …, "name": …}]
nlohmann::json sample_request(const world& in, const api_definition& x);

/// The request that a client would send to the gateway.
struct test_call {
  std::string method = "POST";
  std::string path = "/mgw.htm";
  std::map<std::string, std::string> headers;
  std::string body;
  std::string warning; ///< why the gateway will refuse it, if that is clear already
};

/// `nonce` is taken only where the app wants one.
test_call make_test_call(const world& in, const api_definition& x, std::string request_data,
    std::int64_t now_ms, std::string nonce);

} // namespace shoal::gateway
