// The part of a flow that calls other APIs instead of a backend.
#include <algorithm>

#include "actors/clock.hpp"
#include "actors/gateway/flow.hpp"
#include "actors/gateway/worker.hpp"
#include "protocol/mgw/json_text.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::gateway {

using mgw::result;

/// Steps see the caller as the whole does; what the authorizer said replaces what a client claims.
call flow::step_call(const aggregate_step& x, std::string data) const {
  auto out = call{};
  out.by = entrance::inside;
  out.is_step = true;
  out.what.operation = x.operation;
  out.what.app = call_.what.app;
  out.what.workspace = call_.what.workspace;
  out.what.user = call_.what.user;
  out.what.device = call_.what.device;
  out.what.session = call_.what.session;
  out.what.data = std::move(data);
  out.proven = call_.proven;
  out.principal = principal_;
  out.ip = call_.ip;
  out.trace_id = call_.trace_id;
  for (auto& field : call_.headers)
    if (!is_about_a_body(field.first) && header_of(principal_, field.first).empty())
      out.headers.push_back(field);
  out.headers.insert(out.headers.end(), principal_.begin(), principal_.end());
  out.patience_ms = static_cast<std::uint32_t>(left().count());
  return out;
}

void flow::begin_steps() {
  if (auto flaw = conversion_.prepare(call_))
    return refuse(std::move(*flaw));
  if (call_.what.format != mgw::data_format::json)
    return refuse(result::malformed_request, "requestData is no JSON");
  auto body = std::optional<std::string_view>{call_.what.data};
  if (!call_.is_rest())
    body = mgw::request_body(call_.what.data);
  if (!body)
    return refuse(result::malformed_request, "requestData is no JSON array");
  if (!body->empty() && !mgw::is_json(*body))
    return refuse(result::malformed_request, "requestData is no JSON");
  steps_ = std::make_unique<aggregation>(*api_, *body);
  begin_deadline();
  owner_.loop_.alarms().set(*this, left());
  sent_us_ = steady_us();
  spent_.enter(phase::backend, sent_us_);
  go_on();
}

/// Starts what can start. A step may be over before `begin` returns, and may end this.
void flow::go_on() {
  auto self = handle();
  for (auto& x : steps_->ready()) {
    auto& step = api_->steps[x.step];
    auto under_way = owner_.begin(step_call(step, std::move(x.data)),
        {in_, in_->api(step.operation)}, [self, i = x.step](answer&& said) {
          if (auto* me = self.get())
            me->step_over(i, std::move(said));
        });
    if (!self.get())
      return;
    for_this_.push_back(std::move(under_way));
  }
  if (auto done = steps_->result())
    whole_done(std::move(*done));
}

void flow::step_over(std::size_t step, answer&& x) {
  steps_->on_answer(step, std::move(x));
  if (auto done = steps_->result())
    return whole_done(std::move(*done));
  go_on();
}

void flow::whole_done(answer&& x) {
  backend_us_ = steady_us() - sent_us_;
  auto failed = x.what.code != result::success;
  x.bare = call_.is_rest() && !failed;
  backend_done(std::move(x), failed);
}

} // namespace shoal::gateway
