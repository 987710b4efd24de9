#include "actors/device/hello.hpp"

#include "protocol/device.pb.h"
#include "protocol/signing.hpp"

namespace shoal {

namespace {

constexpr std::size_t max_fact = 64;
constexpr int max_tags = 16;
constexpr std::uint32_t protocol_version = 1;

bool facts_in_bounds(const wire::Hello& x) {
  for (auto* fact : {&x.os(), &x.app_version(), &x.region(), &x.model(), &x.network(), &x.sdk()})
    if (fact->size() > max_fact)
      return false;
  if (x.tags().size() > max_tags)
    return false;
  for (auto& [name, value] : x.tags())
    if (name.size() > max_fact || value.size() > max_fact)
      return false;
  return true;
}

} // namespace

ec check_hello(const wire::Hello& hello, const catalog& known, nonce_cache& nonces,
    std::int64_t now_ms, device_info& out) {
  if (hello.version() != protocol_version)
    return ec::unsupported_version;
  if (!valid_external_id(hello.device()) || hello.nonce().size() != 16 || hello.key().size() > 64 ||
      !facts_in_bounds(hello))
    return ec::bad_message;
  if (auto code = nonces.check_time(hello.timestamp_ms(), now_ms); code != ec::none)
    return code;
  auto key = known.key(hello.key());
  auto usable = key && key->enabled && key->role == key_role::device;
  auto text = hello_string(hello.key(), hello.device(), hello.timestamp_ms(), hello.nonce());
  auto expected = hmac_sha256(usable ? key->secret : std::string{"no such key"}, text);
  if (!equal_in_constant_time(expected, hello.signature()) || !usable)
    return ec::bad_signature;
  if (auto code = nonces.use(hello.key(), hello.nonce(), hello.timestamp_ms(), now_ms);
      code != ec::none)
    return code;
  out.app = key->app;
  out.device = hello.device();
  out.os = hello.os();
  out.app_version = hello.app_version();
  out.region = hello.region();
  out.model = hello.model();
  out.network = hello.network();
  out.sdk = hello.sdk();
  out.tags = {hello.tags().begin(), hello.tags().end()};
  return ec::none;
}

} // namespace shoal
