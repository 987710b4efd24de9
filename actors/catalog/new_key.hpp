// Makes keys for signers: random ids and secrets that nobody can guess.
#pragma once

#include "actors/catalog/catalog.hpp"

namespace shoal {

/// A new, enabled key; its prefix ("ak_", "dk_", "ok_") tells people what it is for.
key_config new_key(app_no app, key_role role, std::string note, std::int64_t now_ms);

} // namespace shoal
