#include "tests/faults/sync_ledger.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace shoal::faults {

namespace {

std::uint64_t key_of(const sync_ledger::file& x) {
  auto out = static_cast<std::uint64_t>(x.st_ino) ^ (static_cast<std::uint64_t>(x.st_dev) << 40);
  out = (out ^ (out >> 33)) * 0xff51afd7ed558ccdULL; // spreads neighbours
  out ^= out >> 29;
  return out == 0 ? 1 : out;
}

} // namespace

sync_ledger* sync_ledger::map(const char* path) {
  auto file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    return nullptr;
  auto* memory = MAP_FAILED;
  if (::ftruncate(file, sizeof(sync_ledger)) == 0)
    memory = ::mmap(nullptr, sizeof(sync_ledger), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return memory == MAP_FAILED ? nullptr : static_cast<sync_ledger*>(memory);
}

sync_ledger::slot* sync_ledger::slot_of(const file& x, bool make) {
  auto key = key_of(x);
  for (std::size_t i = 0; i < capacity; ++i) {
    auto& out = slots_[(key + i) % capacity];
    auto found = out.key.load();
    if (found == 0 && !make)
      return nullptr;
    if (found == 0 && out.key.compare_exchange_strong(found, key))
      return &out;
    if (found == key)
      return &out;
  }
  full_ = true;
  return make ? &slots_[0] : nullptr;
}

void sync_ledger::created(const file& x) {
  auto* to = slot_of(x, true); // maybe of a file that had this number before
  to->bytes = 0;
  to->born = 1 + folder_syncs_;
}

void sync_ledger::synced(const file& before) {
  if (S_ISDIR(before.st_mode))
    ++folder_syncs_;
  if (!S_ISREG(before.st_mode))
    return;
  auto* to = slot_of(before, true);
  auto known = to->bytes.load();
  while (known < before.st_size && !to->bytes.compare_exchange_weak(known, before.st_size)) {
  }
  to->born = 0;
}

void sync_ledger::shortened(const file& after) {
  if (auto* to = slot_of(after, false); to && to->bytes > after.st_size)
    to->bytes = after.st_size;
}

void sync_ledger::renamed(const file& x) {
  if (auto* to = slot_of(x, false))
    to->born = 0;
}

void sync_ledger::removed(const file& x) {
  if (auto* to = slot_of(x, false); to && x.st_nlink <= 1)
    to->bytes = 0;
}

sync_ledger::remains sync_ledger::of(const file& x) const {
  auto* known = slot_of(x);
  if (!known)
    return {};
  return {known->bytes, known->bytes > 0 || known->born != 1 + folder_syncs_};
}

void sync_ledger::forget_all() {
  for (auto& x : slots_) {
    x.key = 0;
    x.bytes = 0;
    x.born = 0;
  }
  full_ = false;
}

std::size_t sync_ledger::files() const {
  auto out = std::size_t{0};
  for (auto& x : slots_)
    out += x.key != 0 ? 1 : 0;
  return out;
}

} // namespace shoal::faults
