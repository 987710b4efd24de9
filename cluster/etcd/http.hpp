// POSTs to the members of an etcd cluster: one after the other until one answers, everything
// bounded in time and size.
//
// Safe to use from several threads. Does not know what it carries.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <curl/curl.h>

#include "cluster/etcd_meta_store.hpp"

namespace shoal::cluster::etcd {

struct close_easy {
  void operator()(CURL* x) const { curl_easy_cleanup(x); }
};
using easy_handle = std::unique_ptr<CURL, close_easy>;

struct close_headers {
  void operator()(curl_slist* x) const { curl_slist_free_all(x); }
};
using header_list = std::unique_ptr<curl_slist, close_headers>;

enum class kind : std::uint8_t {
  read,  ///< may be sent again
  write, ///< must not be sent twice
};

struct answer {
  bool arrived = false; ///< with status 200; otherwise nobody knows what a write did
  std::string body;
  std::string problem; ///< for people
};

/// Options that every request has. `options` and `headers` outlive the handle's use.
void prepare(CURL* handle, const etcd_options& options, const curl_slist* headers);

header_list json_headers();

/// What libcurl says about a request that failed, for people.
std::string words_of(CURLcode code, const char* details);

class http {
public:
  explicit http(const etcd_options& options);

  answer post(std::string_view path, const std::string& body, kind what);

  /// Everything fails from now on; what is under way within about a second.
  void interrupt() { interrupted_ = true; }

  /// The endpoint that answered last, or the one to try next.
  const std::string& endpoint() const;
  void try_next() { ++preferred_; }

private:
  easy_handle borrow();
  void give_back(easy_handle handle);
  /// False if the request was certainly not sent.
  bool attempt(const std::string& url, const std::string& body, kind what, answer& out);

  const etcd_options& options_;
  const header_list headers_;
  std::atomic<std::size_t> preferred_{0};
  std::atomic<bool> interrupted_{false};
  std::mutex mutex_;
  std::vector<easy_handle> idle_; ///< keep their connections
};

} // namespace shoal::cluster::etcd
