// Structured log lines: one event, then key=value pairs. `log::info("device online", {{"device",
// id}, {"session", n}})`.
//
// Values are quoted when they need it, so a hostile device id cannot forge a line. Secrets are
// never passed here. Where lines go, from which level on, and whether as key=value or JSON, is
// decided once by `setup`.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace shoal::log {

struct value {
  value(std::string_view x) : text{x} {}
  value(const std::string& x) : text{x} {}
  value(const char* x) : text{x} {}
  value(bool x) : text{x ? "true" : "false"} {}
  value(std::integral auto x) : text{std::to_string(x)} {}
  std::string text;
};

using fields = std::initializer_list<std::pair<std::string_view, value>>;

/// level: trace, debug, info, warn, error, off. format: kv or json. False if one of them is none of
/// these.
bool setup(std::string_view level, std::string_view format);

bool debug_enabled();
void debug(std::string_view event, fields xs = {});
void info(std::string_view event, fields xs = {});
void warn(std::string_view event, fields xs = {});
void error(std::string_view event, fields xs = {});

/// The line as `setup("…", "kv")` prints it, without time and level. For tests.
std::string format_kv(std::string_view event, fields xs);

} // namespace shoal::log
