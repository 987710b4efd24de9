#include "protocol/tls/control_frames.hpp"

#include "protocol/device.pb.h"

namespace shoal::tls {
namespace {

std::int64_t server_time_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

} // namespace

shared_bytes close_frame(ec code, std::string_view text, std::chrono::milliseconds retry_after) {
  auto message = wire::Close{};
  message.set_code(static_cast<std::uint32_t>(code));
  message.set_text(std::string{text.empty() ? to_string(code) : text});
  message.set_retry_after_ms(static_cast<std::uint32_t>(retry_after.count()));
  message.set_server_time_ms(server_time_ms());
  return std::make_shared<const std::string>(
      encode_frame(frame_type::close, message.SerializeAsString()));
}

shared_bytes pong_frame(std::string_view ping_body) {
  auto ping = wire::Ping{};
  if (!ping.ParseFromArray(ping_body.data(), static_cast<int>(ping_body.size())))
    return nullptr;
  auto pong = wire::Pong{};
  pong.set_number(ping.number());
  pong.set_server_time_ms(server_time_ms());
  return std::make_shared<const std::string>(
      encode_frame(frame_type::pong, pong.SerializeAsString()));
}

} // namespace shoal::tls
