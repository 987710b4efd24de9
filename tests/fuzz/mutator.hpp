// Makes inputs that nobody wrote out of the kept seeds: blind, but the same for the same number, so
// that a finding comes again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shoal::fuzz {

class mutator {
public:
  static constexpr std::size_t max_size = 16 * 1024;

  /// `seeds` are at least one.
  explicit mutator(std::vector<std::string> seeds) : seeds_{std::move(seeds)} {}

  /// A seed with one to eight changes: bits, bytes that mean something, lengths, pieces that went,
  /// came twice, or are of another seed.
  std::string make(std::uint64_t number) const;

private:
  std::vector<std::string> seeds_;
};

} // namespace shoal::fuzz
