#include "protocol/http/problem.hpp"

#include <nlohmann/json.hpp>

namespace shoal::http {

response problem(int status, ec code, std::string_view detail) {
  auto document = nlohmann::ordered_json{
      {"type", "about:blank"},
      {"title", reason_phrase(status)},
      {"status", status},
      {"code", to_string(code)},
  };
  if (!detail.empty())
    document["detail"] = detail;
  // Details may quote what a caller sent; bytes that are not UTF-8 are replaced instead of thrown
  // at us.
  auto replace = nlohmann::ordered_json::error_handler_t::replace;
  auto body = document.dump(-1, ' ', false, replace) + '\n';
  return {status, "application/problem+json", {}, std::move(body)};
}

} // namespace shoal::http
