// The part of a flow that comes after its backend, or after a refusal.
#include "actors/clock.hpp"
#include "actors/gateway/backend_answer.hpp"
#include "actors/gateway/flow.hpp"
#include "actors/gateway/header_rules.hpp"
#include "actors/gateway/worker.hpp"
#include "protocol/signing.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::gateway {

using mgw::result;

namespace {

/// If-None-Match: a list of tags, weak or not, or "*".
bool has_tag(std::string_view list, std::string_view tag) {
  if (list == "*")
    return true;
  while (!list.empty()) {
    auto part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), part.size() + 1));
    while (part.starts_with(' '))
      part.remove_prefix(1);
    while (part.ends_with(' '))
      part.remove_suffix(1);
    if (part.starts_with("W/"))
      part.remove_prefix(2);
    if (part == tag)
      return true;
  }
  return false;
}

} // namespace

void flow::refuse(result code, std::string memo) { finish(answer_of(code, std::move(memo))); }

void flow::backend_done(answer&& x, bool failed) {
  owner_.loop_.alarms().cancel(*this);
  if (counted_by_breaker_) {
    auto cost_ms = std::max<std::int64_t>(0, backend_us_) / 1000;
    owner_.breaker_of(*in_, *api_).on_call(api_->breaker, failed, cost_ms, owner_.steady_ms());
    counted_by_breaker_ = false;
  }
  if (!cache_key_.empty() && !failed)
    owner_.cache_.keep(cache_key_, api_->cache, x, owner_.steady_ms());
  finish(std::move(x));
}

void flow::finish(answer&& x) {
  spent_.enter(phase::own, steady_us());
  if (counted_by_breaker_)
    owner_.breaker_of(*in_, *api_).on_abandoned();
  conversion_.read_answer(x);
  if (call_.is_rest() && !x.bare && x.status == 200)
    x.status = http_status_of(x.what.code);
  if (in_ && api_ && call_.by != entrance::inside) {
    put_tips(x, settings(), languages());
    if (!api_->headers.empty())
      apply_rules(
          api_->headers, header_place::response, rule_values::of(call_, traceparent_), x.headers);
    if (api_->need_etag)
      put_etag(x);
    if (!call_.what.callback.empty())
      x.callback = call_.what.callback;
    if (session_) {
      mgw::seal_answer(
          x.what, session_, {call_.what.operation, call_.what.app, call_.what.workspace});
      x.sealed = true;
    }
  }
  if (call_.by != entrance::inside)
    count(x);
  spent_.enter(phase::write, steady_us());
  auto slow = slowness(x);
  auto spent = spent_;
  auto done = std::move(done_);
  auto share = owner_.share_;
  auto for_this = std::move(for_this_);
  owner_.over(*this); // destroys this
  for (auto& still : for_this)
    if (auto* call = still.get())
      call->abandon();
  done(std::move(x));
  if (!slow)
    return;
  auto now_us = steady_us();
  spent.enter(phase::own, now_us);
  if (auto left_out = share->slow_calls.admit(now_us * 1'000))
    log_slow_call(*slow, spent, *left_out);
}

/// What is to be said about the call if it took too long.
std::optional<slow_call> flow::slowness(const answer& x) const {
  if (!in_ || !api_ || call_.by == entrance::inside)
    return {};
  auto allowed_ms = api_->slow_ms != 0 ? api_->slow_ms : settings().slow_ms;
  if (allowed_ms == 0 || spent_.total_us() < std::int64_t{allowed_ms} * 1'000)
    return {};
  auto& what = call_.what;
  return slow_call{what.app, what.workspace, what.operation, group_ ? group_->set.name : "",
      call_.trace_id, static_cast<unsigned>(x.what.code), attempts_};
}

/// Of a success: the backend's own tag, or one made of the body.
void flow::put_etag(answer& x) {
  if (x.what.code != result::success || x.status != 200 || x.what.result_data.empty())
    return;
  auto tag = std::string{header_of(x.headers, "ETag")};
  if (tag.empty()) {
    tag.append(1, '"').append(hex(sha256(x.what.result_data).substr(0, 16))).append(1, '"');
    x.headers.emplace_back("ETag", tag);
  }
  auto bare = std::string_view{tag};
  if (bare.starts_with("W/"))
    bare.remove_prefix(2);
  auto asked = header_of(call_.headers, "If-None-Match");
  if (asked.empty() || !has_tag(asked, bare))
    return;
  x.status = 304;
  x.what.result_data.clear();
}

void flow::count(const answer& x) {
  auto cost_us = steady_us() - spent_.begun_us();
  if (in_ && api_) // strangers cannot make series
    owner_.counts_.of(call_.what.app, call_.what.workspace, call_.what.operation)
        .add(cost_us, backend_us_, x.what.code);
  if (!owner_.share_->digest)
    return;
  auto facts = digest_facts{};
  facts.at_ms = owner_.now_ms();
  facts.cost_us = cost_us;
  facts.backend_us = backend_us_;
  facts.system = group_ ? std::string_view{group_->set.name} : std::string_view{};
  facts.trace_id = call_.trace_id;
  facts.code = x.what.code;
  facts.request_bytes = request_bytes_;
  facts.response_bytes = x.what.result_data.size();
  append_digest(owner_.digest_, call_, facts);
}

} // namespace shoal::gateway
