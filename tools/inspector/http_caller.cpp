// HTTP to admin ports, with libcurl. One handle per call: calls come from several threads, and the
// ports are close.
#include <chrono>

#include <curl/curl.h>

#include "protocol/signing.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

constexpr std::size_t max_answer = 256u << 20;

std::size_t take_bytes(char* data, std::size_t, std::size_t n, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + n > max_answer)
    return 0;
  body.append(data, n);
  return n;
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

struct headers {
  ~headers() { curl_slist_free_all(list); }
  void add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
  curl_slist* list = nullptr;
};

class http_caller : public caller {
public:
  http_caller() { curl_global_init(CURL_GLOBAL_DEFAULT); }
  ~http_caller() override { curl_global_cleanup(); }

  reply get(const node_address& from, const std::string& target) override {
    return perform(from, "GET", target, "", {});
  }

  reply post(const node_address& to, const std::string& target, const std::string& body,
      const operator_key& by) override {
    headers more;
    more.add("Authorization: " + make_authorization(by.id, by.secret, "POST", target, "", body,
                                     now_ms(), hex(random_bytes(16))));
    more.add("Content-Type: application/json");
    more.add("Expect:");
    return perform(to, "POST", target, body, more);
  }

private:
  static reply perform(const node_address& to, const char* method, const std::string& target,
      const std::string& body, const headers& more) {
    std::unique_ptr<CURL, void (*)(CURL*)> handle{curl_easy_init(), curl_easy_cleanup};
    auto c = handle.get();
    if (c == nullptr)
      throw unreachable{"libcurl does not start"};
    auto out = reply{};
    auto url = to.url + target;
    curl_easy_setopt(c, CURLOPT_URL, url.c_str());
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, more.list);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 2'000L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 15'000L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &out.body);
    if (!body.empty()) {
      curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
      curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, body.data());
    }
    if (auto code = curl_easy_perform(c); code != CURLE_OK)
      throw unreachable{to.url + ": " + curl_easy_strerror(code)};
    auto status = 0L;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    out.status = static_cast<int>(status);
    return out;
  }
};

} // namespace

std::unique_ptr<caller> make_http_caller() { return std::make_unique<http_caller>(); }

} // namespace shoal::inspector
