#include "protocol/http/parser.hpp"

#include <algorithm>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "protocol/http/target.hpp"

namespace shoal::http {
namespace {

namespace beast = boost::beast;
using beast_error = beast::http::error;

constexpr std::size_t max_method = 32;
constexpr std::string_view head_end = "\r\n\r\n";

/// "0\r\n\r\n": a chunked body that is not complete yet lacks at least this much.
constexpr std::size_t last_chunk = 5;

/// What is wrong with the bytes of a head, line ends included; empty if nothing is. Called for the
/// new bytes only, so `before` is the byte ahead of them.
std::string_view head_flaw(std::string_view bytes, char before) {
  for (auto c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    if ((c == '\n') != (before == '\r'))
      return c == '\n' ? "line ends with a bare LF" : "CR without LF";
    if (before == '\n' && (c == ' ' || c == '\t'))
      return "folded header line";
    if ((byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7f)
      return "control character in the head";
    before = c;
  }
  return {};
}

/// Some readers take it for a line end, and others do not.
bool has_bare_line_feed(std::string_view bytes) {
  for (auto at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1))
    if (at == 0 || bytes[at - 1] != '\r')
      return true;
  return false;
}

/// Method, target, and then "HTTP/" something: not a target with a space in it.
bool has_a_version(std::string_view head) {
  constexpr auto protocol = std::string_view{"HTTP/"};
  auto line = head.substr(0, head.find('\r'));
  auto last = line.rfind(' ');
  return std::ranges::count(line, ' ') == 2 &&
         same_name(line.substr(last + 1, protocol.size()), protocol);
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

/// One request on its way in.
class parser::message : public beast::http::basic_parser<true> {
public:
  explicit message(const parser_limits& limits) {
    header_limit(static_cast<std::uint32_t>(limits.header));
    body_limit(limits.body);
    eager(false);
  }

  request data;
  std::optional<refusal> flaw;
  bool http_1_0 = false;
  bool expects_continue = false;
  std::uint64_t chunk_left = 0; ///< data of the present chunk that has not been read

private:
  using verb = beast::http::verb;
  using field = beast::http::field;
  using error_code = beast::error_code;
  using string_view = beast::string_view;

  void refuse(error_code& error, refusal why) {
    flaw = std::move(why);
    error = beast_error::bad_value;
  }

  void on_request_impl(
      verb, string_view method, string_view target, int version, error_code& error) override {
    if (method.size() > max_method)
      return refuse(error, {501, ec::method_not_allowed, "unknown method"});
    auto asked = read_target({target.data(), target.size()});
    if (!asked)
      return refuse(error, {400, ec::invalid_argument, "the request target must be a path"});
    http_1_0 = version == 10;
    data.method.assign(method.data(), method.size());
    data.path = asked->path;
    data.query = asked->query;
    host_ = asked->host;
  }

  void on_field_impl(
      field name, string_view name_text, string_view value, error_code& error) override {
    if (in_body_)
      return refuse(error, {400, ec::invalid_argument, "trailer fields are not accepted"});
    auto text = std::string_view{value.data(), value.size()};
    if (auto detail = framing_flaw(name, text); !detail.empty())
      return refuse(error, {400, ec::invalid_argument, std::string{detail}});
    if (name == field::expect) {
      if (!same_name(text, "100-continue"))
        return refuse(error, {417, ec::invalid_argument, "unknown expectation"});
      expects_continue = true;
    }
    data.headers.emplace_back(std::string{name_text.data(), name_text.size()}, text);
  }

  std::string_view framing_flaw(field name, std::string_view value) {
    if (name == field::content_length) {
      if (lengths_++ != 0)
        return "more than one Content-Length";
      if (!all_digits(value))
        return "Content-Length is not a number";
    } else if (name == field::transfer_encoding) {
      if (encodings_++ != 0 || !same_name(value, "chunked"))
        return "Transfer-Encoding other than chunked";
    } else if (name == field::host) {
      if (hosts_++ != 0)
        return "more than one Host";
      if (!valid_host(value))
        return "Host is malformed";
    }
    return {};
  }

  void on_header_impl(error_code& error) override {
    in_body_ = true;
    if (lengths_ != 0 && encodings_ != 0)
      refuse(error, {400, ec::invalid_argument, "both Content-Length and Transfer-Encoding"});
    else if (http_1_0 && encodings_ != 0)
      refuse(error, {400, ec::invalid_argument, "Transfer-Encoding in HTTP/1.0"});
    else if (!http_1_0 && hosts_ == 0)
      refuse(error, {400, ec::invalid_argument, "Host is missing"});
    else if (!host_.empty())
      prefer_the_targets_host();
  }

  void prefer_the_targets_host() {
    std::erase_if(data.headers, [](auto& x) { return same_name(x.first, "host"); });
    data.headers.emplace_back("Host", std::move(host_));
  }

  // The announced length is not reserved: memory grows with what has arrived, not with what was
  // promised.
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(string_view bytes, error_code&) override {
    data.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  void on_chunk_header_impl(std::uint64_t size, string_view extension, error_code& error) override {
    chunk_left = size;
    if (has_bare_line_feed({extension.data(), extension.size()}))
      refuse(error, {400, ec::invalid_argument, "line ends with a bare LF"});
  }

  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& error) override {
    chunk_left -= bytes.size();
    return on_body_impl(bytes, error);
  }

  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  std::string host_; // of the target
  bool in_body_ = false;
  int lengths_ = 0;
  int encodings_ = 0;
  int hosts_ = 0;
};

parser::parser(parser_limits limits) : limits_{limits} {}

parser::~parser() = default;

void parser::feed(std::string_view bytes) {
  if (!failed_)
    input_.append(bytes);
}

parser::outcome parser::next() {
  if (failed_)
    return outcome::failed;
  if (message_)
    return read_body();
  return read_head();
}

parser::outcome parser::read_head() {
  // Some clients end a body with an extra line end; it belongs to no request.
  while (scanned_ == 0 && input_.starts_with("\r\n"))
    input_.erase(0, 2);
  if (scanned_ == 0 && input_ == "\r")
    return outcome::need_more; // half of such a line end
  auto end = input_.find(head_end, scanned_ < 3 ? 0 : scanned_ - 3);
  auto complete = end != std::string::npos;
  auto size = complete ? end + head_end.size() : input_.size();
  auto fresh = std::string_view{input_}.substr(0, std::min(size, limits_.header));
  if (scanned_ < fresh.size()) {
    auto before = scanned_ == 0 ? ' ' : input_[scanned_ - 1];
    if (auto flaw = head_flaw(fresh.substr(scanned_), before); !flaw.empty())
      return refuse(400, ec::invalid_argument, std::string{flaw});
    scanned_ = fresh.size();
  }
  if (size > limits_.header)
    return refuse(431, ec::invalid_argument, "the request head is too large");
  if (!complete)
    return outcome::need_more;
  message_ = std::make_unique<message>(limits_);
  auto used = std::size_t{0};
  if (put(std::string_view{input_}.substr(0, size), used) == outcome::failed)
    return outcome::failed;
  if (!message_->is_header_done())
    return refuse(400, ec::invalid_argument, "malformed request head");
  scanned_ = 0;
  consume(size);
  keep_alive_ = message_->keep_alive();
  http_1_0_ = message_->http_1_0;
  wants_continue_ = message_->expects_continue && !http_1_0_ && !message_->is_done();
  return read_body();
}

parser::outcome parser::read_body() {
  auto used = std::size_t{0};
  // Beast asserts that it has seen a whole last chunk when it looks at one a second time, so it
  // gets no less.
  auto least = message_->chunked() ? last_chunk : 1;
  while (!message_->is_done() && input_.size() - used >= least) {
    auto n = std::size_t{0};
    if (put(std::string_view{input_}.substr(used), n) == outcome::failed)
      return outcome::failed;
    if (n == 0)
      break;
    used += n;
  }
  consume(used);
  if (message_->is_done()) {
    done_ = std::move(message_->data);
    message_.reset();
    wants_continue_ = false;
    return outcome::have_request;
  }
  // What Beast leaves unread in a body is a chunk header or the end of the last chunk, both short
  // in honest requests. It would go on waiting for a line end that others have seen already.
  if (input_.size() >= least && message_->chunk_left == 0 && has_bare_line_feed(input_))
    return refuse(400, ec::invalid_argument, "line ends with a bare LF");
  if (input_.size() > limits_.header)
    return refuse(400, ec::invalid_argument, "chunk header too large");
  return outcome::need_more;
}

parser::outcome parser::put(std::string_view bytes, std::size_t& used) {
  auto error = beast::error_code{};
  used = message_->put(boost::asio::const_buffer{bytes.data(), bytes.size()}, error);
  if (!error || error == beast_error::need_more)
    return outcome::need_more;
  if (message_->flaw)
    return refuse(message_->flaw->status, message_->flaw->code, message_->flaw->detail);
  if (error == beast_error::body_limit)
    return refuse(413, ec::payload_too_large, "the request body is too large");
  if (error == beast_error::bad_version && has_a_version(bytes))
    return refuse(505, ec::unsupported_version, "HTTP/1.0 and HTTP/1.1 are spoken here");
  if (error == beast_error::bad_version)
    return refuse(400, ec::invalid_argument, "malformed request line");
  return refuse(400, ec::invalid_argument, error.message());
}

parser::outcome parser::refuse(int status, ec code, std::string detail) {
  failed_ = true;
  refusal_ = {status, code, std::move(detail)};
  message_.reset();
  input_ = std::string{};
  return outcome::failed;
}

void parser::consume(std::size_t n) {
  if (n == input_.size())
    input_ = std::string{};
  else
    input_.erase(0, n);
}

request parser::take() { return std::move(done_); }

bool parser::take_continue() { return std::exchange(wants_continue_, false); }

std::size_t parser::held() const {
  return input_.size() + (message_ ? message_->data.body.size() : 0);
}

parser::stage parser::at() const {
  if (message_)
    return stage::body;
  return input_.empty() ? stage::idle : stage::head;
}

} // namespace shoal::http
