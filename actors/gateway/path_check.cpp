#include "actors/gateway/path_check.hpp"

namespace shoal::gateway {
namespace {

constexpr int broken = -1;

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : broken;
}

/// The next character, decoded; `path` moves behind it.
int take(std::string_view& path) {
  auto c = path.front();
  path.remove_prefix(1);
  if (c != '%')
    return static_cast<unsigned char>(c);
  if (path.size() < 2)
    return broken;
  auto high = hex_digit(path[0]), low = hex_digit(path[1]);
  path.remove_prefix(2);
  return high == broken || low == broken ? broken : high * 16 + low;
}

/// Sees a segment's characters one by one; knows whether they are dots and nothing else.
class segment {
public:
  void add(int c) {
    if (c == ';')
      named_ = true; // what follows are parameters of the segment
    else if (!named_)
      ++(c == '.' ? dots_ : others_);
  }
  bool leads_elsewhere() const { return others_ == 0 && (dots_ == 1 || dots_ == 2); }

private:
  std::size_t dots_ = 0, others_ = 0;
  bool named_ = false;
};

} // namespace

std::string_view path_flaw(std::string_view path) {
  constexpr auto dots = std::string_view{"a segment of the path is \".\" or \"..\""};
  auto now = segment{};
  while (!path.empty()) {
    auto c = take(path);
    if (c == broken)
      return "the path has a '%' without two hex digits";
    if (c < 0x20 || c == 0x7f)
      return "the path has a control character";
    if (c == '\\')
      return "the path has a backslash";
    if (c != '/') {
      now.add(c);
      continue;
    }
    if (now.leads_elsewhere())
      return dots;
    now = {};
  }
  return now.leads_elsewhere() ? dots : std::string_view{};
}

} // namespace shoal::gateway
