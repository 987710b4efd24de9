// The part of a URL behind '?': name=value pairs, percent-decoded, each name at most once, none
// that nobody knows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace shoal::api {

class query {
public:
  query() = default;

  /// `known`: names with a space between. Throws `refusal` for unknown or repeated names and broken
  /// encoding.
  query(std::string_view text, std::string_view known);

  const std::string& text(std::string_view name) const; ///< "" if missing
  std::uint64_t number(std::string_view name, std::uint64_t otherwise, std::uint64_t max) const;
  std::uint32_t limit(
      std::uint32_t otherwise = 100, std::uint32_t max = 1000) const; ///< "limit", at least 1

private:
  std::map<std::string, std::string, std::less<>> values_;
};

} // namespace shoal::api
