// What a backend said, as the gateway says it. Pure.
//
// 2xx is success. A backend's own code comes in its header `Result-Status` (6000 to 6999, with
// `Tips`), whatever its status. Anything else is 4002 with the status in `Memo`, and the body as
// result, because callers may need its reason. REST calls keep status and body as they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"
#include "protocol/http/response_reader.hpp"

namespace shoal::gateway {

struct local_answer;

answer answer_of_reply(http::reply&& x, const call& from);

/// The same of a backend that is an actor of this node. It may use any code.
answer answer_of_local(local_answer&& x, const call& from);

/// {"resultStatus":…,"tips":…,"result":…}, as operators write it for mocks and busy systems.
/// `otherwise` if there is no resultStatus; `result` counts only with 1000.
answer answer_of_template(std::string_view json, mgw::result otherwise);

/// The text for the first language that `accepted` (a list as in Accept-Language) and the texts
/// have in common: the same tag, else the same language. Empty if none.
template <class Texts>
const typename Texts::mapped_type* text_for(const Texts& texts, std::string_view accepted);

/// Custom texts of the app in the caller's language, where the answer has none of its own.
void put_tips(answer& x, const app_settings& of, std::string_view accepted_languages);

/// The busy answer of a limit: in the caller's language, else the default one, else 1002 as it is.
answer busy_answer(const limit_rule& rule, std::string_view accepted_languages);

// -- implementation ------------------------------------------------------------------------------

/// Calls `visit(tag)` for each language, in order, until it returns true.
template <class Visit>
bool any_language(std::string_view accepted, Visit visit) {
  while (!accepted.empty()) {
    auto part = accepted.substr(0, accepted.find(','));
    accepted.remove_prefix(std::min(accepted.size(), part.size() + 1));
    auto tag = part.substr(0, part.find(';'));
    while (tag.starts_with(' '))
      tag.remove_prefix(1);
    while (tag.ends_with(' '))
      tag.remove_suffix(1);
    if (!tag.empty() && visit(tag))
      return true;
  }
  return false;
}

template <class Texts>
const typename Texts::mapped_type* text_for(const Texts& texts, std::string_view accepted) {
  const typename Texts::mapped_type* found = nullptr;
  auto primary = [](std::string_view tag) { return tag.substr(0, tag.find('-')); };
  auto look = [&](auto same) {
    return any_language(accepted, [&](std::string_view tag) {
      for (auto& [name, text] : texts)
        if (same(std::string_view{name}, tag)) {
          found = &text;
          return true;
        }
      return false;
    });
  };
  if (texts.empty() || look([](auto name, auto tag) { return http::same_name(name, tag); }) ||
      look([&](auto name, auto tag) { return http::same_name(primary(name), primary(tag)); }))
    return found;
  return nullptr;
}

} // namespace shoal::gateway
