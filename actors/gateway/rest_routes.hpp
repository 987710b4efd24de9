// REST entries of one app: which API a method and path mean. Never changes; a change makes a new
// one that shares all but the path to the entry.
//
// A template is segments: text, "{name}" for exactly one segment, and at the end perhaps "{name*}"
// for the rest (one segment or more). Text wins over a name, a name over the rest, from left to
// right; a path that fails below one is tried below the next. Paths are compared as they were sent:
// nothing is decoded, "//" is an empty segment, and a "/" at the end counts.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/gateway/definitions.hpp"
#include "actors/gateway/persistent_map.hpp"

namespace shoal::gateway {

using api_ptr = std::shared_ptr<const api_definition>;

constexpr std::size_t max_rest_segments = 16;

/// Paths of Shoal itself, on the same port: no app's template can take them, whatever host it has.
bool is_reserved_path(std::string_view path);

/// "" or what is wrong with it as a template.
std::string problem_of_rest_path(std::string_view path);

/// Names and values of a path that fits the template, in the order of the template; views into
/// both.
std::vector<std::pair<std::string_view, std::string_view>> rest_params(
    std::string_view path_template, std::string_view path);

class rest_routes {
public:
  /// By the API's method and path; replaces what was there. An API without them changes nothing.
  rest_routes with(const api_ptr& x) const;
  rest_routes without(const api_definition& x) const;

  /// The API with exactly this entry, names in braces aside.
  const api_ptr& same_entry(std::string_view method, std::string_view path_template) const;

  /// Null if none. `method_known`: if given, whether the path exists with another method. Looks at
  /// 256 nodes at most: what costs more is not found.
  const api_ptr& match(
      std::string_view method, std::string_view path, bool* method_known = nullptr) const;

private:
  struct node;
  using node_ptr = std::shared_ptr<const node>;
  struct node {
    persistent_map<node_ptr> literal;
    node_ptr name;                                       ///< below "{…}"
    std::vector<std::pair<std::string, api_ptr>> here;   ///< by method
    std::vector<std::pair<std::string, api_ptr>> beyond; ///< "{…*}", by method
    bool empty() const { return literal.empty() && !name && here.empty() && beyond.empty(); }
  };
  struct search;

  static node_ptr put(
      const node_ptr& old, std::string_view rest, std::string_view method, const api_ptr& x);

  node_ptr root_;
};

} // namespace shoal::gateway
