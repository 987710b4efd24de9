#include "tools/sdk/cpp/client.hpp"

#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tools/sdk/cpp/tls_socket.hpp"

namespace shoal {

namespace {

using namespace std::chrono_literals;
using sdk::time_point;
using progress = sdk::tls_socket::progress;

time_point now() { return std::chrono::steady_clock::now(); }

std::int64_t wall_ms() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::function<double()> make_uniform() {
  auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return std::uniform_real_distribution<>{}(*engine); };
}

sdk::session_options session_options_of(const client_options& x) {
  auto result = sdk::session_options{};
  result.key = x.key;
  result.secret = x.secret;
  result.device = x.device;
  result.facts = x.facts;
  result.heartbeat = x.heartbeat;
  result.window_ops = x.window_ops;
  result.window_bytes = x.window_bytes;
  result.ack_delay = x.ack_delay;
  result.welcome_timeout = x.connect_timeout;
  result.uniform = make_uniform();
  return result;
}

} // namespace

// The thread below owns session, socket and handlers. Other threads only add to `commands_` and
// wake it.
class client::impl final : sdk::session_events {
public:
  explicit impl(client_options options)
      : options_{std::move(options)}, positions_{options_.positions
                                                     ? options_.positions
                                                     : std::make_shared<memory_positions>()},
        socket_{{options_.host, options_.port, options_.ca_file, options_.insecure}},
        session_{session_options_of(options_), *this, *positions_}, wake_{::eventfd(
                                                                        0, EFD_NONBLOCK |
                                                                               EFD_CLOEXEC)} {}

  ~impl() override {
    stop();
    ::close(wake_);
  }

  void connect() {
    if (runs_on())
      return;
    auto guard = std::lock_guard{thread_mutex_};
    if (!ended_)
      return; // somebody else was faster
    if (thread_.joinable())
      thread_.join();
    stopping_ = ended_ = false;
    thread_ = std::thread{[this] { run(); }};
  }

  void stop() {
    auto guard = std::lock_guard{thread_mutex_};
    stopping_ = true;
    wake();
    if (thread_.joinable())
      thread_.join();
  }

  void post(std::function<void()> command) {
    {
      auto guard = std::lock_guard{commands_mutex_};
      commands_.push_back(std::move(command));
    }
    wake();
  }

  state_handler on_state_;
  reset_handler on_reset_;
  outcome_handler on_bound_, on_subscribed_;
  std::map<std::string, op_handler, std::less<>> handlers_; // client's thread only
  sdk::session& session() { return session_; }

private:
  // -- session_events --

  void on_online() override { tell({client_state::online, {}, {}, {}, socket_.resumed()}); }
  void on_op(const received_op& op) override {
    if (auto i = handlers_.find(op.biz); i != handlers_.end())
      i->second(op);
  }
  void on_reset(const std::string& biz, position to, reset_why why) override {
    if (on_reset_)
      on_reset_(biz, to, why);
  }
  void on_bound(const std::string& user, ec code, const std::string& text) override {
    if (on_bound_)
      on_bound_(user, code, text);
  }
  void on_subscribed(const std::string& biz, ec code, const std::string& text) override {
    if (on_subscribed_)
      on_subscribed_(biz, code, text);
  }

  // -- the thread --

  /// True if the thread is there, and stays: told so in time if it is about to leave.
  bool runs_on() {
    auto guard = std::lock_guard{leaving_mutex_};
    if (ended_)
      return false;
    again_ = leaving_;
    return true;
  }

  void run() {
    block_sigpipe();
    do
      stay_connected();
    while (!leave());
  }

  /// False if somebody asked to connect while the end was being told.
  bool leave() {
    auto guard = std::lock_guard{leaving_mutex_};
    leaving_ = false;
    ended_ = stopping_ || !again_;
    again_ = false;
    return ended_;
  }

  void stay_connected() {
    auto last = state_change{client_state::stopped, {}, {}, {}, {}};
    while (!stopping_) {
      tell({client_state::connecting, {}, {}, {}, {}});
      if (open()) {
        session_.opened(now(), wall_ms());
        serve();
      }
      auto end = session_.ended(now());
      if (end.text.empty())
        end.text = socket_.error();
      socket_.close(true);
      if (stopping_)
        break;
      if (!end.again) {
        last.code = end.code;
        last.text = end.text;
        break;
      }
      tell({client_state::waiting, end.code, end.text, end.delay, {}});
      pause(now() + end.delay);
    }
    {
      auto guard = std::lock_guard{leaving_mutex_};
      leaving_ = true;
    }
    tell(last);
  }

