#include "protocol/percent.hpp"

#include "protocol/signing.hpp"

namespace shoal {

std::string percent_encoded(std::string_view text, std::string_view also_plain) {
  constexpr auto digits = "0123456789ABCDEF";
  constexpr auto unreserved = std::string_view{"-._~"};
  auto out = std::string{};
  out.reserve(text.size());
  for (auto c : text) {
    auto byte = static_cast<unsigned char>(c);
    auto plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 unreserved.find(c) != std::string_view::npos ||
                 also_plain.find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

std::optional<std::string> form_decoded(std::string_view text) {
  auto out = std::string{};
  out.reserve(text.size());
  auto byte = std::string{};
  for (auto i = std::size_t{0}; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else if (text.size() - i > 2 && unhex(text.substr(i + 1, 2), byte)) {
      out += byte;
      i += 2;
    } else {
      return {};
    }
  }
  return out;
}

} // namespace shoal
