// The names of things: which world, whose stream, which business type.
//
// Numbers (`app_no`, `biz_no`) are handed out once by the catalog and never reused; they keep
// storage keys short and make it impossible to name another tenant's rows by accident. Text ids
// come from outside and are checked on entry.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace shoal {

/// An isolated world: one app in one workspace. 0 is never used.
enum class app_no : std::uint32_t {};

/// One business type inside an app. 0 is never used.
enum class biz_no : std::uint32_t {};

/// Fixed share of all principals, 0 .. partitions-1.
enum class partition_no : std::uint16_t {};

constexpr auto raw(app_no x) { return static_cast<std::uint32_t>(x); }
constexpr auto raw(biz_no x) { return static_cast<std::uint32_t>(x); }
constexpr auto raw(partition_no x) { return static_cast<std::uint16_t>(x); }

std::string to_string(app_no x);
std::string to_string(biz_no x);
std::string to_string(partition_no x);

enum class principal_kind : std::uint8_t { user = 1, device = 2, global = 3 };

/// Whom a stream belongs to. `id` is empty exactly for `global`.
struct principal {
  principal_kind kind = principal_kind::global;
  std::string id;

  static principal user(std::string id) { return {principal_kind::user, std::move(id)}; }
  static principal device(std::string id) { return {principal_kind::device, std::move(id)}; }
  static principal global() { return {}; }

  // The check takes the 0 that a default compares with for a pointer.
  auto operator<=>(const principal&) const = default; // NOLINT(modernize-use-nullptr)
};

/// "user:u1", "device:d1", "global".
std::string to_string(const principal& x);

/// Reads what `to_string` writes; false if the text names no principal or its id is not valid.
bool from_string(std::string_view text, principal& out);

/// One principal of one app: the unit that a stream actor serves.
struct principal_key {
  app_no app{};
  principal who;
  auto operator<=>(const principal_key&) const = default;
};

/// One ordered log.
struct stream_key {
  app_no app{};
  principal who;
  biz_no biz{};
  auto operator<=>(const stream_key&) const = default;
};

std::string to_string(const stream_key& x);

/// User and device ids: 1..128 bytes, printable ASCII without space, '/', '?', '#' or '%'; so they
/// fit a URL path as they are.
bool valid_external_id(std::string_view text);

/// Biz names: 1..64 of A-Z, 0-9 and '-', starting with a letter (mPaaS: "sync id").
bool valid_biz_name(std::string_view text);

/// App ids: 1..48 of a-z, 0-9 and '-', starting with a letter, optionally "@workspace" of the same
/// form.
bool valid_app_id(std::string_view text);

/// Stable 64-bit hash (XXH64-free: FNV-1a with a final mix); decides partitions, so it never
/// changes.
std::uint64_t stable_hash(std::string_view bytes, std::uint64_t seed = 0);

/// The partition of a principal among `count`.
partition_no partition_of(app_no app, const principal& who, std::uint16_t count);

} // namespace shoal

template <>
struct std::hash<shoal::principal_key> {
  std::size_t operator()(const shoal::principal_key& x) const noexcept;
};

template <>
struct std::hash<shoal::stream_key> {
  std::size_t operator()(const shoal::stream_key& x) const noexcept;
};
