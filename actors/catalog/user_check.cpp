#include "actors/catalog/user_check.hpp"

namespace shoal {

bool binds_unverified(const user_auth& users, ec failure) {
  if (!users.bind_unverified)
    return false;
  switch (users.how) {
  case user_auth::mode::none:
    return failure == ec::bad_token; // nothing is checked, so nothing is known
  case user_auth::mode::hmac:
  case user_auth::mode::jwt:
    return failure == ec::token_expired;
  case user_auth::mode::callback:
    return failure == ec::bad_token || failure == ec::verifier_unavailable;
  }
  return false;
}

bool demands_verified_user(const biz_config& biz) {
  return biz.target == biz_target::user && (biz.verified_only || !biz.multi_device);
}

} // namespace shoal
