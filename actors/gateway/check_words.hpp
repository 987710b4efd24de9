// What the checks of definitions say things with. For *_check.cpp only.
#pragma once

#include <string>
#include <string_view>

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway::check {

constexpr std::size_t max_text = 1024;
constexpr std::size_t max_pem = 16 * 1024;
constexpr std::uint32_t max_timeout_ms = 300'000;

/// The first problem, thrown and caught inside one check.
struct wrong {
  std::string sentence;
};

void must(bool good, std::string sentence);
void text(std::string_view field, std::string_view x, std::size_t max = max_text);
void json(std::string_view field, const json_text& x);
/// An answer of the gateway: an object with resultStatus.
void answer(std::string_view field, const json_text& x);
void limit(const std::string& field, const limit_rule& x);

/// Letters, digits and what else is given.
bool all_of(std::string_view text, std::string_view besides);
bool valid_name(std::string_view x);
bool valid_operation(std::string_view x);
bool valid_header(std::string_view x);
bool valid_header_value(std::string_view x);
bool valid_method(std::string_view x);
bool valid_host(std::string_view x);
bool valid_address(std::string_view x); ///< "host:port", "10.0.0.7:80", "[::1]:80"

constexpr auto name_rule =
    "name must be 1 to 64 of letters, digits, '-', '_' and '.', starting with "
    "a letter or digit";

template <class T>
void range(std::string_view field, T x, T min, T max) {
  must(x >= min && x <= max, std::string{field}
                                 .append(" must be ")
                                 .append(std::to_string(min))
                                 .append(" to ")
                                 .append(std::to_string(max)));
}

template <class T>
std::string first_problem(void (*look)(const T&), const T& x) {
  try {
    look(x);
    return "";
  } catch (const wrong& why) {
    return why.sentence;
  }
}

} // namespace shoal::gateway::check
