// Client code for the calls of an app. Each function gives one whole source file; the same
// definitions give the same text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/shoalctl/codegen/definitions.hpp"

namespace shoal::codegen {

std::string typescript(const definitions& x); ///< no dependency; browsers, Node.js, mini-programs
std::string kotlin(const definitions& x);     ///< needs kotlinx.serialization
std::string swift(const definitions& x);      ///< needs Foundation
std::string openapi(const definitions& x);    ///< OpenAPI 3.1, JSON

/// Lines of a source file, indented by depth.
class source {
public:
  explicit source(std::size_t width) : width_{width} {}

  source& line(std::string_view text = {}) {
    if (!text.empty())
      out_.append(depth_ * width_, ' ').append(text);
    out_ += '\n';
    return *this;
  }
  source& in() { return ++depth_, *this; }
  source& out() { return --depth_, *this; }

  /// Each line of the text behind `mark`; nothing for an empty text. Nothing in it can end a
  /// comment.
  source& comment(std::string_view mark, std::string_view text);

  std::string take() { return std::move(out_); }

private:
  std::string out_;
  std::size_t width_;
  std::size_t depth_ = 0;
};

/// What a language writes around the type of what a container holds.
struct container_words {
  std::string_view list_open, list_close, map_open, map_close;
};

/// The name of a type inside its containers.
std::string contained(std::string name, const type& x, const container_words& words);

/// "a, b, c"
std::string listed(const std::vector<std::string>& items);

} // namespace shoal::codegen
