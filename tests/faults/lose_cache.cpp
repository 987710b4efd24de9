#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "tests/faults/sync_ledger.hpp"

namespace shoal::faults {

namespace fs = std::filesystem;

lost_cache lose_cache(const std::string& folder, sync_ledger& ledger) {
  if (ledger.files() == 0)
    throw std::runtime_error{"nobody wrote down what was synced below " + folder};
  if (ledger.is_full())
    throw std::runtime_error{"too many files to know what was synced below " + folder};
  auto all = std::vector<fs::path>{};
  for (auto& x : fs::recursive_directory_iterator{folder})
    if (x.is_regular_file() && !x.is_symlink())
      all.push_back(x.path());
  auto out = lost_cache{};
  auto left = std::vector<sync_ledger::file>{};
  for (auto& path : all) {
    auto x = sync_ledger::file{};
    if (::stat(path.c_str(), &x) != 0)
      throw std::runtime_error{"cannot look at " + path.string()};
    auto remains = ledger.of(x);
    if (!remains.has_name) {
      fs::remove(path);
      ++out.removed;
      out.bytes += static_cast<std::uint64_t>(x.st_size);
      continue;
    }
    if (remains.bytes < x.st_size) {
      fs::resize_file(path, static_cast<std::uintmax_t>(remains.bytes));
      ++out.shortened;
      out.bytes += static_cast<std::uint64_t>(x.st_size - remains.bytes);
      x.st_size = remains.bytes;
    }
    left.push_back(x);
  }
  ledger.forget_all();
  for (auto& x : left)
    ledger.is_on_disk(x);
  return out;
}

} // namespace shoal::faults
