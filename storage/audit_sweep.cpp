#include "storage/audit_sweep.hpp"

#include "storage/keys.hpp"

namespace shoal::storage {

namespace {

constexpr std::size_t app_size = 5;  // tag and app
constexpr std::size_t key_size = 17; // and time and sequence

std::string table_prefix() { return std::string(1, static_cast<char>(table::audit)); }

std::string behind(std::string key) { return key + '\0'; }

} // namespace

void audit_sweep::begin(std::int64_t now_ms) {
  if (!idle())
    return;
  if (rounds_++ % rounds_per_count == 0)
    counts_.clear();
  now_ms_ = now_ms;
  erased_ = 0;
  from_ = table_prefix();
  phase_ = phase::find;
}

audit_sweep::page audit_sweep::next() const {
  if (phase_ == phase::find)
    return {from_, prefix_end(table_prefix()), 1};
  if (phase_ == phase::erase)
    return {from_, prefix_end(app_), page_rows};
  auto known = counts_.find(app_);
  auto from =
      known == counts_.end() || known->second.last.empty() ? app_ : behind(known->second.last);
  return {std::move(from), prefix_end(app_), page_rows};
}

write_batch audit_sweep::take(const write_batch& rows) {
  switch (phase_) {
  case phase::idle:
    break;
  case phase::find:
    find(rows);
    break;
  case phase::count:
    count(rows);
    break;
  case phase::erase:
    return erase(rows);
  }
  return {};
}

void audit_sweep::find(const write_batch& rows) {
  if (rows.empty()) {
    phase_ = phase::idle;
    return;
  }
  auto& oldest = rows.rows().front().key;
  if (oldest.size() != key_size) { // nothing of ours: left alone
    from_ = behind(oldest);
    return;
  }
  app_ = oldest.substr(0, app_size);
  has_old_ = is_old(oldest);
  phase_ = phase::count;
}

void audit_sweep::count(const write_batch& rows) {
  if (!rows.empty()) {
    auto& known = counts_[app_];
    known.rows += rows.rows().size();
    known.last = rows.rows().back().key;
    return;
  }
  if (!has_old_ && counts_[app_].rows <= limits_.records)
    return next_app();
  from_ = app_;
  phase_ = phase::erase;
}

write_batch audit_sweep::erase(const write_batch& rows) {
  auto out = write_batch{};
  auto& known = counts_[app_];
  for (auto& row : rows.rows()) {
    if (known.rows <= limits_.records && !is_old(row.key))
      break;
    out.erase(row.key);
    known.rows -= known.rows > 0 ? 1 : 0;
  }
  erased_ += out.rows().size();
  if (rows.empty() || out.rows().size() < rows.rows().size())
    next_app();
  else
    from_ = behind(rows.rows().back().key); // it may still be there when the next page is read
  return out;
}

void audit_sweep::next_app() {
  from_ = prefix_end(app_);
  phase_ = phase::find;
}

bool audit_sweep::is_old(std::string_view key) const {
  if (key.size() != key_size)
    return false;
  auto time = std::uint64_t{0};
  for (auto c : key.substr(app_size, 8))
    time = time << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(time) < now_ms_ - limits_.age_ms;
}

} // namespace shoal::storage
