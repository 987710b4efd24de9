#include "actors/catalog/new_key.hpp"

#include "protocol/signing.hpp"

namespace shoal {

key_config new_key(app_no app, key_role role, std::string note, std::int64_t now_ms) {
  auto out = key_config{};
  auto prefix = role == key_role::device ? "dk_" : role == key_role::operator_ ? "ok_" : "ak_";
  out.id = prefix + hex(random_bytes(10));
  out.app = app;
  out.role = role;
  out.secret = base64url(random_bytes(32));
  out.note = std::move(note);
  out.created_ms = now_ms;
  return out;
}

} // namespace shoal