  bool open() {
    auto limit = now() + options_.connect_timeout;
    auto at = socket_.dial();
    while (at != progress::done) {
      if (at == progress::failed || stopping_ || now() >= limit)
        return false;
      wait(limit, at == progress::want_write ? POLLOUT : POLLIN);
      at = socket_.shake();
    }
    return true;
  }

  // OpenSSL may hold decrypted bytes that poll does not know of, so each round reads until it wants
  // more.
  void serve() {
    auto out = std::string{};
    while (true) {
      if (stopping_)
        session_.flush_acks(now());
      session_.tick(now());
      out += session_.take_output();
      auto sent = socket_.write(out);
      if (sent == progress::failed || stopping_ || session_.finished())
        return;
      wait(session_.deadline(), sent == progress::done ? POLLIN : POLLIN | POLLOUT);
      if (!receive())
        return;
    }
  }

  bool receive() {
    auto in = std::string{};
    auto got = progress::done;
    while (got == progress::done && !stopping_ && !session_.finished()) {
      in.clear();
      got = socket_.read(in);
      if (!in.empty())
        session_.received(in, now(), wall_ms());
    }
    return got != progress::failed;
  }

  void pause(time_point until) {
    while (!stopping_ && now() < until)
      wait(until, 0);
  }

  /// Until the socket is ready, somebody said something, or `limit`; then carries out what was
  /// said.
  void wait(time_point limit, int events) {
    auto left = limit == time_point::max() ? 60000ms
                                           : std::chrono::ceil<std::chrono::milliseconds>(
                                                 std::max(limit - now(), time_point::duration{0}));
    pollfd fds[2] = {{wake_, POLLIN, 0}, {socket_.fd(), static_cast<short>(events), 0}};
    ::poll(fds, events ? 2 : 1, static_cast<int>(std::min(left, 60000ms).count()));
    auto ignored = std::uint64_t{0};
    if (::read(wake_, &ignored, sizeof ignored) < 0)
      ignored = 0; // nobody woke us
    auto commands = std::vector<std::function<void()>>{};
    {
      auto guard = std::lock_guard{commands_mutex_};
      commands.swap(commands_);
    }
    for (auto& x : commands)
      x();
  }

  void wake() {
    auto one = std::uint64_t{1};
    // A full eventfd is as good as a successful write: the thread will wake.
    [[maybe_unused]] auto n = ::write(wake_, &one, sizeof one);
  }

  void tell(const state_change& x) {
    if (on_state_)
      on_state_(x);
  }

  static void block_sigpipe() {
    auto set = sigset_t{};
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
  }

  client_options options_;
  std::shared_ptr<position_store> positions_;
  sdk::tls_socket socket_;
  sdk::session session_;
  int wake_;
  std::atomic<bool> stopping_ = false;
  std::mutex leaving_mutex_;
  bool leaving_ = false, again_ = false; // the end is being told; and connect was called meanwhile
  std::atomic<bool> ended_ = true;       // there is no thread, or it is done
  std::mutex commands_mutex_;
  std::vector<std::function<void()>> commands_;
  std::mutex thread_mutex_;
  std::thread thread_;
};

client::client(client_options options) : impl_{std::make_unique<impl>(std::move(options))} {}
client::~client() = default;

void client::on_state(state_handler f) { impl_->on_state_ = std::move(f); }
void client::on_reset(reset_handler f) { impl_->on_reset_ = std::move(f); }
void client::on_bound(outcome_handler f) { impl_->on_bound_ = std::move(f); }
void client::on_subscribed(outcome_handler f) { impl_->on_subscribed_ = std::move(f); }

void client::bind(std::string user, token_provider token) {
  impl_->post([x = impl_.get(), user = std::move(user), token = std::move(token)] {
    x->session().bind(user, token, now());
  });
}

void client::unbind() {
  impl_->post([x = impl_.get()] { x->session().unbind(now()); });
}

void client::subscribe(std::string biz, op_handler f) {
  impl_->post([x = impl_.get(), biz = std::move(biz), f = std::move(f)] {
    x->handlers_[biz] = f;
    x->session().subscribe(biz, now());
  });
}

void client::unsubscribe(std::string biz) {
  impl_->post([x = impl_.get(), biz = std::move(biz)] {
    x->session().unsubscribe(biz, now());
    x->handlers_.erase(biz);
  });
}

void client::connect() { impl_->connect(); }
void client::stop() { impl_->stop(); }

} // namespace shoal
