// What a user is good for whose check failed. Pure.
//
// An app may let such users be bound all the same, as unverified (`user_auth::bind_unverified`, off
// unless somebody says so): whoever has the app's device key can then claim to be anybody. So an
// unverified user is sent only what the app's bizs give to anybody, takes nothing away from the
// user's other devices, and is nobody for backends. protocol/README.md, "User binding", is the
// rule.
#pragma once

#include "actors/catalog/catalog.hpp"
#include "protocol/codes.hpp"

namespace shoal {

/// Whether a Bind that failed with `failure` still binds its user. A forged token never does; one
/// that has expired was good once. A tenant's endpoint may have said no, or nothing.
bool binds_unverified(const user_auth& users, ec failure);

/// Whether only a verified user may listen to it. In a single-device biz an acknowledgement takes
/// the op away from the user's other devices, which is not for everybody to do.
bool demands_verified_user(const biz_config& biz);

} // namespace shoal
