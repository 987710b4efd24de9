// Text in URLs, forms and header values: RFC 3986 section 2, and '+' for a space as forms have it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace shoal {

/// Everything but letters, digits, "-._~" and what is in `also_plain` as %XX.
std::string percent_encoded(std::string_view text, std::string_view also_plain = {});

/// %XX and '+' decoded; nothing if a '%' is not followed by two hex digits.
std::optional<std::string> form_decoded(std::string_view text);

} // namespace shoal
