// The part of device_driver that carries calls to the loop's service and their answers back.
#include <exception>
#include <utility>

#include "protocol/device.pb.h"
#include "protocol/mgw/result.hpp"
#include "protocol/tls/carrier.hpp"
#include "protocol/tls/device_driver.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

constexpr auto max_headers = 100;

device_answer refusal(mgw::result code, std::string memo) {
  auto out = device_answer{};
  out.code = static_cast<std::uint32_t>(code);
  out.memo = std::move(memo);
  return out;
}

} // namespace

/// False: the frame is for the sink, which says what a node without a gateway says, and what a
/// device that is not welcome hears.
bool device_driver::take_call(const frame& x) {
  if (x.type != frame_type::call && x.type != frame_type::call_cancel)
    return false;
  if (!who_ || !line_.loop().service())
    return false;
  if (x.type == frame_type::call)
    begin_call(x);
  else
    cancel_call(x);
  return true;
}

void device_driver::begin_call(const frame& x) {
  auto& loop = line_.loop();
  auto message = wire::Call{};
  if (!message.ParseFromString(x.body) || message.headers_size() > max_headers)
    return refuse(ec::bad_message);
  if (!calls_)
    calls_ = std::make_unique<device_calls>(loop.alarms(), [this](std::uint64_t id) {
      send_result(id, refusal(mgw::result::backend_timeout, "deadline"));
    });
  auto ticket = std::uint32_t{0};
  auto deadline = std::chrono::milliseconds{message.deadline_ms()};
  switch (calls_->begin(message.id(), deadline, ticket)) {
  case device_calls::outcome::known:
    return refuse(ec::bad_message);
  case device_calls::outcome::too_many:
    return send_result(message.id(), refusal(mgw::result::limit_exceeded, "calls under way"));
  case device_calls::outcome::begun:
    break;
  }
  auto call = device_call{who_, std::move(*message.mutable_operation()),
      std::move(*message.mutable_data()), {}, line_.peer(), in_websocket(), message.deadline_ms()};
  for (auto& [name, value] : message.headers())
    call.headers.emplace_back(name, value);
  auto taken = false;
  try {
    taken = loop.service()->call(std::move(call), call_responder{loop, line_.self(), ticket});
  } catch (const std::exception&) {
    // Answered below, like a service that serves no calls.
  }
  if (!taken)
    answer_call(ticket, refusal(mgw::result::unknown_error, "calls are not served here"));
}

void device_driver::cancel_call(const frame& x) {
  auto message = wire::CallCancel{};
  if (!message.ParseFromString(x.body))
    return refuse(ec::bad_message);
  if (calls_)
    calls_->cancel(message.id());
}

void device_driver::answer_call(std::uint32_t ticket, device_answer&& x) {
  if (!calls_)
    return;
  if (auto id = calls_->finish(ticket))
    send_result(*id, std::move(x));
}

void device_driver::when_call_given_up(std::uint32_t ticket, std::function<void()> then) {
  if (calls_)
    calls_->when_given_up(ticket, std::move(then));
  else
    then();
}

void device_driver::send_result(std::uint64_t id, device_answer&& x) {
  auto message = wire::CallResult{};
  message.set_id(id);
  message.set_code(x.code);
  message.set_tips(std::move(x.tips));
  message.set_memo(std::move(x.memo));
  message.set_data(std::move(x.data));
  message.set_content_type(std::move(x.content_type));
  for (auto& [name, value] : x.headers)
    (*message.mutable_headers())[name] = std::move(value);
  if (message.ByteSizeLong() + frame_header_size > max_server_frame)
    return send_result(id, refusal(mgw::result::unknown_error, "the answer is too large"));
  auto how = who_ && who_->zstd ? compression::zstd : compression::none;
  send(std::make_shared<const std::string>(
      encode_frame(frame_type::call_result, message.SerializeAsString(), how)));
}

} // namespace shoal::tls
