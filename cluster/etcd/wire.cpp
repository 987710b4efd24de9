#include "cluster/etcd/wire.hpp"

#include <charconv>

#include <nlohmann/json.hpp>

#include "protocol/signing.hpp"

namespace shoal::cluster::etcd {

namespace {

using nlohmann::json;

json parsed(std::string_view text) { return json::parse(text, nullptr, false); }

/// A text field; null if it is missing or something else.
const std::string* text_of(const json& x, const char* field) {
  auto i = x.find(field);
  return i == x.end() ? nullptr : i->get_ptr<const std::string*>();
}

bool flag_of(const json& x, const char* field) {
  auto i = x.find(field);
  return i != x.end() && i->is_boolean() && i->get<bool>();
}

bool take_base64(const json& x, const char* field, std::string& out) {
  const auto* text = text_of(x, field);
  return text != nullptr && unbase64(*text, out);
}

bool take_number(const json& x, const char* field, std::int64_t& out) {
  const auto* text = text_of(x, field);
  if (text == nullptr)
    return false;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), out);
  return error == std::errc{} && end == text->data() + text->size();
}

/// An empty value is left out by the gateway.
bool take_value(const json& x, stored_value& out) {
  return x.is_object() && take_base64(x, "key", out.name) &&
         (!x.contains("value") || take_base64(x, "value", out.text)) &&
         take_number(x, "mod_revision", out.revision) && out.revision > 0;
}

} // namespace

std::string end_of(std::string prefix) {
  while (!prefix.empty()) {
    auto& last = prefix.back();
    if (static_cast<unsigned char>(last) != 0xff) {
      last = static_cast<char>(static_cast<unsigned char>(last) + 1);
      return prefix;
    }
    prefix.pop_back();
  }
  return std::string(1, '\0'); // etcd: to the last key
}

std::string range_request(std::string_view key, std::string_view end, std::size_t limit) {
  auto out = json{{"key", base64(key)}, {"limit", std::to_string(limit)}, {"serializable", false}};
  if (!end.empty())
    out["range_end"] = base64(end);
  return out.dump();
}

std::string watch_request(std::string_view key, std::string_view end) {
  return json{{"create_request", {{"key", base64(key)}, {"range_end", base64(end)}}}}.dump();
}

std::string swap_request(
    std::string_view key, const std::optional<stored_value>& expected, std::string_view text) {
  auto name = base64(key);
  auto compare = json::array();
  if (expected) {
    compare.push_back({{"key", name}, {"target", "MOD"}, {"result", "EQUAL"},
        {"mod_revision", std::to_string(expected->revision)}});
    compare.push_back({{"key", name}, {"target", "VALUE"}, {"result", "EQUAL"},
        {"value", base64(expected->text)}});
  } else {
    compare.push_back(
        {{"key", name}, {"target", "CREATE"}, {"result", "EQUAL"}, {"create_revision", "0"}});
  }
  auto put = json{{"request_put", {{"key", name}, {"value", base64(text)}}}};
  return json{{"compare", compare}, {"success", json::array({put})}}.dump();
}

bool parse(std::string_view text, range_answer& out) {
  out = {};
  auto x = parsed(text);
  if (!x.is_object() || !x.contains("header"))
    return false;
  out.more = flag_of(x, "more");
  if (const auto& header = x["header"]; header.is_object())
    take_number(header, "revision", out.store_revision);
  auto values = x.find("kvs");
  if (values == x.end())
    return true;
  if (!values->is_array())
    return false;
  for (const auto& value : *values)
    if (!take_value(value, out.values.emplace_back()))
      return false;
  return true;
}

bool parse_swap(std::string_view text, bool& succeeded) {
  auto x = parsed(text);
  if (!x.is_object() || !x.contains("header"))
    return false;
  succeeded = flag_of(x, "succeeded"); // left out if it is false
  return true;
}

watch_event parse_watch(std::string_view line) {
  auto x = parsed(line);
  if (!x.is_object())
    return watch_event::garbage;
  auto result = x.find("result");
  if (result == x.end() || !result->is_object())
    return x.contains("error") ? watch_event::ended : watch_event::garbage;
  if (flag_of(*result, "canceled"))
    return watch_event::ended;
  auto events = result->find("events");
  if (events != result->end() && events->is_array() && !events->empty())
    return watch_event::changed;
  return flag_of(*result, "created") ? watch_event::created : watch_event::none;
}

} // namespace shoal::cluster::etcd
