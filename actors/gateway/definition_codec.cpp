#include "actors/gateway/definition_codec.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "actors/gateway/definition_fields.hpp"

namespace shoal::gateway {

using nlohmann::json;

namespace {

// -- words of enums ------------------------------------------------------------------------------

template <class T>
struct words;

#define SHOAL_WORDS(type, ...)                                                                     \
  template <>                                                                                      \
  struct words<type> {                                                                             \
    static constexpr auto list = std::to_array<std::string_view>({__VA_ARGS__});                   \
  }
SHOAL_WORDS(backend_kind, "http", "grpc", "local");
SHOAL_WORDS(backend_protocol, "http1", "h2");
SHOAL_WORDS(discovery_kind, "fixed", "dns", "etcd", "service");
SHOAL_WORDS(balancing_kind, "round_robin", "least_requests", "user_hash");
SHOAL_WORDS(signing_kind, "none", "md5", "rsa", "sm3", "sm2");
SHOAL_WORDS(limit_mode, "off", "block", "observe");
SHOAL_WORDS(limit_by, "all", "user", "device", "ip");
SHOAL_WORDS(breaker_model, "errors", "slow_ratio");
SHOAL_WORDS(header_place, "request", "response");
SHOAL_WORDS(header_action, "set", "add", "remove");
SHOAL_WORDS(api_kind, "proxy", "aggregate");
SHOAL_WORDS(api_status, "offline", "online");
SHOAL_WORDS(param_place, "path", "query", "header", "cookie", "body");
SHOAL_WORDS(mgw::sign_type, "MD5", "HMACSHA256", "RSASHA256", "SM3");
#undef SHOAL_WORDS

template <class T>
std::string_view word_of(T x) {
  auto index = static_cast<std::size_t>(x);
  return index < words<T>::list.size() ? words<T>::list[index] : "unknown";
}

struct nobody {
  template <class T>
  void operator()(const char*, T&) {}
  template <class T>
  void secret(const char*, T&) {}
  template <class T>
  void given(const char*, T&) {}
};

template <class T>
concept has_fields = requires(T& x, nobody& v) {
  fields(x, v);
};

template <class T>
constexpr bool is_map = false;
template <class T>
constexpr bool is_map<std::map<std::string, T>> = true;
template <class T>
constexpr bool is_vector = false;
template <class T>
constexpr bool is_vector<std::vector<T>> = true;
template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

// -- writing -------------------------------------------------------------------------------------

template <class T>
json written(const T& x, shown how);

struct writer {
  shown how;
  json out = json::object();

  template <class M>
  void operator()(const char* name, const M& x) {
    if (auto value = written(x, how); !value.is_null())
      out[name] = std::move(value);
  }
  void secret(const char* name, const std::string& x) {
    if (!x.empty())
      out[name] = how == shown::row ? std::string_view{x} : hidden;
  }
  template <class M>
  void given(const char* name, const M& x) {
    if (how != shown::exported)
      out[name] = x;
  }
};

template <class T>
json all_fields(const T& x, shown how) {
  auto v = writer{how};
  fields(x, v);
  return std::move(v.out);
}

template <class T>
json fields_beside_defaults(const T& x, shown how) {
  static const auto defaults = all_fields(T{}, shown::row);
  auto out = all_fields(x, how);
  for (auto& [name, value] : defaults.items())
    if (auto i = out.find(name); i != out.end() && *i == value)
      out.erase(i);
  return out;
}

template <class T>
json written(const T& x, shown how) {
  if constexpr (has_fields<T>) {
    return how == shown::full ? all_fields(x, how) : fields_beside_defaults(x, how);
  } else if constexpr (std::is_enum_v<T>) {
    return word_of(x);
  } else if constexpr (std::is_same_v<T, json_text>) {
    return x.empty() ? json{} : json::parse(x.text, nullptr, false);
  } else if constexpr (is_vector<T>) {
    auto out = json::array();
    for (auto& y : x)
      out.push_back(written(y, how));
    return out;
  } else if constexpr (is_map<T>) {
    auto out = json::object();
    for (auto& [key, y] : x)
      out[key] = written(y, how);
    return out;
  } else if constexpr (is_optional<T>) {
    return x ? written(*x, how) : json{};
  } else {
    return x;
  }
}

// -- reading -------------------------------------------------------------------------------------

template <class T>
void taken(const json& in, reading how, const std::string& path, T& out);

[[noreturn]] void refuse(const std::string& path, std::string sentence) {
  throw bad_field{path, std::move(sentence)};
}

template <class T>
struct reader {
  const json& in;
  reading how;
  const std::string& path;
  std::vector<std::string_view> known = {};

  std::string below(const char* name) const { return path.empty() ? name : path + "." + name; }

