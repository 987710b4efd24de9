#include "actors/device/verifier.hpp"

#include <curl/curl.h>
#include <nlohmann/json.hpp>

#include "actors/log.hpp"

namespace shoal {

namespace {

constexpr std::size_t max_answer = 64 * 1024;

std::size_t keep(char* data, std::size_t size, std::size_t n, void* out) {
  auto& body = *static_cast<std::string*>(out);
  if (body.size() + size * n > max_answer)
    return 0; // makes curl fail with a write error
  body.append(data, size * n);
  return size * n;
}

struct curl_deleter {
  void operator()(CURL* x) const { curl_easy_cleanup(x); }
  void operator()(curl_slist* x) const { curl_slist_free_all(x); }
};

ec ask(CURL* curl, const verify_request& x, std::chrono::milliseconds patience) {
  auto question =
      nlohmann::json{{"instanceId", x.app}, {"userId", x.user}, {"sessionId", x.token}}.dump(
          -1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::unique_ptr<curl_slist, curl_deleter> headers{
      curl_slist_append(nullptr, "Content-Type: application/json")};
  std::string body;
  curl_easy_reset(curl); // keeps connections
  curl_easy_setopt(curl, CURLOPT_URL, x.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, question.c_str());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  auto code = curl_easy_perform(curl);
  if (code != CURLE_OK) {
    log::warn("session validation failed", {{"app", x.app}, {"why", curl_easy_strerror(code)}});
    return ec::verifier_unavailable;
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return verdict_of(status, body);
}

} // namespace

ec verdict_of(long http_status, const std::string& body) {
  if (http_status != 200)
    return ec::verifier_unavailable;
  auto x = nlohmann::json::parse(body, nullptr, false);
  if (!x.is_object() || x.value("resultCode", nlohmann::json{}) != "OK" ||
      x.value("success", nlohmann::json{}) != true)
    return ec::verifier_unavailable;
  auto result = x.value("result", nlohmann::json{});
  if (!result.is_object())
    return ec::verifier_unavailable;
  return result.value("valid", nlohmann::json{}) == true ? ec::none : ec::bad_token;
}

verifier_actor::behavior_type verifier(verifier_actor::pointer self, services_ptr sv) {
  std::shared_ptr<CURL> curl{curl_easy_init(), curl_deleter{}};
  return {
      [self, sv, curl](atom::verdict, const device_actor& device, const verify_request& x) {
        // A request that has waited as long as it may take is not worth asking any more.
        auto patience = std::chrono::milliseconds{sv->limit.verifier_timeout};
        auto code = sv->steady_ms() - x.asked_ms > patience.count() ? ec::verifier_unavailable
                                                                    : ask(curl.get(), x, patience);
        self->send(device, atom::verdict::value,
            bind_verdict{x.binding, code, code == ec::none ? "" : std::string{to_string(code)}});
      },
  };
}

} // namespace shoal
