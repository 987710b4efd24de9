// The part of a flow that has to do with its backend.
#include <algorithm>
#include <array>

#include "actors/clock.hpp"
#include "actors/gateway/backend_answer.hpp"
#include "actors/gateway/flow.hpp"
#include "actors/gateway/split.hpp"
#include "actors/gateway/worker.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::gateway {

using mgw::result;

namespace {

constexpr std::uint32_t default_patience_ms = 3000;

/// Whether this node knows of an etcd, if that is where the instances are.
bool is_found(const api_group& x, const etcd_directory& etcd) {
  return x.discovery.kind != discovery_kind::etcd || !x.upstreams.empty() || etcd.serves();
}

/// What can be defined and is not spoken yet must fail, above all TLS: a call in plain text instead
/// would be worse than none.
bool is_spoken(const live_group& of, const etcd_directory& etcd) {
  auto& x = of.set;
  return x.tls.enabled == (of.security != nullptr) &&
         (x.kind == backend_kind::local || is_found(x, etcd));
}

} // namespace

group_ptr flow::chosen_group() const {
  auto moved = is_moved(api_->migrate, call_);
  auto& name = moved && !api_->migrate.group.empty() ? api_->migrate.group : api_->group;
  return in_->group(name);
}

/// One deadline, from the call's begin on, for whatever it asks on its way: the authorizer, the
/// steps of an aggregate, the backend and its repetitions.
void flow::begin_deadline() {
  if (deadline_us_ != 0)
    return;
  auto own = api_->timeout_ms;
  if (auto of = own != 0 ? nullptr : group_ ? group_ : chosen_group())
    own = of->set.timeout_ms;
  if (own == 0)
    own = default_patience_ms;
  auto ms = call_.patience_ms == 0 ? own : std::min(own, call_.patience_ms);
  // Who had nearly all of its time and did not answer is blamed; who had less is not. Nearly,
  // because an authorizer gets what the call before it has left over.
  hurried_ = std::uint64_t{10} * ms < std::uint64_t{9} * own;
  deadline_us_ = spent_.begun_us() + std::int64_t{1000} * ms;
}

/// Rounded up, and at least one: 0 would be none.
std::chrono::milliseconds flow::left() const {
  return std::chrono::milliseconds{
      std::max<std::int64_t>(1, (deadline_us_ - steady_us() + 999) / 1000)};
}

bool flow::is_late() const { return steady_us() >= deadline_us_; }

void flow::choose_group() {
  group_ = chosen_group();
  if (!group_ || group_->set.draining)
    return backend_done(answer_of(result::target_service_missing), true);
  if (!is_spoken(*group_, owner_.share_->etcd))
    return backend_done(
        answer_of(result::target_service_missing, "this kind of backend is not served"), true);
  if (group_->set.kind == backend_kind::grpc)
    conversion_ = {}; // gRPC has its own way with messages
  if (auto flaw = conversion_.prepare(call_))
    return refuse(std::move(*flaw));
  begin_deadline();
  owner_.loop_.alarms().set(*this, left());
  spent_.enter(phase::queue, steady_us());
  if (group_->set.kind == backend_kind::local)
    return send_local();
  backends_ = &owner_.group_of(*in_, group_);
  backends_->budget().on_call(group_->set.retry.budget_percent);
  if (group_->set.kind == backend_kind::grpc)
    types_ = grpc_types_of(*in_, *api_);
  send();
}

