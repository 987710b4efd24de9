#include "tests/faults/watched_device.hpp"

#include <algorithm>
#include <csignal>

#include <poll.h>

#include "protocol/device.pb.h"

namespace shoal::faults {

namespace {

using namespace std::chrono_literals;
using progress = sdk::tls_socket::progress;

sdk::time_point now() { return std::chrono::steady_clock::now(); }

sdk::session_options options_of(const test_app& app, const device_plan& plan) {
  auto out = sdk::session_options{};
  out.key = app.device.id;
  out.secret = app.device.secret;
  out.device = plan.id;
  out.welcome_timeout = 3000ms;
  out.ack_delay = 20ms;
  out.uniform = [] { return 0.5; };
  return out;
}

} // namespace

void watched_device::memory::forget(const std::string& user, const std::string& biz) {
  owner_.broken("was told to forget its position of " + biz);
  memory_positions::forget(user, biz);
}

watched_device::watched_device(
    const std::vector<endpoint>& nodes, const test_app& app, device_plan plan, history& run)
    : plan_{std::move(plan)}, run_{run}, random_{plan_.seed},
      positions_{*this}, session_{options_of(app, plan_), *this, positions_} {
  for (auto& x : nodes)
    sockets_.push_back(
        std::make_unique<sdk::tls_socket>(sdk::tls_options{x.host, x.port, "", true}));
  socket_ = sockets_.front().get();
  if (!plan_.user.empty())
    session_.bind(
        plan_.user, [app](auto& user) { return app.token(user); }, now());
  for (auto& [biz, stream] : plan_.streams)
    session_.subscribe(biz, now());
  thread_ = std::thread{[this] { live(); }};
}

watched_device::~watched_device() {
  stopping_ = true;
  thread_.join();
}

bool watched_device::lucky(double share) {
  return std::uniform_real_distribution<>{}(random_) < share;
}

// -- what the app hears --------------------------------------------------------------------------

void watched_device::on_op(const received_op& op) {
  run_.handed(plan_.streams[op.biz], plan_.id, op.at.id, op.payload);
  hang_up_ = hang_up_ || (!calm_ && lucky(plan_.hang_up));
}

void watched_device::on_reset(const std::string& biz, position to, reset_why why) {
  if (why != reset_why::consumed_elsewhere)
    broken("reset " + std::to_string(static_cast<int>(why)) + " of " + biz + " from " +
           std::to_string(run_.position_of(plan_.streams[biz], plan_.id)) + " to " +
           std::to_string(to.id) + " at node " + std::to_string(node_ + 1));
}

void watched_device::on_bound(const std::string&, ec code, const std::string& text) {
  if (code != ec::none && disposition_of(code) == disposition::give_up)
    broken("not bound: " + text);
}

void watched_device::on_subscribed(const std::string& biz, ec code, const std::string& text) {
  if (code != ec::none && disposition_of(code) == disposition::give_up)
    broken("not subscribed to " + biz + ": " + text);
}

// -- what the frames say -------------------------------------------------------------------------

void watched_device::watch(std::string_view bytes) {
  frames_.append(bytes);
  auto x = frame{};
  while (frames_.next(x) == frame_reader::outcome::have_frame) {
    if (x.type == frame_type::subscribed) {
      auto m = wire::Subscribed{};
      m.ParseFromString(x.body);
      if (m.code() == 0)
        at_[m.biz()] = m.position().id();
    } else if (x.type == frame_type::reset) {
      auto m = wire::Reset{};
      m.ParseFromString(x.body);
      at_[m.biz()] = m.id();
    } else if (x.type == frame_type::ops) {
      watch_ops(x.body);
    }
  }
  if (frames_.error() != ec::none)
    broken("a frame that is none");
}

void watched_device::watch_ops(const std::string& body) {
  auto m = wire::Ops{};
  if (!m.ParseFromString(body))
    return broken("an Ops frame that is none");
  auto i = at_.find(m.biz());
  if (i == at_.end())
    return broken("ops of " + m.biz() + " before it was subscribed");
  if (m.after() > i->second)
    broken("a gap in " + m.biz() + ": after " + std::to_string(m.after()) + ", position " +
           std::to_string(i->second));
  auto last = m.after();
  for (auto& op : m.ops()) {
    if (op.id() != last + 1)
      broken("ops of " + m.biz() + " skip from " + std::to_string(last) + " to " +
             std::to_string(op.id()));
    last = op.id();
  }
  if (m.upto() != last)
    broken("ops of " + m.biz() + " end at " + std::to_string(last) + ", not at " +
           std::to_string(m.upto()));
  i->second = std::max(i->second, m.upto());
}

// -- its life ------------------------------------------------------------------------------------

void watched_device::wait(short events, sdk::time_point limit) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(std::min(limit, now() + 50ms) - now());
  auto fd = pollfd{socket_->fd(), events, 0};
  ::poll(&fd, 1, static_cast<int>(std::max(left, 0ms).count()));
}

bool watched_device::open() {
  auto limit = now() + 3s;
  node_ = static_cast<int>(random_() % sockets_.size());
  socket_ = sockets_[static_cast<std::size_t>(node_)].get();
  auto at = socket_->dial();
  while (at != progress::done) {
    if (at == progress::failed || stopping_ || now() >= limit)
      return false;
    wait(at == progress::want_write ? POLLOUT : POLLIN, limit);
    at = socket_->shake();
  }
  return true;
}

void watched_device::serve() {
  auto out = std::string{};
  auto in = std::string{};
  while (!stopping_ && !session_.finished() && !hang_up_) {
    session_.tick(now());
    out += session_.take_output();
    auto sent = socket_->write(out);
    if (sent == progress::failed)
      return;
    wait(sent == progress::done ? POLLIN : POLLIN | POLLOUT, session_.deadline());
    for (auto got = progress::done; got == progress::done && !session_.finished() && !hang_up_;) {
      in.clear();
      got = socket_->read(in);
      watch(in);
      if (!in.empty())
        session_.received(in, now(), wall_ms());
      if (got == progress::failed)
        return;
    }
  }
}

void watched_device::live() {
  auto set = sigset_t{};
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  while (!stopping_) {
    frames_ = frame_reader{max_server_frame};
    at_.clear();
    hang_up_ = false;
    if (open()) {
      session_.opened(now(), wall_ms());
      serve();
    }
    if (stopping_ && !hang_up_) {
      session_.flush_acks(now());
      auto rest = session_.take_output();
      socket_->write(rest);
    }
    auto end = session_.ended(now());
    online_at_ = -1;
    socket_->close(false);
    asked_to_go_ += end.code == ec::going_away ? 1 : 0;
    if (end.code != ec::none && static_cast<std::uint16_t>(end.code) >= 3000)
      broken("connection ended with " + std::string{to_string(end.code)} + ": " + end.text);
    if (end.code == ec::session_lost && end.text.find("gap") != std::string::npos)
      broken("the session saw a gap");
    auto pause = now() + std::chrono::milliseconds{10 + random_() % 150};
    while (!stopping_ && now() < pause)
      std::this_thread::sleep_for(5ms);
  }
}

} // namespace shoal::faults
