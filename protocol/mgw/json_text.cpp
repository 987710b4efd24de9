#include "protocol/mgw/json_text.hpp"

#include <nlohmann/json.hpp>

#include "protocol/utf8.hpp"

namespace shoal::mgw {
namespace {

/// Walks over one text. A function that returns false has met something that is not JSON; where it
/// stands then means nothing.
class walker {
public:
  walker(std::string_view text, unsigned max_depth)
      : text_{text}, at_{text.data()}, end_{at_ + text.size()}, depth_left_{max_depth} {}

  bool value() {
    if (at_ == end_)
      return false;
    switch (*at_) {
    case '{':
      return object([](auto, auto) {});
    case '[':
      return array([](auto) {});
    case '"':
      return string();
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    default:
      return number();
    }
  }

  /// `see(name, value)` for each member.
  template <class See>
  bool object(See see) {
    return list('{', '}', [&] {
      auto name_begin = at_;
      if (!string())
        return false;
      auto name = std::string_view{name_begin + 1, at_ - 1};
      space();
      if (!take(':'))
        return false;
      space();
      auto begin = at_;
      if (!value())
        return false;
      see(name, std::string_view{begin, at_});
      return true;
    });
  }

  template <class See>
  bool array(See see) {
    return list('[', ']', [&] {
      auto begin = at_;
      if (!value())
        return false;
      see(std::string_view{begin, at_});
      return true;
    });
  }

  void space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
      ++at_;
  }

  /// Runs `read` on the whole text.
  template <class Read>
  bool whole(Read read) {
    space();
    if (!read())
      return false;
    space();
    return at_ == end_ && valid_utf8(text_);
  }

private:
  template <class Item>
  bool list(char open, char close, Item item) {
    if (depth_left_ == 0 || !take(open))
      return false;
    --depth_left_;
    space();
    if (!take(close)) {
      do {
        space();
        if (!item())
          return false;
        space();
      } while (take(','));
      if (!take(close))
        return false;
    }
    ++depth_left_;
    return true;
  }

  bool string() {
    if (!take('"'))
      return false;
    while (at_ != end_) {
      auto c = *at_++;
      if (c == '"')
        return true;
      if (static_cast<unsigned char>(c) < 0x20 || (c == '\\' && !escape()))
        return false;
    }
    return false;
  }

  bool escape() {
    if (at_ == end_)
      return false;
    switch (*at_++) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    case 'u': {
      auto unit = 0u;
      if (!four_digits(unit) || (unit >= 0xdc00 && unit <= 0xdfff))
        return false;
      if (unit < 0xd800 || unit > 0xdbff)
        return true;
      return take('\\') && take('u') && four_digits(unit) && unit >= 0xdc00 && unit <= 0xdfff;
    }
    default:
      return false;
    }
  }

  bool four_digits(unsigned& out) {
    out = 0;
    for (auto i = 0; i < 4; ++i, ++at_) {
      if (at_ == end_)
        return false;
      auto c = static_cast<unsigned>(static_cast<unsigned char>(*at_));
      auto lower = c | 0x20;
      if (c >= '0' && c <= '9')
        out = out * 16 + (c - '0');
      else if (lower >= 'a' && lower <= 'f')
        out = out * 16 + (lower - 'a' + 10);
      else
        return false;
    }
    return true;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits())
      return false;
    if (take('.') && !digits())
      return false;
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (!take('+'))
        take('-');
      return digits();
    }
    return true;
  }

  bool digits() {
    auto begin = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9')
      ++at_;
    return at_ != begin;
  }

  bool word(std::string_view what) {
    if (!std::string_view{at_, end_}.starts_with(what))
      return false;
    at_ += what.size();
    return true;
  }

  bool take(char c) {
    if (at_ == end_ || *at_ != c)
      return false;
    ++at_;
    return true;
  }

  std::string_view text_;
  const char* at_;
  const char* end_;
  unsigned depth_left_;
};

} // namespace

bool is_json(std::string_view text, unsigned max_depth) {
  auto x = walker{text, max_depth};
  return x.whole([&] { return x.value(); });
}

std::optional<std::vector<std::string_view>> json_elements(
    std::string_view text, unsigned max_depth) {
  auto x = walker{text, max_depth};
  auto out = std::vector<std::string_view>{};
  if (!x.whole([&] { return x.array([&](auto element) { out.push_back(element); }); }))
    return {};
  return out;
}

std::optional<std::vector<json_member>> json_members(std::string_view text, unsigned max_depth) {
  auto x = walker{text, max_depth};
  auto out = std::vector<json_member>{};
  if (!x.whole([&] {
        return x.object([&](auto name, auto value) { out.push_back({name, value}); });
      }))
    return {};
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  auto replace = nlohmann::json::error_handler_t::replace;
  out += nlohmann::json(text).dump(-1, ' ', false, replace);
}

} // namespace shoal::mgw
