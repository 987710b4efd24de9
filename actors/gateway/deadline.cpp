#include "actors/gateway/deadline.hpp"

#include <charconv>

namespace shoal::gateway {

std::optional<std::uint32_t> stated_patience_ms(const header_list& from) {
  auto out = std::optional<std::uint32_t>{};
  for (auto& [name, value] : from) {
    if (name.size() != deadline_header.size() || !http::same_name(name, deadline_header) ||
        value.empty())
      continue;
    auto ms = std::uint32_t{0};
    auto* end = value.data() + value.size();
    auto read = std::from_chars(value.data(), end, ms);
    if (read.ec != std::errc{} || read.ptr != end || (out && *out != ms))
      return {};
    out = ms;
  }
  return out.value_or(0);
}

} // namespace shoal::gateway
