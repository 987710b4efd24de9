// One call on its way through the steps. Made by its worker, gone when it has answered.
//
//   begin: look up, JSONP, signature, decryption, limits ──> authorizer ──> mock, cache, breaker
//     ──> backend: instance, request, answer; perhaps again ──> finish: headers, texts, ETag, seal,
//     digest
//
// A step that refuses ends the flow: whoever called it returns at once, because by then the flow is
// destroyed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "actors/gateway/aggregation.hpp"
#include "actors/gateway/backend_request.hpp"
#include "actors/gateway/backends.hpp"
#include "actors/gateway/body_conversion.hpp"
#include "actors/gateway/call.hpp"
#include "actors/gateway/registry.hpp"
#include "actors/gateway/slow_calls.hpp"
#include "actors/gateway/worker.hpp"
#include "protocol/mgw/envelope_cipher.hpp"
#include "protocol/tls/alarm_clock.hpp"
#include "protocol/tls/client_pool.hpp"

namespace shoal::gateway {

class flow;
struct local_answer;

class flow final : public tls::client_exchange, public tls::alarm {
public:
  flow(worker& owner, call&& x, registry::found target, on_answer done);
  ~flow() override;

  void run();

  /// Nobody waits for the answer any more: what is under way for it ends.
  void abandon();

  std::size_t place = 0; ///< in the worker's list
  flow_handle handle();

private:
  // Before the backend (flow.cpp).
  void begin_trace();
  std::optional<mgw::failure> look_up() const;
  std::optional<mgw::failure> check_sign();
  std::optional<mgw::failure> decrypt();
  void authorize();
  void on_verdict(const answer& x, const authorizer_rule& rule, const std::string& key);
  void after_authorizer();
  bool answered_by_mock();
  bool answered_by_cache();
  bool stopped_by_breaker();

  // The backend (flow_backend.cpp).
  void choose_group();
  void send();
  void wait_for_name();
  void on_carried() override;
  void on_sending() override;
  void on_reply(http::reply&& x) override;
  void on_failure(const tls::client_failure& x) override;
  void on_alarm() override;
  bool try_again(const tls::client_failure& x);
  void leave_instance();
  group_ptr chosen_group() const;
  void begin_deadline();
  std::chrono::milliseconds left() const;
  bool is_late() const;

  // An actor of this node as backend (flow_local.cpp).
  void send_local();
  void on_local_answer(local_answer&& x);

  // Other APIs instead of it (flow_aggregate.cpp).
  void begin_steps();
  void go_on();
  void step_over(std::size_t step, answer&& x);
  void whole_done(answer&& x);
  call step_call(const aggregate_step& x, std::string data) const;

  // After it (flow_finish.cpp).
  void refuse(mgw::result code, std::string memo = {});
  void refuse(mgw::failure why) { refuse(why.code, std::move(why.memo)); }
  void backend_done(answer&& x, bool failed);
  void finish(answer&& x);
  void put_etag(answer& x);
  void count(const answer& x);
  std::optional<slow_call> slowness(const answer& x) const;

  std::string_view languages() const { return header_of(call_.headers, "Accept-Language"); }
  const app_settings& settings() const { return in_->settings().set; }

  worker& owner_;
  call call_;
  world_ptr in_;
  api_ptr api_;
  on_answer done_;
  group_ptr group_;
  backend_group* backends_ = nullptr;
  instance_ptr to_;
  const instance* failed_at_ = nullptr; // where the attempt before went
  grpc_types types_;                    // if the group's kind is gRPC
  mgw::cipher_session session_;
  body_conversion conversion_;
  std::unique_ptr<aggregation> steps_;
  std::vector<flow_handle> for_this_; // steps, and the question to the authorizer
  std::string traceparent_;           // to the backend
  std::string cache_key_;
  header_list principal_;
  phase_times spent_;
  std::int64_t deadline_us_ = 0; // of the whole call; 0: nothing has needed one yet
  std::int64_t sent_us_ = 0;
  std::int64_t backend_us_ = -1;
  std::size_t request_bytes_ = 0;
  std::uint32_t attempts_ = 0;
  bool counted_by_breaker_ = false;
  bool idempotent_ = false;
  bool hurried_ = false;        // by a caller that waits for less than the definitions say
  std::shared_ptr<flow*> self_; // if somebody has a handle
};

} // namespace shoal::gateway
