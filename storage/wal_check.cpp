#include "storage/wal_check.hpp"

#include <algorithm>
#include <utility>

#include "storage/records.hpp"

namespace shoal::storage {

namespace {

// A log is blocks of 32 KiB, filled with pieces of records; a piece is checksum 4, length 2, type
// 1 and body, little endian. Fewer than 7 bytes at the end of a block are filler.
constexpr std::size_t piece_head = 7;

enum piece_type : std::uint8_t { whole = 1, first = 2, middle = 3, last = 4 };

// A record is a batch: sequence number 8, count 4, then its entries. An entry of log data is tag 3,
// length, bytes; one of a mark has the length in one byte.
constexpr std::size_t batch_head = 12;
constexpr char log_data_tag = 3;
constexpr std::size_t needed = batch_head + 2 + wal_mark_bytes;

template <class Number>
Number little(std::string_view bytes, std::size_t at) {
  auto out = Number{0};
  for (auto i = sizeof(Number); i-- > 0;)
    out = static_cast<Number>(out << 8 | static_cast<unsigned char>(bytes[at + i]));
  return out;
}

std::uint64_t big(std::string_view bytes) {
  auto out = std::uint64_t{0};
  for (auto x : bytes.substr(0, 8))
    out = out << 8 | static_cast<unsigned char>(x);
  return out;
}

void put_big(std::string& out, std::uint64_t x) {
  for (auto shift = 56; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(x >> shift));
}

/// RocksDB stores checksums turned and shifted, so that those of checksums are good ones too.
std::uint32_t masked(std::uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

} // namespace

std::string encode_wal_mark(const wal_mark& x) {
  auto out = std::string{};
  put_big(out, x.tag);
  put_big(out, x.synced);
  return out;
}

std::uint64_t wal_tag_of(std::string_view identity) {
  auto out = std::uint64_t{0};
  auto digits = 0;
  for (auto c : identity) {
    if (c == '-')
      continue;
    auto hex = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (hex < 0)
      return 0;
    out = out << 4 | static_cast<std::uint64_t>(hex);
    if (++digits == 16)
      return out;
  }
  return 0;
}

void wal_check::add(const std::function<bool(std::string_view& block)>& next_block) {
  at_begin_ = true;
  zeros_ = false;
  auto block = std::string_view{};
  while (next_block(block))
    scan(block);
  if (inside_)
    gap();
}

void wal_check::scan(std::string_view block) {
  auto zeros = block.size() - (block.find_last_not_of('\0') + 1);
  while (block.size() >= piece_head) {
    if (block.size() <= zeros) { // space that was set aside, unless something follows
      zeros_ = true;
      return;
    }
    if (auto x = piece_at(block)) {
      take(*x);
      block.remove_prefix(piece_head + x->body.size());
      continue;
    }
    // The length may be what is damaged: whatever begins anywhere behind is looked for.
    gap();
    block.remove_prefix(1);
  }
}

std::optional<wal_check::piece> wal_check::piece_at(std::string_view bytes) {
  auto type = static_cast<std::uint8_t>(bytes[6]);
  auto size = little<std::uint16_t>(bytes, 4);
  if (type < whole || type > last || size > bytes.size() - piece_head)
    return std::nullopt;
  if (masked(crc32c(bytes.substr(6, 1u + size))) != little<std::uint32_t>(bytes, 0))
    return std::nullopt;
  return piece{type, bytes.substr(piece_head, size)};
}

void wal_check::take(const piece& x) {
  if (std::exchange(zeros_, false))
    gap();
  auto begins = x.type == whole || x.type == first;
  if (begins == inside_) // one that does not end, or has no begin
    gap();
  if (begins)
    begin(x.body);
  else if (inside_)
    head_.append(x.body.substr(0, needed - std::min(needed, head_.size())));
  if (inside_ && (x.type == whole || x.type == last))
    end_record();
}

void wal_check::begin(std::string_view body) {
  inside_ = true;
  head_ = body.substr(0, needed);
}

void wal_check::gap() {
  inside_ = false;
  follows_ = at_begin_ = false;
  torn_ = true;
}

void wal_check::end_record() {
  inside_ = false;
  if (head_.size() < batch_head)
    return gap();
  auto sequence = little<std::uint64_t>(head_, 0);
  auto count = little<std::uint32_t>(head_, 8);
  if (first_known_ == 0)
    first_known_ = sequence;
  // Recovery goes on in a later log that begins where the last one was left.
  if (at_begin_ && found_.reached != 0 && sequence == found_.reached + 1)
    follows_ = true;
  at_begin_ = false;
  auto body = std::string_view{head_}.substr(batch_head);
  if (tag_ != 0 && head_.size() == needed && body[0] == log_data_tag &&
      static_cast<unsigned char>(body[1]) == wal_mark_bytes && big(body.substr(2)) == tag_) {
    auto synced = big(body.substr(10));
    found_.proven = std::max(found_.proven, synced);
    found_.lost = found_.lost || proves_loss(synced);
  }
  if (follows_ && sequence + count > 0)
    found_.reached = std::max(found_.reached, sequence + count - 1);
}

/// If nothing was reached, what came before the logs may be in tables: then only what lies between
/// the begin of the logs and the first record that can be read counts, and it is there if it was
/// torn.
bool wal_check::proves_loss(std::uint64_t synced) const {
  if (found_.reached != 0)
    return synced > found_.reached;
  return torn_ && first_known_ > 1 && synced + 1 >= first_known_;
}

} // namespace shoal::storage
