#include "cluster/etcd/http.hpp"

#include <array>
#include <stdexcept>

namespace shoal::cluster::etcd {

namespace {

struct bounded_body {
  std::string text;
  std::size_t limit;
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* to) {
  auto& body = *static_cast<bounded_body*>(to);
  if (size > body.limit - body.text.size())
    return 0; // libcurl gives up
  body.text.append(data, size);
  return size;
}

/// libcurl asks about once a second while nothing happens.
int is_interrupted(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const std::atomic<bool>*>(flag) ? 1 : 0;
}

/// libcurl wants one call before any thread uses it.
void initialise() {
  static const auto done = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(done);
}

/// At most so much of what somebody else wrote goes into messages.
std::string beginning_of(const std::string& text) { return text.substr(0, 200); }

constexpr std::size_t most_idle = 8;

} // namespace

void prepare(CURL* handle, const etcd_options& options, const curl_slist* headers) {
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*"); // of the environment
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(
      handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  if (!options.ca.empty())
    curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca.c_str());
  if (!options.certificate.empty()) {
    curl_easy_setopt(handle, CURLOPT_SSLCERT, options.certificate.c_str());
    curl_easy_setopt(handle, CURLOPT_SSLKEY, options.key.c_str());
  }
}

header_list json_headers() {
  auto* out = curl_slist_append(nullptr, "Content-Type: application/json");
  // Without this, libcurl asks for leave before it sends a large body.
  return header_list{curl_slist_append(out, "Expect:")};
}

std::string words_of(CURLcode code, const char* details) {
  return *details != '\0' ? details : curl_easy_strerror(code);
}

http::http(const etcd_options& options) : options_{options}, headers_{json_headers()} {
  if (options_.endpoints.empty())
    throw std::invalid_argument{"no endpoint of etcd is given"};
  initialise();
}

answer http::post(std::string_view path, const std::string& body, kind what) {
  auto out = answer{};
  auto count = options_.endpoints.size();
  auto first = preferred_.load();
  for (std::size_t i = 0; i < count; ++i) {
    auto url = options_.endpoints[(first + i) % count] + std::string{path};
    auto was_sent = attempt(url, body, what, out);
    if (out.arrived) {
      preferred_ = (first + i) % count;
      return out;
    }
    if (was_sent && what == kind::write)
      break;
  }
  preferred_ = first + 1;
  return out;
}

const std::string& http::endpoint() const {
  return options_.endpoints[preferred_.load() % options_.endpoints.size()];
}

easy_handle http::borrow() {
  {
    auto guard = std::lock_guard{mutex_};
    if (!idle_.empty()) {
      auto out = std::move(idle_.back());
      idle_.pop_back();
      return out;
    }
  }
  auto out = easy_handle{curl_easy_init()};
  if (out)
    prepare(out.get(), options_, headers_.get());
  return out;
}

void http::give_back(easy_handle handle) {
  auto guard = std::lock_guard{mutex_};
  if (idle_.size() < most_idle)
    idle_.push_back(std::move(handle));
}

bool http::attempt(const std::string& url, const std::string& body, kind what, answer& out) {
  if (interrupted_) {
    out.problem = "this node ends";
    return false;
  }
  auto handle = borrow();
  if (!handle) {
    out.problem = "out of memory";
    return false;
  }
  auto received = bounded_body{{}, options_.answer_limit};
  auto details = std::array<char, CURL_ERROR_SIZE>{};
  auto* x = handle.get();
  curl_easy_setopt(x, CURLOPT_URL, url.c_str());
  curl_easy_setopt(x, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(x, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(x, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(x, CURLOPT_WRITEDATA, &received);
  curl_easy_setopt(x, CURLOPT_ERRORBUFFER, details.data());
  curl_easy_setopt(x, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(x, CURLOPT_XFERINFOFUNCTION, is_interrupted);
  curl_easy_setopt(x, CURLOPT_XFERINFODATA, &interrupted_);
  curl_easy_setopt(x, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.request_timeout.count()));
  // On a connection that was used before and turns out to be closed, libcurl sends again by itself.
  curl_easy_setopt(x, CURLOPT_FRESH_CONNECT, what == kind::write ? 1L : 0L);
  curl_easy_setopt(x, CURLOPT_FORBID_REUSE, what == kind::write ? 1L : 0L);
  auto code = curl_easy_perform(x);
  auto status = 0L;
  auto sent = 0L;
  curl_easy_getinfo(x, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(x, CURLINFO_REQUEST_SIZE, &sent);
  curl_easy_setopt(x, CURLOPT_ERRORBUFFER, nullptr);
  give_back(std::move(handle));
  if (code != CURLE_OK)
    out.problem = url + ": " + words_of(code, details.data());
  else if (status != 200)
    out.problem = url + ": status " + std::to_string(status) + ": " + beginning_of(received.text);
  else
    out = {true, std::move(received.text), {}};
  return sent > 0;
}

} // namespace shoal::cluster::etcd
