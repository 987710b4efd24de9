#include "tools/shoalctl/http_caller.hpp"

#include <array>
#include <chrono>

#include <curl/curl.h>

#include "protocol/signing.hpp"

namespace shoal::ctl {

namespace {

constexpr std::size_t max_answer = 64u << 20;
constexpr std::size_t max_headers = 100;

std::size_t take_bytes(char* data, std::size_t, std::size_t n, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + n > max_answer)
    return 0;
  body.append(data, n);
  return n;
}

std::size_t take_header(char* data, std::size_t, std::size_t n, void* to) {
  auto line = std::string_view{data, n};
  auto colon = line.find(':');
  if (colon == line.npos)
    return n; // the status line, or the end
  auto value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
    value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n'))
    value.remove_suffix(1);
  auto& headers = *static_cast<header_list*>(to);
  if (headers.size() < max_headers)
    headers.emplace_back(line.substr(0, colon), value);
  return n;
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

class http_caller : public caller {
public:
  explicit http_caller(settings to)
      : to_{std::move(to)}, curl_{curl_easy_init(), curl_easy_cleanup} {
    if (!curl_)
      throw unreachable{"libcurl does not start"};
    while (to_.url.ends_with('/'))
      to_.url.pop_back();
  }

  reply call(std::string_view method, std::string_view target, std::string_view body) override {
    auto out = once(method, target, body);
    if (out.status != 401)
      return out;
    auto problem = json::parse(out.body, nullptr, false);
    if (!problem.is_object() || problem.value("code", "") != "clock_skew" ||
        !problem.contains("server_time_ms"))
      return out;
    ahead_ms_ = problem["server_time_ms"].get<std::int64_t>() - now_ms();
    return once(method, target, body);
  }

  reply plain(std::string_view method, std::string_view target, const header_list& headers,
      std::string_view body) override {
    curl_slist* raw = nullptr;
    for (const auto& [name, value] : headers)
      raw = curl_slist_append(raw, (name + ": " + value).c_str());
    return perform(method, target, body, curl_slist_append(raw, "Expect:"));
  }

private:
  reply once(std::string_view method, std::string_view target, std::string_view body) {
    auto split = target.find('?');
    auto path = target.substr(0, split);
    auto query = split == std::string_view::npos ? std::string_view{} : target.substr(split + 1);
    auto sign = make_authorization(to_.key, to_.secret, method, path, query, body,
        now_ms() + ahead_ms_, hex(random_bytes(16)));
    curl_slist* raw = nullptr;
    for (const auto& line : {"Authorization: " + sign,
             std::string{"Content-Type: application/json"}, std::string{"Expect:"}})
      raw = curl_slist_append(raw, line.c_str());
    return perform(method, target, body, raw);
  }

  reply perform(
      std::string_view method, std::string_view target, std::string_view body, curl_slist* raw) {
    auto headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>{raw, curl_slist_free_all};
    auto out = reply{};
    prepare(std::string{method}, to_.url + std::string{target}, body, headers.get(), out);
    if (auto code = curl_easy_perform(curl_.get()); code != CURLE_OK)
      throw unreachable{why_unreachable(code, words_.data(), to_)};
    auto status = 0L;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    out.status = static_cast<int>(status);
    return out;
  }

  void prepare(const std::string& method, const std::string& url, std::string_view body,
      curl_slist* headers, reply& answer) {
    auto c = curl_.get();
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, url.c_str());
    words_[0] = '\0';
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, words_.data());
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &answer.headers);
    if (!body.empty()) {
      curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
      curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, body.data());
    }
    if (!to_.ca.empty())
      curl_easy_setopt(c, CURLOPT_CAINFO, to_.ca.c_str());
    if (to_.insecure) {
      curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  settings to_;
  std::array<char, CURL_ERROR_SIZE> words_{}; ///< libcurl's, about the last failure
  std::unique_ptr<CURL, void (*)(CURL*)> curl_;
  std::int64_t ahead_ms_ = 0; ///< of the server's clock
};

} // namespace

std::string why_unreachable(int code, const std::string& detail, const settings& to) {
  auto says = to.url + ": ";
  switch (code) {
  case CURLE_PEER_FAILED_VERIFICATION:
    if (to.ca.empty())
      return says + "its certificate is not trusted here" +
             (detail.empty() ? "" : " (" + detail + ")") + ": give --ca FILE or set SHOAL_CA";
    return says + to.ca + " does not vouch for its certificate" +
           (detail.empty() ? "" : " (" + detail + ")");
  case CURLE_SSL_CACERT_BADFILE:
    return says + to.ca + " cannot be read as a PEM file with certificates";
  default:
    return says + (detail.empty() ? curl_easy_strerror(static_cast<CURLcode>(code)) : detail);
  }
}

std::unique_ptr<caller> make_http_caller(const settings& to) {
  return std::make_unique<http_caller>(to);
}

} // namespace shoal::ctl
