#include <algorithm>

#include "tools/shoalctl/codegen/generators.hpp"

namespace shoal::codegen {

source& source::comment(std::string_view mark, std::string_view text) {
  while (!text.empty()) {
    auto end = std::min(text.find_first_of("\r\n"), text.size());
    auto now = std::string{mark}.append(" ");
    // Other control characters, among them those that some languages take for line ends, are
    // blanks; line comments are all that is ever written.
    for (auto c : text.substr(0, end))
      now += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    for (std::string_view separator : {"\u2028", "\u2029", "\u0085"})
      for (auto at = now.find(separator); at != std::string::npos; at = now.find(separator))
        now.replace(at, separator.size(), " ");
    line(now);
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return *this;
}

std::string contained(std::string name, const type& x, const container_words& words) {
  for (auto in : x.in) {
    auto list = in == type::container::list;
    name.insert(0, list ? words.list_open : words.map_open);
    name.append(list ? words.list_close : words.map_close);
  }
  return name;
}

std::string listed(const std::vector<std::string>& items) {
  auto out = std::string{};
  for (auto& x : items)
    out.append(out.empty() ? "" : ", ").append(x);
  return out;
}

} // namespace shoal::codegen
