// A TLS endpoint on a free loopback port with a certificate of its own and sinks that tests can
// look into.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "protocol/tls/certificate.hpp"
#include "protocol/tls/endpoint.hpp"
#include "protocol/tls/loop_service.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::test {

/// Remembers what it hears; waits are bounded. Handles frames itself if `reaction` is set.
class recording_sink : public tls::link_sink {
public:
  explicit recording_sink(tls::link x) : link{x} {}

  void on_frame(frame x) override {
    {
      auto guard = std::lock_guard{mutex_};
      late_ = late_ || closed_ != 0;
      frames_.push_back(x);
    }
    changed_.notify_all();
    if (reaction)
      reaction(link, std::move(x));
  }

  void on_closed(ec why) override {
    {
      auto guard = std::lock_guard{mutex_};
      ++closed_;
      why_ = why;
    }
    changed_.notify_all();
  }

  bool wait_frames(std::size_t n) {
    return wait([&] { return frames_.size() >= n; });
  }
  bool wait_closed() {
    return wait([&] { return closed_ != 0; });
  }

  std::vector<frame> frames() const {
    auto guard = std::lock_guard{mutex_};
    return frames_;
  }
  ec why() const {
    auto guard = std::lock_guard{mutex_};
    return why_;
  }
  int times_closed() const {
    auto guard = std::lock_guard{mutex_};
    return closed_;
  }
  bool heard_after_close() const {
    auto guard = std::lock_guard{mutex_};
    return late_;
  }

  const tls::link link;
  std::function<void(tls::link, frame)> reaction;

private:
  template <class Condition>
  bool wait(Condition condition) {
    auto guard = std::unique_lock{mutex_};
    return changed_.wait_for(guard, std::chrono::seconds{20}, condition);
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<frame> frames_;
  int closed_ = 0;
  bool late_ = false;
  ec why_ = ec::none;
};

class test_endpoint {
public:
  using service_maker = std::function<std::unique_ptr<tls::loop_service>(tls::io_loop&)>;

  explicit test_endpoint(tls::endpoint_options options = {}, service_maker service = nullptr) {
    options.certificate_file = certificate_file();
    options.key_file = key_file();
    tls::write_self_signed(certificate_file(), key_file(), {"localhost", "127.0.0.1"});
    auto handlers = tls::endpoint_handlers{};
    handlers.on_device = [this](tls::link x, const std::string&) { return add_sink(x); };
    handlers.on_request = [this](http::request x, http::responder answer) {
      if (on_request)
        on_request(std::move(x), std::move(answer));
      else
        answer({200, "text/plain", {}, x.method + " " + x.path + "?" + x.query + "\n" + x.body});
    };
    handlers.make_service = std::move(service);
    endpoint_ = std::make_unique<tls::endpoint>(std::move(options), std::move(handlers));
  }

  tls::endpoint& operator*() { return *endpoint_; }
  tls::endpoint* operator->() { return endpoint_.get(); }
  std::uint16_t port() const { return endpoint_->port(); }
  std::string certificate_file() const { return dir_.path() / "cert.pem"; }
  std::string key_file() const { return dir_.path() / "key.pem"; }

  /// The sink of the next device connection, in the order of their handshakes.
  std::shared_ptr<recording_sink> next_sink() {
    auto guard = std::unique_lock{mutex_};
    if (!changed_.wait_for(guard, std::chrono::seconds{20}, [&] { return !sinks_.empty(); }))
      return nullptr;
    auto out = sinks_.front();
    sinks_.pop_front();
    return out;
  }

  /// Set before the first connection: answers frames on the loop's thread.
  std::function<void(tls::link, frame)> reaction;
  std::function<void(http::request, http::responder)> on_request;

private:
  std::shared_ptr<recording_sink> add_sink(tls::link x) {
    auto sink = std::make_shared<recording_sink>(x);
    sink->reaction = reaction;
    {
      auto guard = std::lock_guard{mutex_};
      sinks_.push_back(sink);
    }
    changed_.notify_all();
    return sink;
  }

  temp_dir dir_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<recording_sink>> sinks_;
  std::unique_ptr<tls::endpoint> endpoint_;
};

/// A sink reaction that sends every frame back and counts it as handled.
inline void echo(tls::link to, frame x) {
  to.send(std::make_shared<const std::string>(encode_frame(x.type, x.body)));
  to.consumed(1);
}

/// Waits until `condition` holds, at most 20 s, for things that nobody announces (counters).
template <class Condition>
bool eventually(Condition condition) {
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::yield();
  }
  return true;
}

} // namespace shoal::test
