#include "actors/device/hello.hpp"

#include <array>

#include "protocol/device.pb.h"
#include "protocol/signing.hpp"

namespace shoal {

namespace {

constexpr std::size_t max_fact = 64, max_key = 64, nonce_size = 16;
constexpr int max_tags = 16;
constexpr std::uint32_t protocol_version = 1;

std::string flaw_of_facts(const wire::Hello& x) {
  using fact = std::pair<const char*, const std::string*>;
  for (auto& [name, text] : std::array{fact{"os", &x.os()}, fact{"app_version", &x.app_version()},
           fact{"region", &x.region()}, fact{"model", &x.model()}, fact{"network", &x.network()},
           fact{"sdk", &x.sdk()}})
    if (text->size() > max_fact)
      return std::string{"Hello."}.append(name).append(" is longer than 64 bytes");
  if (x.tags().size() > max_tags)
    return "Hello.tags are more than 16";
  for (auto& [name, value] : x.tags())
    if (name.size() > max_fact || value.size() > max_fact)
      return "Hello.tags has a name or value longer than 64 bytes";
  return {};
}

/// What is not as the protocol says, whoever sent it; empty if all is.
std::string flaw_of(const wire::Hello& x) {
  if (!valid_external_id(x.device()))
    return "Hello.device is not 1 to 128 of printable ASCII without / ? # %";
  if (x.nonce().size() != nonce_size)
    return "Hello.nonce is not 16 bytes";
  if (x.key().size() > max_key)
    return "Hello.key is longer than 64 bytes";
  return flaw_of_facts(x);
}

} // namespace

hello_verdict check_hello(const wire::Hello& hello, const catalog& known, nonce_cache& nonces,
    std::int64_t now_ms, device_info& out) {
  if (hello.version() != protocol_version)
    return {ec::unsupported_version, "Hello.version is not 1"};
  if (auto flaw = flaw_of(hello); !flaw.empty())
    return {ec::bad_message, flaw};
  if (auto code = nonces.check_time(hello.timestamp_ms(), now_ms); code != ec::none)
    return {code, "Hello.timestamp_ms is outside the window: correct it by server_time_ms"};
  auto key = known.key(hello.key());
  auto usable = key && key->enabled && key->role == key_role::device;
  auto text = hello_string(hello.key(), hello.device(), hello.timestamp_ms(), hello.nonce());
  auto expected = hmac_sha256(usable ? key->secret : std::string{"no such key"}, text);
  if (!equal_in_constant_time(expected, hello.signature()) || !usable)
    return {ec::bad_signature, "Hello.key or Hello.signature is not valid"};
  if (auto code = nonces.use(hello.key(), hello.nonce(), hello.timestamp_ms(), now_ms);
      code != ec::none)
    return {code, "Hello.nonce cannot be used: sign again with a new one"};
  out.app = key->app;
  out.device = hello.device();
  out.os = hello.os();
  out.app_version = hello.app_version();
  out.region = hello.region();
  out.model = hello.model();
  out.network = hello.network();
  out.sdk = hello.sdk();
  out.tags = {hello.tags().begin(), hello.tags().end()};
  return {};
}

} // namespace shoal
