#include "actors/gateway/content_type.hpp"

#include <algorithm>
#include <array>

#include "protocol/http/message.hpp"

namespace shoal::gateway {
namespace {

/// Without parameters.
std::string_view bare(std::string_view x) {
  x = x.substr(0, x.find(';'));
  while (x.starts_with(' '))
    x.remove_prefix(1);
  while (x.ends_with(' '))
    x.remove_suffix(1);
  return x;
}

bool ends_with(std::string_view x, std::string_view end) {
  return x.size() >= end.size() && http::same_name(x.substr(x.size() - end.size()), end);
}

} // namespace

mgw::data_format format_of(std::string_view content_type) {
  auto type = bare(content_type);
  if (http::same_name(type, "application/json"))
    return mgw::data_format::json;
  if (http::same_name(type, "application/protobuf") ||
      http::same_name(type, "application/x-protobuf"))
    return mgw::data_format::protobuf;
  return mgw::data_format::other;
}

bool is_text_type(std::string_view content_type) {
  auto type = bare(content_type);
  auto slash = std::min(type.find('/'), type.size());
  auto kind = type.substr(std::min(type.size(), slash + 1));
  constexpr auto texts = std::array<std::string_view, 10>{"json", "xml", "javascript", "ecmascript",
      "x-javascript", "graphql", "yaml", "x-ndjson", "x-yaml", "x-www-form-urlencoded"};
  return http::same_name(type.substr(0, slash), "text") || ends_with(kind, "+json") ||
         ends_with(kind, "+xml") ||
         std::ranges::any_of(texts, [&](auto x) { return http::same_name(x, kind); });
}

} // namespace shoal::gateway
