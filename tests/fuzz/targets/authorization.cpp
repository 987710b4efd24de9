// What strangers prove themselves with: the header of API calls, and user tokens of both forms.
#include <string>

#include "protocol/signing.hpp"
#include "protocol/user_token.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

void check_tokens(std::string_view token) {
  auto own = token_rules{};
  own.secret = "a secret that no seed knows";
  auto jwt = own;
  jwt.how = token_rules::form::jwt;
  jwt.algorithm = "HS256";
  for (auto& rules : {own, jwt})
    fuzz::require(verify_user_token(rules, "u1", "d1", token, 1'760'000'000'000) != ec::none,
        "a token without a good signature was accepted");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto out = request_authorization{};
  if (parse_authorization(in, out))
    fuzz::require(out.signature.size() == 32 && !out.key.empty(), "half a header was accepted");
  check_tokens(in);
  auto bytes = std::string{};
  if (unbase64(in, bytes))
    fuzz::require(base64(bytes) == in, "base64 has two forms");
  if (unbase64url(in, bytes))
    fuzz::require(base64url(bytes) == in, "base64url has two forms");
  return 0;
}
