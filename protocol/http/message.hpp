// HTTP requests and responses as data. Parsing and sockets live in http/parser.* and tls/; meaning
// lives in actors/api.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shoal::http {

/// Whether two header names (or other HTTP tokens) are the same; case does not matter.
bool same_name(std::string_view x, std::string_view y);

struct request {
  std::string method;
  std::string path;  ///< as sent, not decoded: it is part of what callers sign
  std::string query; ///< after '?', as sent
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string peer; ///< "127.0.0.1:5312"

  /// Value of the first header of that name (case does not matter); empty if there is none.
  std::string_view header(std::string_view name) const;
};

struct response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// Answers one request. Copyable; the first call wins; dropping the last copy unused answers 500.
class responder {
public:
  responder() = default;
  explicit responder(std::function<void(response)> send);
  void operator()(response x) const;
  explicit operator bool() const { return state_ != nullptr; }

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace shoal::http
