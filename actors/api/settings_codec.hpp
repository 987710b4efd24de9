// JSON of apps, keys and bizs as callers send them. Strict; throws `refusal`.
#pragma once

#include <string_view>

#include "actors/catalog/catalog.hpp"

namespace shoal::api {

/// Body of POST /v1/apps.
app_config read_new_app(std::string_view body);

/// Body of PUT …/users-auth. A missing secret keeps the old one, or is made up if there is none and
/// the mode needs one; then `made_secret` is set.
user_auth read_users_auth(std::string_view body, const user_auth& old, bool& made_secret);

struct new_key_request {
  key_role role = key_role::read;
  std::string note;
};
new_key_request read_new_key(std::string_view body);

/// Body of PATCH …/keys/{id}: changes `enabled` and `note`.
void read_key_change(std::string_view body, key_config& key);

/// Bodies of PUT and PATCH …/biz/{name}: fields that are given replace those of `biz`.
void read_biz(std::string_view body, biz_config& biz);

} // namespace shoal::api
