// HTTP/1.1 requests out of bytes, without sockets. Boost.Beast cuts and unchunks; this class adds
// what Beast lets pass and a server behind unknown proxies must refuse: everything on which two
// readers could disagree where a request ends.
//
// One per connection. Bytes go in with `feed`, one request at a time comes out of `next`; bytes of
// the following (pipelined) request wait inside. Memory: at most the header limit, plus a body that
// grows as it arrives up to its limit, plus whatever one `feed` brought beyond the current request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/codes.hpp"
#include "protocol/http/message.hpp"

namespace shoal::http {

struct parser_limits {
  std::size_t header = 16 * 1024;
  std::size_t body = 16 * 1024 * 1024;
};

/// Why a request is refused; the connection cannot be used after it.
struct refusal {
  int status = 400;
  ec code = ec::invalid_argument;
  std::string detail;
};

class parser {
public:
  explicit parser(parser_limits limits);
  ~parser();

  void feed(std::string_view bytes);

  enum class outcome : std::uint8_t { need_more, have_request, failed };

  /// Goes on with the bytes at hand. After `have_request`, take it with `take()` before calling
  /// again.
  outcome next();

  request take();

  const refusal& error() const { return refusal_; }

  /// About the request that `next` reported last.
  bool keep_alive() const { return keep_alive_; }
  bool is_http_1_0() const { return http_1_0_; }

  /// True once per request whose sender waits for "100 Continue" before it sends the body.
  bool take_continue();

  enum class stage : std::uint8_t { idle, head, body };

  /// What came behind the request that `next` reported last, if the connection is not HTTP from
  /// there on.
  std::string take_rest() { return std::exchange(input_, {}); }

  /// Bytes held that are not handed out yet.
  std::size_t held() const;

  /// What of the next request has arrived.
  stage at() const;

private:
  class message;

  outcome read_head();
  outcome read_body();
  outcome put(std::string_view bytes, std::size_t& used);
  outcome refuse(int status, ec code, std::string detail);
  void consume(std::size_t n);

  parser_limits limits_;
  std::string input_;
  std::size_t scanned_ = 0; // bytes of an incomplete head that are already checked
  std::unique_ptr<message> message_;
  request done_;
  refusal refusal_;
  bool failed_ = false;
  bool keep_alive_ = true;
  bool http_1_0_ = false;
  bool wants_continue_ = false;
};

} // namespace shoal::http
