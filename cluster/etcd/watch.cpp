#include "cluster/etcd/watch.hpp"

#include <algorithm>

#include "cluster/etcd/wire.hpp"

namespace shoal::cluster::etcd {

namespace {

using std::chrono::milliseconds;

constexpr auto first_pause = milliseconds{50};
constexpr auto longest_pause = milliseconds{2000};

/// Takes part in `multi` while it lives.
class member {
public:
  member(CURLM* multi, CURL* handle) : multi_{multi}, handle_{handle} {
    curl_multi_add_handle(multi_, handle_);
  }
  ~member() { curl_multi_remove_handle(multi_, handle_); }
  member(const member&) = delete;
  member& operator=(const member&) = delete;

private:
  CURLM* multi_;
  CURL* handle_;
};

} // namespace

watch::watch(etcd_options options, std::function<void()> hint)
    : options_{std::move(options)}, hint_{std::move(hint)},
      request_{watch_request(options_.prefix, end_of(options_.prefix))}, members_{options_} {
  thread_ = std::thread{[this] { run(); }};
}

watch::~watch() {
  stop_ = true;
  curl_multi_wakeup(multi_.get());
  thread_.join();
}

void watch::run() {
  auto pause = first_pause;
  while (!stop_) {
    pause = stream() ? first_pause : std::min(pause * 2, longest_pause);
    members_.try_next();
    auto until = clock::now() + pause;
    while (!stop_ && clock::now() < until)
      wait(multi_.get(), std::chrono::ceil<milliseconds>(until - clock::now()));
  }
}

bool watch::stream() {
  line_.clear();
  watching_ = broken_ = false;
  auto handle = easy_handle{curl_easy_init()};
  if (!handle)
    return false;
  auto url = members_.endpoint() + "/v3/watch";
  auto* x = handle.get();
  prepare(x, options_, headers_.get());
  curl_easy_setopt(x, CURLOPT_URL, url.c_str());
  curl_easy_setopt(x, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.size()));
  curl_easy_setopt(x, CURLOPT_POSTFIELDS, request_.data());
  curl_easy_setopt(x, CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt(x, CURLOPT_WRITEDATA, this);
  auto part = member{multi_.get(), x};
  const auto begin = clock::now();
  for (auto running = 1; running > 0 && !stop_ && !broken_;) {
    curl_multi_perform(multi_.get(), &running);
    auto age = clock::now() - begin;
    // A member that takes the request and says nothing is as good as none.
    if (age > (watching_ ? options_.watch_at_most : options_.request_timeout))
      break;
    if (running > 0)
      wait(multi_.get(), options_.request_timeout);
  }
  return watching_;
}

void watch::wait(CURLM* multi, milliseconds at_most) {
  hint_if_due();
  auto due = std::chrono::ceil<milliseconds>(hinted_ + options_.reread - clock::now());
  auto limit = std::max(std::min(at_most, due), milliseconds{1});
  curl_multi_poll(multi, nullptr, 0, static_cast<int>(limit.count()), nullptr);
}

void watch::hint_if_due() {
  if (stop_ || clock::now() < hinted_ + options_.reread)
    return;
  hinted_ = clock::now();
  hint_();
}

std::size_t watch::take_bytes(char* data, std::size_t, std::size_t size, void* self) {
  static_cast<watch*>(self)->take({data, size});
  return size;
}

void watch::take(std::string_view bytes) {
  while (!bytes.empty() && !broken_ && !stop_) {
    auto end = bytes.find('\n');
    auto part = bytes.substr(0, end);
    if (part.size() > options_.answer_limit - line_.size()) {
      broken_ = true;
      return;
    }
    line_ += part;
    if (end == bytes.npos)
      return;
    bytes.remove_prefix(end + 1);
    take_line(line_);
    line_.clear();
  }
}

void watch::take_line(std::string_view line) {
  switch (parse_watch(line)) {
  case watch_event::none:
    return;
  case watch_event::created:
    watching_ = true;
    break;
  case watch_event::changed:
    break;
  case watch_event::ended:
  case watch_event::garbage:
    broken_ = true;
    return;
  }
  hinted_ = clock::now();
  hint_();
}

} // namespace shoal::cluster::etcd
