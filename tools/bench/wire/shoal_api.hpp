// Signed calls of Shoal's server API over one keep-alive connection, one call at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tools/bench/contenders/contender.hpp"

namespace shoal::bench {

struct api_key {
  std::string id, secret;
};

/// One HTTP/1.1 connection.
class shoal_api : public publisher {
public:
  using answer_handler = std::function<void(int status, std::string_view body)>;

  /// `in_flight` is the most items of one call; 1: each op is a call of its own.
  shoal_api(api_key key, std::size_t in_flight, tally& t)
      : publisher{t}, key_{std::move(key)}, limit_{in_flight} {}

  void opened(connection&) override { connected_ = true; }
  std::size_t received(connection& c, std::string_view bytes) override;
  std::size_t capacity() const override { return connected_ && !answer_ ? limit_ : 0; }
  void publish(connection& c, std::span<const outgoing> ops) override;

  void call(connection& c, std::string_view method, std::string_view path, std::string_view body,
      answer_handler f);

private:
  api_key key_;
  std::size_t limit_;
  bool connected_ = false;
  answer_handler answer_; ///< set while a call is under way
};

constexpr auto shoal_app = "bench";
constexpr auto shoal_biz_all = "ALL";
constexpr auto shoal_biz_own = "OWN";

} // namespace shoal::bench
