#include "actors/log.hpp"

#include <atomic>
#include <memory>

#include <nlohmann/json.hpp>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "actors/log_control.hpp"

namespace shoal::log {

namespace {

constexpr std::size_t kept_warnings = 200;

std::atomic<bool> as_json{false};
std::atomic<worker (*)()> whose{nullptr};

auto& warnings() {
  static auto out = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(kept_warnings);
  return out;
}

bool plain(std::string_view text) {
  if (text.empty())
    return false;
  for (auto c : text)
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
      return false;
  return true;
}

/// JSON's own quoting; bytes that are not UTF-8 become U+FFFD instead of an exception.
std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string format_json(std::string_view event, fields xs, const worker& who) {
  auto out = std::string{"\"event\":"};
  out += json_string(event);
  if (!who.name.empty())
    out.append(",\"actor\":").append(json_string(who.name)).append(",\"actor_id\":\"") +=
        std::to_string(who.id) + '"';
  for (auto& [name, x] : xs)
    out.append(",").append(json_string(name)).append(":").append(json_string(x.text));
  return out;
}

void write(spdlog::level::level_enum level, std::string_view event, fields xs) {
  if (!spdlog::should_log(level))
    return;
  auto* ask = whose.load(std::memory_order_relaxed);
  auto who = ask != nullptr ? ask() : worker{};
  spdlog::log(level, "{}", as_json ? format_json(event, xs, who) : format_kv(event, xs, who));
}

} // namespace

void ask_who(worker (*who)()) { whose.store(who, std::memory_order_relaxed); }

std::string format_kv(std::string_view event, fields xs, const worker& who) {
  auto out = std::string{"event="};
  out += plain(event) ? std::string{event} : json_string(event);
  if (!who.name.empty())
    out.append(" actor=").append(who.name).append(" actor_id=").append(std::to_string(who.id));
  for (auto& [name, x] : xs) {
    out += ' ';
    out += name;
    out += '=';
    out += plain(x.text) ? x.text : json_string(x.text);
  }
  return out;
}

bool setup(std::string_view level, std::string_view format) {
  auto parsed = spdlog::level::from_str(std::string{level});
  if (parsed == spdlog::level::off && level != "off")
    return false;
  if (format != "kv" && format != "json")
    return false;
  as_json = format == "json";
  // stdout belongs to the ready line: who starts a node may read that and nothing more, and a full
  // pipe would stop every thread that logs.
  warnings()->set_level(spdlog::level::warn);
  auto sinks =
      spdlog::sinks_init_list{std::make_shared<spdlog::sinks::stderr_sink_mt>(), warnings()};
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("shoald", sinks));
  spdlog::set_level(parsed);
  spdlog::set_pattern(as_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                              : "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
      spdlog::pattern_time_type::utc);
  return true;
}

bool known_level(std::string_view level) {
  return level == "off" || spdlog::level::from_str(std::string{level}) != spdlog::level::off;
}

bool set_level(std::string_view level) {
  if (!known_level(level))
    return false;
  spdlog::set_level(spdlog::level::from_str(std::string{level}));
  return true;
}

std::vector<std::string> recent_warnings() { return warnings()->last_formatted(); }

bool debug_enabled() { return spdlog::should_log(spdlog::level::debug); }
void debug(std::string_view event, fields xs) { write(spdlog::level::debug, event, xs); }
void info(std::string_view event, fields xs) { write(spdlog::level::info, event, xs); }
void warn(std::string_view event, fields xs) { write(spdlog::level::warn, event, xs); }
void error(std::string_view event, fields xs) { write(spdlog::level::err, event, xs); }

} // namespace shoal::log
