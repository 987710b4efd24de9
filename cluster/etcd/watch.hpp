// One watch of all keys below a prefix, in a thread of its own.
//
// Whatever happens to it, it opens anew: with growing pauses while nobody answers, at another
// member each time. It never asks for the past, so that a compaction takes nothing from it; instead
// it hints whenever it begins to watch, and every `reread`.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "cluster/etcd/http.hpp"

namespace shoal::cluster::etcd {

struct close_multi {
  void operator()(CURLM* x) const { curl_multi_cleanup(x); }
};

class watch : public meta_watch {
public:
  watch(etcd_options options, std::function<void()> hint);
  ~watch() override;

private:
  using clock = std::chrono::steady_clock;

  void run();
  /// Until the stream ends. True if it was a watch at all.
  bool stream();
  /// Waits until something arrives, it is time for the next hint, or the end.
  void wait(CURLM* multi, std::chrono::milliseconds at_most);
  void hint_if_due();
  void take(std::string_view bytes);
  void take_line(std::string_view line);
  static std::size_t take_bytes(char* data, std::size_t, std::size_t size, void* self);

  const etcd_options options_;
  const std::function<void()> hint_;
  const std::string request_;
  http members_;
  header_list headers_ = json_headers();
  std::unique_ptr<CURLM, close_multi> multi_{curl_multi_init()};
  std::atomic<bool> stop_{false};

  // of the thread
  clock::time_point hinted_{};
  std::string line_;
  bool watching_ = false; ///< the member said that it watches
  bool broken_ = false;   ///< the member ended the watch, or says what makes no sense
  std::thread thread_;
};

} // namespace shoal::cluster::etcd
