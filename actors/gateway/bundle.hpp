// Definitions of a world in one document: exported, edited, imported into the same or another
// world. Pure.
//
//   {"settings": {…}, "groups": […], "auth_rules": […], "protos": […], "apis": […]}
//
// All parts may be missing. Secrets are not exported: a document holds "(hidden)" in their place,
// and importing it keeps the secrets that are there.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "actors/gateway/change.hpp"
#include "actors/gateway/definition_codec.hpp"

namespace shoal::gateway {

/// One page: APIs after the operation `after`, at most `limit`; everything else on the first page
/// (`after` is empty). `next` is there if APIs are left.
nlohmann::json bundle_of(const world& in, std::string_view after, std::size_t limit);

/// What putting the whole document would do. Each definition replaces the one of its name; `now`
/// (may be null) is where hidden secrets are taken from. Throws bad_field: "apis[3].path".
std::vector<edit> edits_of(const nlohmann::json& bundle, const world* now);

// A definition that is to replace `old` (may be null): all defaults, but the secrets of `old`.
api_definition replacement_of(const api_definition* old);
api_group replacement_of(const api_group* old);
authorizer_rule replacement_of(const authorizer_rule* old);
proto_definition replacement_of(const proto_definition* old);
app_settings replacement_of(const app_settings* old);

/// What came of a change, against the world before it: [{"kind", "name", "what"}] with "created",
/// "changed" or "removed".
nlohmann::json summary_of(const change_outcome& x, const world* before);

} // namespace shoal::gateway
