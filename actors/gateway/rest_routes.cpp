#include "actors/gateway/rest_routes.hpp"

#include <algorithm>

#include "actors/gateway/path_check.hpp"

namespace shoal::gateway {

namespace {

const api_ptr nobody;

/// Takes the next segment off "/a/b"; what is left starts with '/' or is empty.
std::string_view take_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  auto size = std::min(rest.find('/'), rest.size());
  auto out = rest.substr(0, size);
  rest.remove_prefix(size);
  return out;
}

bool is_name(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool is_rest(std::string_view segment) {
  return is_name(segment) && segment[segment.size() - 2] == '*';
}

bool plain_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

using by_method = std::vector<std::pair<std::string, api_ptr>>;

const api_ptr& among(const by_method& list, std::string_view method) {
  for (auto& [name, api] : list)
    if (name == method)
      return api;
  return nobody;
}

void set(by_method& list, std::string_view method, const api_ptr& x) {
  std::erase_if(list, [&](auto& y) { return y.first == method; });
  if (x)
    list.emplace_back(method, x);
}

} // namespace

bool is_reserved_path(std::string_view path) {
  return path == "/v1" || path.starts_with("/v1/") || path == "/mgw.htm" || path == "/mgw/batch";
}

std::string problem_of_rest_path(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.size() > 512)
    return "path must start with '/' and be at most 512 bytes";
  if (!path_flaw(path).empty())
    return "path has dots for a segment, a backslash or a '%' without two hex digits";
  auto rest = path;
  for (std::size_t count = 1; !rest.empty(); ++count) {
    if (count > max_rest_segments)
      return "path has more than 16 segments";
    auto x = take_segment(rest);
    if (is_name(x)) {
      if (is_rest(x) && !rest.empty())
        return "path may have a {name*} only at its end";
      if (!plain_name(x.substr(1, x.size() - (is_rest(x) ? 3 : 2))))
        return "path has a name in braces that is not 1 to 64 of letters, digits and '_'";
    } else if (x.find_first_of("{}") != x.npos || !std::all_of(x.begin(), x.end(), [](char c) {
                 return c > ' ' && c < 0x7f && c != '?' && c != '#';
               })) {
      return "path has a segment that is neither text nor a {name}";
    }
  }
  return "";
}

std::vector<std::pair<std::string_view, std::string_view>> rest_params(
    std::string_view path_template, std::string_view path) {
  std::vector<std::pair<std::string_view, std::string_view>> out;
  while (!path_template.empty() && !path.empty()) {
    auto before = path.substr(1);
    auto name = take_segment(path_template), value = take_segment(path);
    if (is_rest(name))
      out.emplace_back(name.substr(1, name.size() - 3), before);
    else if (is_name(name))
      out.emplace_back(name.substr(1, name.size() - 2), value);
  }
  return out;
}

rest_routes::node_ptr rest_routes::put(
    const node_ptr& old, std::string_view rest, std::string_view method, const api_ptr& x) {
  auto out = old ? std::make_shared<node>(*old) : std::make_shared<node>();
  if (rest.empty()) {
    set(out->here, method, x);
  } else if (auto segment = take_segment(rest); is_rest(segment)) {
    set(out->beyond, method, x);
  } else if (is_name(segment)) {
    out->name = put(out->name, rest, method, x);
  } else {
    auto found = out->literal.find(segment);
    auto below = put(found ? *found : nullptr, rest, method, x);
    out->literal =
        below ? out->literal.with(std::string{segment}, below) : out->literal.without(segment);
  }
  return out->empty() ? nullptr : out;
}

rest_routes rest_routes::with(const api_ptr& x) const {
  auto out = *this;
  if (!x->method.empty() && !x->path.empty())
    out.root_ = put(root_, x->path, x->method, x);
  return out;
}

rest_routes rest_routes::without(const api_definition& x) const {
  auto out = *this;
  if (!x.method.empty() && same_entry(x.method, x.path))
    out.root_ = put(root_, x.path, x.method, nullptr);
  return out;
}

const api_ptr& rest_routes::same_entry(
    std::string_view method, std::string_view path_template) const {
  auto at = root_.get();
  while (at && !path_template.empty()) {
    auto segment = take_segment(path_template);
    if (is_rest(segment))
      return among(at->beyond, method);
    if (is_name(segment)) {
      at = at->name.get();
    } else {
      auto found = at->literal.find(segment);
      at = found ? found->get() : nullptr;
    }
  }
  return at ? among(at->here, method) : nobody;
}

struct rest_routes::search {
  std::string_view method;
  bool method_known = false;
  int steps = 256;

  const api_ptr& take(const by_method& list) {
    method_known = method_known || !list.empty();
    return among(list, method);
  }

  const api_ptr& look(const node& at, std::string_view rest, std::size_t depth) {
    if (--steps < 0)
      return nobody;
    if (rest.empty())
      return take(at.here);
    auto below = rest;
    if (depth < max_rest_segments) {
      auto segment = take_segment(below);
      if (auto found = at.literal.find(segment))
        if (auto& x = look(**found, below, depth + 1))
          return x;
      if (at.name && !segment.empty())
        if (auto& x = look(*at.name, below, depth + 1))
          return x;
    }
    return take(at.beyond);
  }
};

const api_ptr& rest_routes::match(
    std::string_view method, std::string_view path, bool* method_known) const {
  auto looking = search{method};
  auto& out = root_ && path.starts_with('/') ? looking.look(*root_, path, 0) : nobody;
  if (method_known)
    *method_known = looking.method_known;
  return out;
}

} // namespace shoal::gateway
