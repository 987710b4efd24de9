// Who signed a request, and may they? Signature format in protocol/signing.hpp.
//
// Strangers learn nothing: a missing header, an unknown or disabled key, a device's key and a wrong
// signature get the same answer after the same work. Somebody with a key of app A who asks for app
// B learns only what is true for an app that does not exist.
#pragma once

#include <string_view>

#include "actors/api/router.hpp"
#include "actors/catalog/catalog.hpp"
#include "protocol/http/message.hpp"
#include "protocol/nonce_cache.hpp"

namespace shoal::api {

struct signer {
  ec code = ec::none;
  key_ptr key; ///< set if code is `none`
};

signer authenticate(
    const catalog& known, const http::request& request, std::int64_t now_ms, nonce_cache& nonces);

struct permission {
  ec code = ec::none;
  app_ptr app; ///< set if the route is about an app
};

permission authorize(
    const catalog& known, const key_config& key, const route& to, std::string_view app);

} // namespace shoal::api
