#include "storage/record_bytes.hpp"

#include <bit>

#include "storage/records.hpp"

namespace shoal::storage {

namespace {

constexpr std::uint8_t record_version = 1;
constexpr std::size_t crc_size = 4;

std::uint32_t checksum(std::string_view key, std::string_view bytes) {
  return crc32c(bytes, crc32c(key));
}

} // namespace

record_writer::record_writer(std::size_t size_hint) {
  bytes_.reserve(size_hint);
  byte(record_version);
}

record_writer& record_writer::byte(std::uint8_t x) {
  bytes_.push_back(static_cast<char>(x));
  return *this;
}

record_writer& record_writer::number(std::uint64_t x) {
  while (x >= 0x80) {
    bytes_.push_back(static_cast<char>(x | 0x80));
    x >>= 7;
  }
  bytes_.push_back(static_cast<char>(x));
  return *this;
}

record_writer& record_writer::signed_number(std::int64_t x) {
  return number((static_cast<std::uint64_t>(x) << 1) ^ static_cast<std::uint64_t>(x >> 63));
}

record_writer& record_writer::text(std::string_view x) { return number(x.size()).rest(x); }

record_writer& record_writer::texts(const std::vector<std::string>& xs) {
  number(xs.size());
  for (const auto& x : xs)
    text(x);
  return *this;
}

record_writer& record_writer::pairs(const std::map<std::string, std::string>& xs) {
  number(xs.size());
  for (const auto& [name, value] : xs)
    text(name).text(value);
  return *this;
}

record_writer& record_writer::rest(std::string_view x) {
  bytes_.append(x);
  return *this;
}

std::string record_writer::seal(std::string_view key) {
  auto crc = checksum(key, bytes_);
  for (auto shift : {24, 16, 8, 0})
    bytes_.push_back(static_cast<char>(crc >> shift));
  return std::move(bytes_);
}

record_reader::record_reader(std::string_view bytes, std::string_view key) {
  if (bytes.size() < 1 + crc_size)
    return;
  auto body = bytes.substr(0, bytes.size() - crc_size);
  auto stored = std::uint32_t{0};
  for (auto c : bytes.substr(body.size()))
    stored = (stored << 8) | static_cast<unsigned char>(c);
  if (stored != checksum(key, body) || static_cast<std::uint8_t>(body.front()) != record_version)
    return;
  bytes_ = body.substr(1);
  ok_ = true;
}

bool record_reader::fail() {
  bytes_ = {};
  ok_ = false;
  return false;
}

bool record_reader::byte(std::uint8_t& out) {
  if (bytes_.empty())
    return fail();
  out = static_cast<std::uint8_t>(bytes_.front());
  bytes_.remove_prefix(1);
  return true;
}

bool record_reader::number(std::uint64_t& out) {
  out = 0;
  for (auto shift = 0; shift < 64; shift += 7) {
    auto x = std::uint8_t{0};
    if (!byte(x))
      return false;
    // The tenth byte has room for one bit; a last byte of zero is a longer way to write the same
    // number.
    if ((shift == 63 && x > 1) || (shift > 0 && x == 0))
      return fail();
    out |= static_cast<std::uint64_t>(x & 0x7f) << shift;
    if (x < 0x80)
      return true;
  }
  return fail();
}

bool record_reader::signed_number(std::int64_t& out) {
  auto x = std::uint64_t{0};
  if (!number(x))
    return false;
  out = std::bit_cast<std::int64_t>((x >> 1) ^ (~(x & 1) + 1));
  return true;
}

bool record_reader::text(std::string& out) {
  auto size = std::uint64_t{0};
  if (!number(size))
    return false;
  if (size > bytes_.size())
    return fail();
  out.assign(bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  return true;
}

bool record_reader::texts(std::vector<std::string>& out) {
  auto count = std::uint64_t{0};
  if (!number(count))
    return false;
  if (count > bytes_.size())
    return fail();
  out.clear();
  for (; count > 0; --count)
    if (!text(out.emplace_back()))
      return false;
  return true;
}

bool record_reader::pairs(std::map<std::string, std::string>& out) {
  auto count = std::uint64_t{0};
  if (!number(count))
    return false;
  out.clear();
  for (; count > 0; --count) {
    auto name = std::string{};
    auto value = std::string{};
    if (!text(name) || !text(value))
      return false;
    // Written from a map: sorted, each name once.
    if (!out.empty() && name <= out.rbegin()->first)
      return fail();
    out.emplace_hint(out.end(), std::move(name), std::move(value));
  }
  return true;
}

bool record_reader::rest(std::string& out) {
  if (!ok_)
    return false;
  out.assign(bytes_);
  bytes_ = {};
  return true;
}

} // namespace shoal::storage
