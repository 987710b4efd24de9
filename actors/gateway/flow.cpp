#include "actors/gateway/flow.hpp"

#include "actors/clock.hpp"
#include "actors/gateway/authorizer.hpp"
#include "actors/gateway/backend_answer.hpp"
#include "actors/gateway/path_check.hpp"
#include "actors/gateway/worker.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::gateway {

using mgw::failure;
using mgw::result;

namespace {

/// What a REST call signs as its data: method, path and query, a line end, the body.
mgw::call signed_form(const call& x) {
  auto out = mgw::call{};
  out.operation = x.what.operation;
  out.app = x.what.app;
  out.workspace = x.what.workspace;
  out.ts = x.what.ts;
  out.sign = x.what.sign;
  out.sign_type = x.what.sign_type;
  out.nonce = x.what.nonce;
  out.data = x.method + " " + x.path + (x.query.empty() ? "" : "?") + x.query + "\n" + x.what.data;
  return out;
}

} // namespace

flow::flow(worker& owner, call&& x, registry::found target, on_answer done)
    : owner_{owner}, call_{std::move(x)}, in_{std::move(target.in)}, api_{std::move(target.api)},
      done_{std::move(done)}, principal_{std::move(call_.principal)}, spent_{steady_us()},
      request_bytes_{call_.what.data.size()} {}

flow::~flow() {
  leave_instance();
  if (self_)
    *self_ = nullptr;
}

flow_handle flow::handle() {
  if (!self_)
    self_ = std::make_shared<flow*>(this);
  return {self_};
}

void flow::run() {
  begin_trace();
  if (auto flaw = look_up())
    return refuse(std::move(*flaw));
  if (call_.by != entrance::inside) {
    if (auto flaw = check_sign())
      return refuse(std::move(*flaw));
    if (auto flaw = decrypt())
      return refuse(std::move(*flaw));
    auto now_ns = steady_us() * 1000;
    if (auto* rule = owner_.share_->limits.refusal_of(call_, *in_, *api_, now_ns))
      return finish(busy_answer(*rule, languages()));
  }
  authorize();
}

/// The backend gets a span of its own in the caller's trace, or in a new one.
void flow::begin_trace() {
  auto append = [](std::string& out, std::uint64_t x) {
    constexpr auto digits = std::string_view{"0123456789abcdef"};
    for (auto shift = 60; shift >= 0; shift -= 4)
      out += digits[x >> shift & 15];
  };
  if (call_.trace_id.empty()) {
    append(call_.trace_id, owner_.random() | 1);
    append(call_.trace_id, owner_.random());
  }
  traceparent_.reserve(55);
  traceparent_.append("00-").append(call_.trace_id).append("-");
  append(traceparent_, owner_.random() | 1);
  traceparent_.append("-01");
}

std::optional<failure> flow::look_up() const {
  if (!in_ || !settings().enabled || !api_)
    return failure{result::operation_missing, ""};
  if (api_->status != api_status::online)
    return failure{result::operation_missing, ""};
  if (call_.is_step && api_->kind == api_kind::aggregate)
    return failure{result::operation_missing, "a step cannot be an aggregate"};
  auto jsonp = !call_.what.callback.empty();
  if (jsonp && !api_->need_jsonp)
    return failure{result::malformed_request, "callback"};
  if (auto why = path_flaw(call_.path); !why.empty())
    return failure{result::malformed_request, std::string{why}};
  return {};
}

std::optional<failure> flow::check_sign() {
  auto& live = in_->settings();
  if (!live.set.sign || !api_->need_sign)
    return {};
  auto nonces = std::shared_ptr<nonce_cache>{};
  if (live.rules.needs_nonce)
    nonces = owner_.share_->nonces.of(in_->no(), live.rules.window_ms);
  auto check = [&](const mgw::call& x) {
    return mgw::check_signature(x, live.keys, live.rules, owner_.now_ms(), nonces.get());
  };
  return call_.is_rest() ? check(signed_form(call_)) : check(call_.what);
}

