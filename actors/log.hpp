// Structured log lines: one event, then key=value pairs. `log::info("device online", {{"device",
// id}, {"session", n}})`.
//
// A line that an actor writes while it handles a message names it, without being told: actor=stream
// actor_id=149. The id is the one that `actor-inspector` knows it by.
//
// Values are quoted when they need it, so a hostile device id cannot forge a line. Secrets are
// never passed here. Where lines go, from which level on, and whether as key=value or JSON, is
// decided once by `setup`.
#pragma once

#include <concepts>
#include <cstdint>
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

/// An actor at work.
struct worker {
  std::string_view name; ///< empty: none is, this thread belongs to nobody
  std::uint64_t id = 0;
};

/// How to find out who is at work on this thread; asked for each line that is written. The
/// registry of actors sets it before anything runs.
void ask_who(worker (*who)());

/// level: trace, debug, info, warn, error, off. format: kv or json. False if one of them is none of
/// these.
bool setup(std::string_view level, std::string_view format);

bool debug_enabled();
void debug(std::string_view event, fields xs = {});
void info(std::string_view event, fields xs = {});
void warn(std::string_view event, fields xs = {});
void error(std::string_view event, fields xs = {});

/// The line as `setup("…", "kv")` prints it, without time and level. For tests.
std::string format_kv(std::string_view event, fields xs, const worker& who = {});

} // namespace shoal::log
