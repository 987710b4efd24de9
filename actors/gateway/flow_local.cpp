// The part of a flow whose backend is an actor of this node. The request goes to the actor's
// mailbox, the answer comes back as a task of the loop: by then the flow may be gone, and then it
// is for nobody.
#include "actors/clock.hpp"
#include "actors/gateway/backend_answer.hpp"
#include "actors/gateway/flow.hpp"
#include "actors/gateway/local_backends.hpp"
#include "actors/gateway/worker.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::gateway {

using mgw::result;

namespace {

/// Codes that say that the backend itself is ill.
bool is_fault(result code) {
  auto number = static_cast<unsigned>(code);
  return number >= 4000 && number < 6000;
}

} // namespace

void flow::send_local() {
  auto& set = group_->set;
  auto to =
      owner_.share_->locals->find(set.discovery.source.empty() ? set.name : set.discovery.source);
  if (!to)
    return backend_done(
        answer_of(result::target_service_missing, "this node has no such local backend"), true);
  auto request = std::make_shared<local_request>();
  auto wish = backend_wish{*api_, *group_, {}, traceparent_, principal_, {}, nullptr, &conversion_};
  if (auto flaw = write_local_request(call_, wish, *request))
    return refuse(std::move(*flaw));
  request->number = in_->no();
  request->deadline_us = deadline_us_;
  sent_us_ = steady_us();
  spent_.enter(phase::backend, sent_us_);
  auto done = [self = handle(), loop = owner_.loop_.shared_from_this()](local_answer&& x) {
    loop->push(tls::task{[self, said = std::move(x)]() mutable {
      if (auto* me = self.get())
        me->on_local_answer(std::move(said));
    }});
  };
  switch (to->call(std::move(request), std::move(done))) {
  case local_backend::outcome::handed_over:
    return;
  case local_backend::outcome::too_many:
    return backend_done(
        answer_of(result::backend_failed, "too many calls wait for the backend"), true);
  case local_backend::outcome::dead:
    return backend_done(
        answer_of(result::target_service_missing, "the local backend has ended"), true);
  }
}

void flow::on_local_answer(local_answer&& x) {
  backend_us_ = steady_us() - sent_us_;
  auto made = answer_of_local(std::move(x), call_);
  auto failed = is_fault(made.what.code);
  backend_done(std::move(made), failed);
}

} // namespace shoal::gateway