  template <class M>
  void operator()(const char* name, M& x) {
    known.push_back(name);
    if (auto i = in.find(name); i != in.end())
      take_or_clear(*i, name, x);
  }
  template <class M>
  void take_or_clear(const json& value, const char* name, M& x) {
    if (!value.is_null())
      taken(value, how, below(name), x);
    else if constexpr (std::is_same_v<M, json_text> || is_optional<M>)
      x = M{};
  }
  void secret(const char* name, std::string& x) {
    known.push_back(name);
    if (auto i = in.find(name); i != in.end() && !i->is_null() && *i != hidden)
      taken(*i, how, below(name), x);
  }
  template <class M>
  void given(const char* name, M& x) {
    if (how == reading::row)
      (*this)(name, x);
    else
      known.push_back(name);
  }

  void finish() const {
    if (how == reading::row)
      return;
    for (auto& [name, value] : in.items())
      if (std::find(known.begin(), known.end(), name) == known.end())
        refuse(below(name.substr(0, 64).c_str()), "is no field here");
  }
};

template <class T>
void take_number(const json& in, const std::string& path, T& out) {
  if (!in.is_number_integer())
    refuse(path, "must be a whole number");
  auto positive = in.is_number_unsigned() || in.get<std::int64_t>() >= 0;
  auto fits = positive ? in.get<std::uint64_t>() <=
                             static_cast<std::uint64_t>(std::numeric_limits<T>::max())
                       : std::is_signed_v<T>;
  if (!fits)
    refuse(path, "is out of range");
  out = in.get<T>();
}

template <class T>
void take_word(const json& in, const std::string& path, T& out) {
  auto& list = words<T>::list;
  if (in.is_string())
    for (std::size_t i = 0; i < list.size(); ++i)
      if (list[i] == in.get_ref<const std::string&>()) {
        out = static_cast<T>(i);
        return;
      }
  auto choices = std::string{};
  for (auto& x : list)
    choices.append(choices.empty() ? "\"" : ", \"").append(x).append("\"");
  refuse(path, "must be one of " + choices);
}

// A key of decryption that is hidden is the old one of the same number.
void keep_hidden(const std::vector<decryption_key>& old, std::vector<decryption_key>& now) {
  for (auto& x : now)
    for (auto& y : old)
      if (x.private_pem.empty() && x.number == y.number)
        x.private_pem = y.private_pem;
}
template <class T>
void keep_hidden(const std::vector<T>&, std::vector<T>&) {}

template <class T>
void taken(const json& in, reading how, const std::string& path, T& out) {
  if constexpr (has_fields<T>) {
    if (!in.is_object())
      refuse(path.empty() ? "body" : path, "must be an object");
    auto v = reader<T>{in, how, path};
    fields(out, v);
    v.finish();
  } else if constexpr (std::is_enum_v<T>) {
    take_word(in, path, out);
  } else if constexpr (std::is_same_v<T, json_text>) {
    out.text = in.dump(-1, ' ', false, json::error_handler_t::replace);
  } else if constexpr (is_vector<T>) {
    if (!in.is_array())
      refuse(path, "must be a list");
    auto list = T{};
    for (std::size_t i = 0; i < in.size(); ++i)
      taken(in[i], how, path + "[" + std::to_string(i) + "]", list.emplace_back());
    keep_hidden(out, list);
    out = std::move(list);
  } else if constexpr (is_map<T>) {
    if (!in.is_object())
      refuse(path, "must be an object");
    auto map = T{};
    for (auto& [key, y] : in.items())
      taken(y, how, path + "." + key.substr(0, 64), map[key]);
    out = std::move(map);
  } else if constexpr (is_optional<T>) {
    if (!out)
      out.emplace();
    taken(in, how, path, *out);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!in.is_boolean())
      refuse(path, "must be true or false");
    out = in.template get<bool>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!in.is_string())
      refuse(path, "must be text");
    out = in.template get<std::string>();
  } else {
    take_number(in, path, out);
  }
}

} // namespace

json to_json(const api_group& x, shown how) { return written(x, how); }
json to_json(const api_definition& x, shown how) { return written(x, how); }
json to_json(const authorizer_rule& x, shown how) { return written(x, how); }
json to_json(const proto_definition& x, shown how) { return written(x, how); }
json to_json(const app_settings& x, shown how) { return written(x, how); }

void read(const json& in, reading how, api_group& out) { taken(in, how, "", out); }
void read(const json& in, reading how, api_definition& out) { taken(in, how, "", out); }
void read(const json& in, reading how, authorizer_rule& out) { taken(in, how, "", out); }
void read(const json& in, reading how, proto_definition& out) { taken(in, how, "", out); }
void read(const json& in, reading how, app_settings& out) { taken(in, how, "", out); }

std::string_view to_string(api_status x) { return word_of(x); }
std::string_view to_string(api_kind x) { return word_of(x); }
std::string_view to_string(backend_kind x) { return word_of(x); }

} // namespace shoal::gateway
