#include "actors/api/request_auth.hpp"

#include "protocol/signing.hpp"

namespace shoal::api {

namespace {

bool role_fits(key_role role, access who) {
  switch (who) {
  case access::anyone:
    return true;
  case access::operator_:
    return role == key_role::operator_;
  case access::manage:
    return role == key_role::operator_ || role == key_role::admin;
  case access::admin:
    return role == key_role::admin;
  case access::write:
    return role == key_role::admin || role == key_role::write;
  case access::read:
    return role == key_role::admin || role == key_role::write || role == key_role::read;
  }
  return false;
}

} // namespace

signer authenticate(
    const catalog& known, const http::request& request, std::int64_t now_ms, nonce_cache& nonces) {
  auto given = request_authorization{};
  if (!parse_authorization(request.header("Authorization"), given))
    return {ec::bad_signature, nullptr};
  if (auto code = nonces.check_time(given.timestamp_ms, now_ms); code != ec::none)
    return {code, nullptr};
  static const auto nobodys_secret = base64url(random_bytes(32));
  auto key = known.key(given.key);
  auto good = equal_in_constant_time(
      given.signature, hmac_sha256(key ? key->secret : nobodys_secret,
                           request_string(request.method, request.path, request.query, request.body,
                               given.timestamp_ms, given.nonce)));
  if (!good || !key || !key->enabled || key->role == key_role::device)
    return {ec::bad_signature, nullptr};
  auto code = nonces.use(given.key, given.nonce, given.timestamp_ms, now_ms);
  return {code, code == ec::none ? key : nullptr};
}

permission authorize(
    const catalog& known, const key_config& key, const route& to, std::string_view app) {
  if (app.empty())
    return {role_fits(key.role, to.who) ? ec::none : ec::forbidden, nullptr};
  auto target = known.app(app);
  if (key.role == key_role::operator_) {
    if (!role_fits(key.role, to.who))
      return {ec::forbidden, nullptr};
    return {target ? ec::none : ec::not_found, target};
  }
  if (!target || target->no != key.app)
    return {ec::not_found, nullptr};
  return {role_fits(key.role, to.who) ? ec::none : ec::forbidden, target};
}

} // namespace shoal::api
