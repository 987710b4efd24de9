#include "tests/fuzz/mutator.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <string_view>

namespace shoal::fuzz {
namespace {

constexpr auto meaningful =
    std::string_view{"\0\x01\x7f\x80\xff\r\n\t ,;:=./\\%+-\"'{}[]()&?#09aAzZ", 36};

/// Numbers at which lengths and counters go wrong.
constexpr auto edges = std::array<std::uint64_t, 12>{0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff,
    0x10000, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff};

class change {
public:
  change(std::string& text, const std::vector<std::string>& others, std::mt19937_64& random)
      : x_{text}, others_{others}, random_{random} {}

  void make() {
    switch (below(10)) {
    case 0:
      return each_byte([&](char& c) { c = static_cast<char>(c ^ (1 << below(8))); });
    case 1:
      return each_byte([&](char& c) { c = static_cast<char>(below(256)); });
    case 2:
      return each_byte([&](char& c) { c = meaningful[below(meaningful.size())]; });
    case 3:
      x_.erase(place(), length());
      return;
    case 4:
      x_.insert(place(), 1 + below(below(4) == 0 ? 256 : 4), meaningful[below(meaningful.size())]);
      return;
    case 5:
      x_.insert(place(), std::string{x_, place(), length()});
      return;
    case 6:
      x_.replace(place(), x_.npos, piece_of_another());
      return;
    case 7:
      x_.insert(place(), piece_of_another().substr(0, length()));
      return;
    case 8:
      return binary_number();
    default:
      return written_number();
    }
  }

private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random_() % n); }
  std::size_t place() { return below(x_.size() + 1); }
  std::size_t length() { return 1 + below(below(3) == 0 ? x_.size() : 8); }

  template <class What>
  void each_byte(What what) {
    if (!x_.empty())
      what(x_[below(x_.size())]);
  }

  std::string piece_of_another() {
    auto& from = others_[below(others_.size())];
    return from.substr(below(from.size() + 1));
  }

  /// Of 1, 2, 4 or 8 bytes, either end first.
  void binary_number() {
    auto size = std::size_t{1} << below(4);
    if (x_.size() < size)
      return;
    auto value = edges[below(edges.size())] + below(3) - 1;
    auto at = below(x_.size() - size + 1);
    auto big = below(2) == 0;
    for (std::size_t i = 0; i < size; ++i)
      x_[at + i] = static_cast<char>(value >> 8 * (big ? size - 1 - i : i));
  }

  void written_number() {
    constexpr auto digits = std::string_view{"0123456789"};
    auto at = x_.find_first_of(digits, place());
    if (at == x_.npos)
      return;
    auto end = std::min(x_.find_first_not_of(digits, at), x_.size());
    auto sign = below(8) == 0 ? "-" : "";
    x_.replace(at, end - at, sign + std::to_string(edges[below(edges.size())] + below(3) - 1));
  }

  std::string& x_;
  const std::vector<std::string>& others_;
  std::mt19937_64& random_;
};

} // namespace

std::string mutator::make(std::uint64_t number) const {
  auto random = std::mt19937_64{number};
  auto out = seeds_[random() % seeds_.size()];
  auto one = change{out, seeds_, random};
  for (auto changes = 1 + random() % 8; changes > 0; --changes) {
    one.make();
    out.resize(std::min(out.size(), max_size));
  }
  return out;
}

} // namespace shoal::fuzz