std::optional<failure> flow::decrypt() {
  if (!settings().encrypt)
    return call_.what.encryption.empty() ? std::nullopt
                                         : std::optional{failure{result::decryption_failed, ""}};
  if (call_.what.encryption.empty())
    return api_->need_encrypt ? std::optional{failure{result::decryption_failed, ""}}
                              : std::nullopt;
  return mgw::open_call(call_.what, in_->settings().decryption, session_);
}

void flow::authorize() {
  if (api_->auth_rule.empty() || call_.by == entrance::inside)
    return after_authorizer();
  auto& rule = in_->authorizer(api_->auth_rule);
  if (!rule)
    return refuse(result::unauthorized);
  auto who = identity_of(*rule, call_.headers);
  if (!who)
    return refuse(result::unauthorized, "the caller's identity is missing");
  auto key = authorizer_key(*rule, in_->no(), *who);
  if (call_.proven) // the authorizer hears that, too
    key.append("\n").append(call_.what.user).append("\n").append(call_.what.device);
  if (auto known = owner_.principals_.find(key, owner_.steady_ms())) {
    principal_ = *known;
    return after_authorizer();
  }
  auto target = owner_.definitions().find(call_.what.app, call_.what.workspace, rule->operation);
  begin_deadline();
  auto question = question_of(*rule, call_, *who);
  question.patience_ms = static_cast<std::uint32_t>(left().count());
  spent_.enter(phase::authorizer, steady_us());
  auto self = handle();
  auto asked = owner_.begin(std::move(question), std::move(target), [self, rule, key](answer&& x) {
    if (auto* me = self.get())
      me->on_verdict(x, *rule, key);
  });
  if (self.get())
    for_this_.push_back(std::move(asked));
}

void flow::on_verdict(const answer& x, const authorizer_rule& rule, const std::string& key) {
  spent_.enter(phase::own, steady_us());
  auto said = verdict_of(x.what);
  if (said.code == result::success)
    owner_.principals_.keep(key, rule, said.principal, owner_.steady_ms());
  if (is_late()) // 1005 would send people to log in
    return refuse(result::backend_timeout, "the authorizer took all of the time");
  if (said.code != result::success)
    return refuse(said.code);
  principal_ = std::move(said.principal);
  after_authorizer();
}

void flow::after_authorizer() {
  conversion_ = body_conversion{call_, *api_, *in_};
  if (answered_by_mock() || answered_by_cache() || stopped_by_breaker())
    return;
  if (api_->kind == api_kind::aggregate)
    begin_steps();
  else
    choose_group();
}

bool flow::answered_by_mock() {
  auto& rule = api_->mock;
  if (!rule.enabled || !settings().mock || owner_.random() % 100 >= rule.percentage)
    return false;
  finish(answer_of_template(rule.data.text, result::access_denied));
  return true;
}

bool flow::answered_by_cache() {
  if (!api_->cache.enabled)
    return false;
  cache_key_ = cache_key(call_, *api_, principal_);
  if (call_.refreshes)
    return false;
  auto found = owner_.cache_.find(cache_key_, api_->cache, owner_.steady_ms());
  if (found.what == response_cache::outcome::miss)
    return false;
  if (found.what == response_cache::outcome::refresh) {
    auto again = call_;
    again.by = entrance::inside; // it has passed all checks
    again.refreshes = true;
    again.patience_ms = 0; // nobody waits for it
    again.principal = principal_;
    owner_.begin(std::move(again), {in_, api_}, [](answer&&) {});
  }
  finish(answer{*found.kept});
  return true;
}

bool flow::stopped_by_breaker() {
  if (!api_->breaker.enabled)
    return false;
  if (owner_.breaker_of(*in_, *api_).allow(api_->breaker, owner_.steady_ms())) {
    counted_by_breaker_ = true;
    return false;
  }
  if (api_->breaker.default_response.empty())
    refuse(result::limit_exceeded, "circuit breaker");
  else
    finish(answer_of_template(api_->breaker.default_response.text, result::limit_exceeded));
  return true;
}

} // namespace shoal::gateway
