#include "protocol/ids.hpp"

#include <algorithm>

namespace shoal {

namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool valid_app_part(std::string_view text, std::size_t max) {
  return !text.empty() && text.size() <= max && is_lower(text.front()) &&
         std::all_of(text.begin(), text.end(),
             [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

std::uint64_t hash_of(app_no app, const principal& who) {
  auto seed = (static_cast<std::uint64_t>(raw(app)) << 8) | static_cast<std::uint64_t>(who.kind);
  return stable_hash(who.id, seed);
}

} // namespace

std::string to_string(app_no x) { return std::to_string(raw(x)); }
std::string to_string(biz_no x) { return std::to_string(raw(x)); }
std::string to_string(partition_no x) { return std::to_string(raw(x)); }

std::string to_string(const principal& x) {
  switch (x.kind) {
  case principal_kind::user:
    return "user:" + x.id;
  case principal_kind::device:
    return "device:" + x.id;
  case principal_kind::global:
    break;
  }
  return "global";
}

bool from_string(std::string_view text, principal& out) {
  if (text == "global") {
    out = principal::global();
    return true;
  }
  auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return false;
  auto kind = text.substr(0, colon);
  auto id = text.substr(colon + 1);
  if (!valid_external_id(id))
    return false;
  if (kind == "user")
    out = principal::user(std::string{id});
  else if (kind == "device")
    out = principal::device(std::string{id});
  else
    return false;
  return true;
}

std::string to_string(const stream_key& x) {
  return to_string(x.app) + '/' + to_string(x.who) + '/' + to_string(x.biz);
}

bool valid_external_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '/' && c != '?' && c != '#' && c != '%';
  });
}

bool valid_biz_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_upper(text.front()) &&
         std::all_of(text.begin(), text.end(),
             [](char c) { return is_upper(c) || is_digit(c) || c == '-'; });
}

bool valid_app_id(std::string_view text) {
  if (text.size() > 48)
    return false;
  auto at = text.find('@');
  if (at == std::string_view::npos)
    return valid_app_part(text, 48);
  return valid_app_part(text.substr(0, at), 48) && valid_app_part(text.substr(at + 1), 48);
}

std::uint64_t stable_hash(std::string_view bytes, std::uint64_t seed) {
  auto h = 0xcbf29ce484222325ull ^ (seed * 0x9e3779b97f4a7c15ull);
  for (auto c : bytes)
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  // The final mix of MurmurHash3: FNV alone leaves the high bits of short keys poor.
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdull;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return h ^ (h >> 33);
}

partition_no partition_of(app_no app, const principal& who, std::uint16_t count) {
  return static_cast<partition_no>(hash_of(app, who) % count);
}

} // namespace shoal

std::size_t std::hash<shoal::principal_key>::operator()(
    const shoal::principal_key& x) const noexcept {
  return shoal::hash_of(x.app, x.who);
}

std::size_t std::hash<shoal::stream_key>::operator()(const shoal::stream_key& x) const noexcept {
  return shoal::hash_of(x.app, x.who) ^ (static_cast<std::size_t>(x.biz) * 0x9e3779b97f4a7c15ull);
}
