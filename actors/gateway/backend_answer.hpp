// What a backend said, as the gateway says it. Pure.
//
// 2xx is success. A backend's own code comes in its header `Result-Status` (6000 to 6999, with
// `Tips`), whatever its status. Anything else is 4002 with the status in `Memo`, and the body as
// result, because callers may need its reason. REST calls keep status and body as they are.
//
// What a body is in an envelope (a JSON value, a text, or base64 of bytes) says its Content-Type,
// not how it looks: protobuf may happen to be good UTF-8. Without one it is text, if it can be.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/gateway/accepted.hpp"
#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"
#include "protocol/http/response_reader.hpp"

namespace shoal::gateway {

struct local_answer;

answer answer_of_reply(http::reply&& x, const call& from);

/// The same of a backend that is an actor of this node. It may use any code. An answer that is
/// larger than one of an HTTP backend may be is 4002.
answer answer_of_local(local_answer&& x, const call& from);

/// {"resultStatus":…,"tips":…,"result":…}, as operators write it for mocks and busy systems.
/// `otherwise` if there is no resultStatus; `result` counts only with 1000.
answer answer_of_template(std::string_view json, mgw::result otherwise);

/// The text for the dearest language of an Accept-Language list that the texts have: the same tag,
/// else the same language. Null if none.
template <class Texts>
const typename Texts::mapped_type* text_for(
    const Texts& texts, std::string_view accepted_languages);

/// Custom texts of the app in the caller's language, where the answer has none of its own.
void put_tips(answer& x, const app_settings& of, std::string_view accepted_languages);

/// The busy answer of a limit: in the caller's language, else the default one, else 1002 as it is.
answer busy_answer(const limit_rule& rule, std::string_view accepted_languages);

// -- implementation ------------------------------------------------------------------------------

template <class Texts>
const typename Texts::mapped_type* text_for(
    const Texts& texts, std::string_view accepted_languages) {
  const typename Texts::mapped_type* found = nullptr;
  if (texts.empty())
    return found;
  auto primary = [](std::string_view tag) { return tag.substr(0, tag.find('-')); };
  auto wanted = ranked(accepted_languages);
  auto look = [&](auto same) {
    for (auto& language : wanted)
      for (auto& [name, text] : texts)
        if (same(std::string_view{name}, language.name)) {
          found = &text;
          return true;
        }
    return false;
  };
  if (look([](auto name, auto tag) { return http::same_name(name, tag); }) ||
      look([&](auto name, auto tag) { return http::same_name(primary(name), primary(tag)); }))
    return found;
  return nullptr;
}

} // namespace shoal::gateway
