#include "actors/api/json_reader.hpp"

#include <algorithm>
#include <span>

#include "actors/api/near_miss.hpp"

namespace shoal::api {

using nlohmann::json;

namespace {

// Looked at before parsing: the parser would take memory for each level.
bool nested_too_deep(std::string_view text, int max_depth) {
  auto depth = 0;
  auto quoted = false;
  for (auto i = std::size_t{0}; i < text.size(); ++i) {
    auto c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth)
        return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

std::string unknown_field(std::string_view given, std::span<const char* const> known) {
  auto nearest = near_miss{given};
  for (auto candidate : known)
    nearest.look_at(candidate);
  return "unknown field" + nearest.hint();
}

std::string_view shown(std::string_view name) { return name.substr(0, 64); }

} // namespace

json parse_body(std::string_view body, int max_depth) {
  if (body.empty())
    return json::object();
  if (nested_too_deep(body, max_depth))
    throw refusal{ec::invalid_argument, "the body is nested too deeply"};
  try {
    auto out = json::parse(body);
    if (!out.is_object())
      throw refusal{ec::invalid_argument, "the body must be a JSON object"};
    return out;
  } catch (const json::parse_error& e) {
    throw refusal{ec::invalid_argument,
        std::string{"the body is not JSON: error at byte "}.append(std::to_string(e.byte))};
  } catch (const json::out_of_range&) {
    throw refusal{ec::invalid_argument, "the body holds a number that is too large"};
  }
}

json_reader::json_reader(json& object, std::string_view where) : object_{object}, where_{where} {
  if (!object_.is_object())
    throw refusal{ec::invalid_argument, std::string{where_}.append("must be an object")};
}

bool json_reader::text(const char* field, std::string& out, std::size_t max_bytes) {
  auto value = take(field);
  if (!value)
    return false;
  if (!value->is_string())
    refuse(field, "must be a string");
  auto& given = value->get_ref<std::string&>();
  if (given.size() > max_bytes)
    refuse(
        field, std::string{"is longer than "}.append(std::to_string(max_bytes)).append(" bytes"));
  out = std::move(given);
  return true;
}

bool json_reader::boolean(const char* field, bool& out) {
  auto value = take(field);
  if (!value)
    return false;
  if (!value->is_boolean())
    refuse(field, "must be true or false");
  out = value->get<bool>();
  return true;
}

bool json_reader::number(const char* field, std::int64_t& out, std::int64_t min, std::int64_t max) {
  auto value = take(field);
  if (!value)
    return false;
  auto good = value->is_number_integer() &&
              (!value->is_number_unsigned() ||
                  value->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX));
  auto given = good ? value->get<std::int64_t>() : 0;
  if (!good || given < min || given > max)
    refuse(field, std::string{"must be an integer from "}
                      .append(std::to_string(min))
                      .append(" to ")
                      .append(std::to_string(max)));
  out = given;
  return true;
}

bool json_reader::number(
    const char* field, std::uint32_t& out, std::uint32_t min, std::uint32_t max) {
  auto wide = std::int64_t{0};
  if (!number(field, wide, min, max))
    return false;
  out = static_cast<std::uint32_t>(wide);
  return true;
}

bool json_reader::number(const char* field, std::uint64_t& out) {
  auto value = take(field);
  if (!value)
    return false;
  if (!value->is_number_unsigned() &&
      (!value->is_number_integer() || value->get<std::int64_t>() < 0))
    refuse(field, "must be an integer from 0 to 18446744073709551615");
  out = value->get<std::uint64_t>();
  return true;
}

bool json_reader::texts(const char* field, std::vector<std::string>& out, std::size_t max_count,
    std::size_t max_bytes) {
  auto list = array(field, max_count);
  if (!list)
    return false;
  for (auto& x : *list) {
    if (!x.is_string() || x.get_ref<std::string&>().empty() ||
        x.get_ref<std::string&>().size() > max_bytes)
      refuse(field, std::string{"must hold strings of 1 to "}
                        .append(std::to_string(max_bytes))
                        .append(" bytes"));
    out.push_back(std::move(x.get_ref<std::string&>()));
  }
  return true;
}

bool json_reader::text_map(const char* field, std::map<std::string, std::string>& out,
    std::size_t max_count, std::size_t max_bytes) {
  auto value = take(field);
  if (!value)
    return false;
  if (!value->is_object() || value->size() > max_count)
    refuse(field, std::string{"must be an object of at most "}
                      .append(std::to_string(max_count))
                      .append(" strings"));
  for (auto& [name, x] : value->items()) {
    if (!x.is_string() || name.empty() || name.size() > max_bytes ||
        x.get_ref<std::string&>().size() > max_bytes)
      refuse(field, std::string{"must hold strings of at most "}
                        .append(std::to_string(max_bytes))
                        .append(" bytes"));
    out.emplace(name, std::move(x.get_ref<std::string&>()));
  }
  return true;
}

json* json_reader::array(const char* field, std::size_t max_count) {
  auto value = take(field);
  if (!value)
    return nullptr;
  if (!value->is_array())
    refuse(field, "must be an array");
  if (value->size() > max_count)
    refuse(
        field, std::string{"has more than "}.append(std::to_string(max_count)).append(" elements"));
  return value;
}

void json_reader::require(bool present, const char* field) const {
  if (!present)
    refuse(field, "is missing");
}

void json_reader::refuse(std::string_view field, std::string_view sentence, ec code) const {
  throw refusal{code, std::string{where_}.append(shown(field)).append(": ").append(sentence)};
}

void json_reader::finish() {
  if (found_ == object_.size())
    return;
  for (const auto& [name, value] : object_.items())
    if (std::find(asked_.begin(), asked_.end(), std::string_view{name}) == asked_.end())
      refuse(name, unknown_field(name, asked_));
}

json* json_reader::take(const char* field) {
  asked_.push_back(field);
  auto i = object_.find(field);
  if (i == object_.end())
    return nullptr;
  ++found_;
  return i->is_null() ? nullptr : &*i;
}

} // namespace shoal::api
