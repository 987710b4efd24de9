#include "protocol/http/problem.hpp"

#include <nlohmann/json.hpp>

namespace shoal::http {

std::string_view reason_phrase(int status) {
  switch (status) {
  case 100:
    return "Continue";
  case 200:
    return "OK";
  case 201:
    return "Created";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 412:
    return "Precondition Failed";
  case 413:
    return "Content Too Large";
  case 415:
    return "Unsupported Media Type";
  case 417:
    return "Expectation Failed";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  case 505:
    return "HTTP Version Not Supported";
  case 507:
    return "Insufficient Storage";
  default:
    return "Unknown";
  }
}

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
  return {status, "application/problem+json", {}, document.dump(-1, ' ', false, replace)};
}

} // namespace shoal::http
