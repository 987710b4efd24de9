#include "protocol/tls/endpoint.hpp"

#include <algorithm>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "protocol/tls/acceptor.hpp"
#include "protocol/tls/context.hpp"
#include "protocol/tls/io_loop.hpp"
#include "protocol/tls/ticket_keys.hpp"

namespace shoal::tls {
namespace {

using clock = std::chrono::steady_clock;

/// How often `drain` looks whether everyone is gone.
constexpr auto drain_look = std::chrono::milliseconds{10};

/// A task for a loop should be taken within a turn; a loop that takes longer than this is stuck.
constexpr auto task_patience = std::chrono::seconds{5};

/// Runs `what` on the loop's thread and waits for it, but not longer than `patience`.
void run_on(io_loop& loop, task what, clock::duration patience) {
  auto done = std::make_shared<std::promise<void>>();
  auto waiting = done->get_future();
  // A loop that has ended drops the task and with it the promise, which ends the wait as well.
  loop.push(task{[what = std::move(what), done = std::move(done)] {
    what();
    done->set_value();
  }});
  waiting.wait_for(patience);
}

} // namespace

struct endpoint::impl {
  impl(endpoint_options options, endpoint_handlers handlers)
      : keys{options.ticket_key_lifetime, clock::now()} {
    if (options.tls)
      context = make_context(options.certificate_file, options.key_file, keys);
    options.loops = std::max(1u, options.loops);
    setup = std::make_shared<loop_setup>();
    setup->options = std::move(options);
    setup->handlers = std::move(handlers);
    setup->context = [this] { return current_context(); };
    for (auto i = 0u; i < setup->options.loops; ++i)
      loops.push_back(std::make_shared<io_loop>(i, setup));
    door = std::make_unique<acceptor>(setup->options, loops);
    for (auto& x : loops)
      x->start();
    loops.front()->push(task{[this] { door->start(); }});
  }

  context_ptr current_context() {
    auto guard = std::lock_guard{mutex};
    return context;
  }

  void stop() {
    run_on(
        *loops.front(), [this] { door->close(); }, task_patience);
    for (auto& x : loops)
      x->stop();
  }

  std::uint64_t population() const {
    auto sum = std::uint64_t{0};
    for (auto& x : loops)
      sum += x->population();
    return sum;
  }

  std::vector<link> begin_drain(clock::duration patience) {
    // Shared with the tasks: a loop that is too late for us must not write to a vector that is
    // gone.
    auto until = clock::now() + patience;
    auto out = std::vector<link>{};
    for (auto& x : loops) {
      auto found = std::make_shared<std::pair<std::mutex, std::vector<link>>>();
      run_on(
          *x,
          [found, loop = x.get()] {
            auto guard = std::lock_guard{found->first};
            loop->drain(found->second);
          },
          until - clock::now());
      auto guard = std::lock_guard{found->first};
      out.insert(out.end(), found->second.begin(), found->second.end());
    }
    return out;
  }

  ticket_keys keys; // before everything that holds an SSL context
  std::mutex mutex;
  context_ptr context; // guarded by mutex
  std::shared_ptr<loop_setup> setup;
  std::vector<std::shared_ptr<io_loop>> loops;
  std::unique_ptr<acceptor> door;
};

endpoint::endpoint(endpoint_options options, endpoint_handlers handlers)
    : impl_{std::make_unique<impl>(std::move(options), std::move(handlers))} {}

endpoint::~endpoint() { stop(); }

std::uint16_t endpoint::port() const { return impl_->door->port(); }

std::string endpoint::reload_certificate() {
  auto& options = impl_->setup->options;
  if (!options.tls)
    return "this endpoint has no certificate: it serves plain HTTP";
  try {
    auto fresh = make_context(options.certificate_file, options.key_file, impl_->keys);
    auto guard = std::lock_guard{impl_->mutex};
    impl_->context = std::move(fresh);
    return {};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

void endpoint::rotate_ticket_key() { impl_->keys.rotate(clock::now()); }

void endpoint::stop_accepting() {
  run_on(
      *impl_->loops.front(), [door = impl_->door.get()] { door->close(); }, task_patience);
}

void endpoint::drain(
    const std::function<shared_bytes(std::size_t)>& last, std::chrono::milliseconds patience) {
  auto until = clock::now() + patience;
  stop_accepting();
  auto count = std::size_t{0};
  // Again and again, because handshakes that were under way may still become device connections.
  while (impl_->population() != 0) {
    for (auto& x : impl_->begin_drain(until - clock::now()))
      x.close(last ? last(count++) : nullptr, ec::going_away);
    if (clock::now() + drain_look >= until)
      return;
    std::this_thread::sleep_for(drain_look);
  }
}

void endpoint::stop() { impl_->stop(); }

endpoint_stats endpoint::stats() const {
  auto out = endpoint_stats{};
  out.accepted = impl_->door->accepted().value();
  out.refused = impl_->door->refused().value();
  for (auto& loop : impl_->loops) {
    auto& from = loop->counters();
    out.handshakes += from.handshakes.value();
    out.resumed += from.resumed.value();
    out.handshake_failures += from.handshake_failures.value();
    out.frames_in += from.frames_in.value();
    out.frames_out += from.frames_out.value();
    out.bytes_in += from.bytes_in.value();
    out.bytes_out += from.bytes_out.value();
    out.http_requests += from.http_requests.value();
    out.bad_requests += from.bad_requests.value();
    out.slow_consumers += from.slow_consumers.value();
    out.heartbeats_missed += from.heartbeats_missed.value();
    out.device_connections += from.device_connections.value();
    out.websocket_connections += from.websocket_connections.value();
    out.http_connections += from.http_connections.value();
  }
  return out;
}

void link::send(shared_bytes bytes) const {
  if (loop_ && bytes)
    loop_->push(send_one{{slot_, generation_}, std::move(bytes)});
}

void link::close(shared_bytes last, ec why) const {
  if (loop_)
    loop_->push(close_one{{slot_, generation_}, std::move(last), why});
}

void link::consumed(std::uint32_t n) const {
  if (loop_ && n != 0)
    loop_->push(frames_consumed{{slot_, generation_}, n});
}

void link::set_heartbeat(std::chrono::seconds heartbeat) const {
  if (loop_)
    loop_->push(heartbeat_agreed{{slot_, generation_}, heartbeat});
}

void link::identify(device_identity_ptr who) const {
  if (loop_)
    loop_->push(identity_known{{slot_, generation_}, std::move(who)});
}

void send_all(std::span<const link> links, const shared_bytes& bytes) {
  if (!bytes)
    return;
  auto batches =
      std::vector<std::pair<io_loop*, send_many>>{}; // a handful of loops: searched, not hashed
  for (auto& x : links) {
    if (!x)
      continue;
    auto batch = std::ranges::find(batches, x.loop_, &std::pair<io_loop*, send_many>::first);
    if (batch == batches.end()) {
      batches.emplace_back(x.loop_, send_many{{}, bytes});
      batch = std::prev(batches.end());
      batch->second.to.reserve(links.size());
    }
    batch->second.to.push_back({x.slot_, x.generation_});
  }
  for (auto& [loop, batch] : batches)
    loop->push(std::move(batch));
}

} // namespace shoal::tls