void flow::send() {
  auto part = part_for(api_->migrate, api_->group, is_moved(api_->migrate, call_));
  auto found = backends_->pick(caller_hash(call_), part, failed_at_, owner_.steady_ms());
  if (found.flaw == backend_group::pick_flaw::no_instance && !part.having)
    found = backends_->pick(caller_hash(call_), {}, failed_at_, owner_.steady_ms());
  switch (found.flaw) {
  case backend_group::pick_flaw::none:
    break;
  case backend_group::pick_flaw::resolving:
    return wait_for_name();
  case backend_group::pick_flaw::unknown_host:
    return backend_done(answer_of(result::backend_unknown_host), true);
  case backend_group::pick_flaw::no_instance:
    return backend_done(answer_of(result::target_service_missing), true);
  }
  to_ = std::move(found.to);
  auto bytes = backend_bytes{std::move(request_bytes), false, false};
  auto wish = backend_wish{
      *api_, *group_, to_->address, traceparent_, principal_, left(), &types_, &conversion_};
  if (auto flaw = write_backend_request(call_, wish, bytes)) {
    to_ = nullptr;
    return refuse(std::move(*flaw));
  }
  request_bytes = std::move(bytes.bytes);
  is_head = bytes.is_head;
  idempotent_ = bytes.idempotent;
  sent_us_ = steady_us();
  ++to_->under_way;
  to_->pool->start(*this);
}

void flow::wait_for_name() {
  backends_->when_resolved([self = handle()] {
    if (auto* me = self.get())
      me->send();
  });
}

void flow::on_carried() { spent_.enter(phase::connect, steady_us()); }

void flow::on_sending() { spent_.enter(phase::backend, steady_us()); }

void flow::on_reply(http::reply&& x) {
  backend_us_ = steady_us() - sent_us_;
  auto grpc = group_->set.kind == backend_kind::grpc;
  auto failed = grpc ? is_grpc_fault(x) : x.status >= 500;
  if (failed)
    backends_->on_failure(*to_, owner_.steady_ms());
  else
    backends_->on_success(*to_);
  leave_instance();
  backend_done(
      grpc ? answer_of_grpc(std::move(x), call_, types_) : answer_of_reply(std::move(x), call_),
      failed);
}

void flow::on_failure(const tls::client_failure& x) {
  backend_us_ = steady_us() - sent_us_;
  if (x.why != tls::client_error::overloaded)
    backends_->on_failure(*to_, owner_.steady_ms());
  if (try_again(x))
    return;
  leave_instance();
  constexpr auto memos = std::array{"the backend cannot be reached",
      "too many calls wait for the backend", "the backend broke the connection",
      "the backend's answer is malformed", "the backend's TLS or certificate cannot be accepted",
      "the backend refused the request before it began"};
  auto memo = memos[static_cast<std::size_t>(x.why)];
  backend_done(answer_of(result::backend_failed, memo), true);
}

void flow::on_alarm() {
  cancel();
  backend_us_ = sent_us_ == 0 ? -1 : steady_us() - sent_us_;
  // Who had less time than it is due says nothing about its backend: a step that got what was left
  // of the whole's, a caller that waits for less.
  if (to_ && !hurried_)
    backends_->on_failure(*to_, owner_.steady_ms());
  leave_instance();
  if (hurried_)
    finish(answer_of(result::backend_timeout, call_.by == entrance::inside ? "" : "deadline"));
  else
    backend_done(answer_of(result::backend_timeout), true);
}

/// The backend's connection is closed with its request, and counts neither for nor against it.
void flow::abandon() {
  owner_.loop_.alarms().cancel(*this);
  cancel();
  backend_us_ = sent_us_ == 0 ? -1 : steady_us() - sent_us_;
  leave_instance();
  finish(answer_of(result::backend_timeout, "the caller gave up"));
}

/// Safe are calls that cannot have reached the backend, and methods that may come twice.
bool flow::try_again(const tls::client_failure& x) {
  auto safe = tls::never_arrived(x.why) || idempotent_;
  if (!safe || x.why == tls::client_error::overloaded || attempts_ >= group_->set.retry.attempts ||
      !backends_->budget().take())
    return false;
  ++attempts_;
  failed_at_ = to_.get();
  leave_instance();
  spent_.enter(phase::queue, steady_us());
  send();
  return true;
}

void flow::leave_instance() {
  if (!to_)
    return;
  --to_->under_way;
  to_ = nullptr;
}

} // namespace shoal::gateway
