// The first message of a stranger: never accepted without a signature, whatever it claims.
#include "actors/device/hello.hpp"

#include "protocol/device.pb.h"
#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

catalog make_catalog() {
  auto app = std::make_shared<app_config>();
  app->no = app_no{1};
  app->id = "demo";
  auto key = std::make_shared<key_config>();
  key->id = "dk_test";
  key->app = app->no;
  key->role = key_role::device;
  key->secret = "a secret that no seed knows";
  return catalog{}.with(app_ptr{app}).with(key_ptr{key});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto known = make_catalog();
  static auto nonces = nonce_cache{0, 300'000};
  auto in = fuzz::text_of(data, size);
  auto hello = wire::Hello{};
  if (!hello.ParseFromArray(in.data(), static_cast<int>(in.size())))
    return 0;
  auto facts = device_info{};
  auto verdict = check_hello(hello, known, nonces, 1'760'000'000'000, facts);
  fuzz::require(verdict.code != ec::none, "a hello without a good signature was accepted");
  return 0;
}
