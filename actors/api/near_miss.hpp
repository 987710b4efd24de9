// "did you mean": which known name comes nearest to one that nobody knows.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace shoal::api {

class near_miss {
public:
  explicit near_miss(std::string_view given)
      : given_{given}, distance_{std::min<std::size_t>(4, given.size())} {}

  /// `known` is kept as a view.
  void look_at(std::string_view known);

  /// `, did you mean "limit"?`, or nothing if all are far away.
  std::string hint() const;

private:
  std::string_view given_, nearest_;
  std::size_t distance_; ///< as many letters make another word
};

} // namespace shoal::api
