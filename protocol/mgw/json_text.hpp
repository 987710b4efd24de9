// JSON looked at without being built: is it one value, and where do its parts begin and end? The
// gateway passes most bodies through; it needs their shape, not their contents.
//
// Strict RFC 8259: one value, UTF-8, no lone surrogates in escapes, nesting bounded. Views point
// into the given text. No allocation but the result's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::mgw {

constexpr unsigned max_json_depth = 64;

/// The text is exactly one JSON value, with white space around it at most.
bool is_json(std::string_view text, unsigned max_depth = max_json_depth);

/// The elements of a text that is one JSON array, each as its own text; nothing if it is not one.
std::optional<std::vector<std::string_view>> json_elements(
    std::string_view text, unsigned max_depth = max_json_depth);

struct json_member {
  std::string_view name;  ///< as written between its quotes, escapes and all
  std::string_view value; ///< its own text
};

/// The same for the members of an object, in order; equal names are not merged.
std::optional<std::vector<json_member>> json_members(
    std::string_view text, unsigned max_depth = max_json_depth);

/// Appends `text` in quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

} // namespace shoal::mgw
