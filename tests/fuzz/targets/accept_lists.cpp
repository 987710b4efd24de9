// Accept, Accept-Encoding and Content-Type of a caller: case makes no difference, a list stays what
// it is, and nothing is taken that was not offered.
#include <algorithm>
#include <string>

#include "actors/gateway/accepted.hpp"
#include "actors/gateway/content_type.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;
using gateway::accepted;

namespace {

std::string in_capitals(std::string_view x) {
  auto out = std::string{x};
  std::ranges::transform(out, out.begin(),
      [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

void check_elements(std::string_view in) {
  auto elements = std::size_t{0};
  auto x = accepted{};
  for (auto left = in; gateway::next_accepted(left, x); ++elements) {
    fuzz::require(x.weight <= accepted::most, "a weight above the greatest");
    fuzz::require(!x.name.empty() && x.name.find_first_of(",;") == x.name.npos, "no name");
    fuzz::require(x.name.data() >= in.data() && x.name.data() + x.name.size() <= left.data(),
        "a name from elsewhere");
  }
  auto ranked = gateway::ranked(in);
  fuzz::require(ranked.size() <= std::min<std::size_t>(32, elements), "more than there are");
  for (auto i = std::size_t{0}; i < ranked.size(); ++i) {
    fuzz::require(ranked[i].weight != 0, "what is not wanted");
    fuzz::require(i == 0 || ranked[i - 1].weight > ranked[i].weight ||
                      (ranked[i - 1].weight == ranked[i].weight &&
                          ranked[i - 1].name.data() < ranked[i].name.data()),
        "not in their order");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  check_elements(in);
  auto capitals = in_capitals(in);
  fuzz::require(
      gateway::preferred_format(in) == gateway::preferred_format(capitals), "case matters");
  fuzz::require(gateway::takes_gzip(in) == gateway::takes_gzip(capitals), "case matters");
  fuzz::require(gateway::format_of(in) == gateway::format_of(capitals), "case matters");
  fuzz::require(gateway::is_text_type(in) == gateway::is_text_type(capitals), "case matters");
  auto offers = capitals.find("GZIP") != capitals.npos || in.find('*') != in.npos;
  fuzz::require(offers || !gateway::takes_gzip(in), "gzip was not offered");
  return 0;
}
