#include "actors/messages.hpp"

#include "protocol/device.pb.h"

namespace shoal {

namespace {

constexpr std::size_t most_kept = 64 * 1024;

struct kept_encoder {
  wire::Ops message;
  std::string body;
};

} // namespace

std::size_t op_batch::payload_bytes() const {
  std::size_t sum = 0;
  for (auto& op : ops)
    sum += op->payload.size();
  return sum;
}

shared_bytes op_batch::frame(compression how) const {
  auto i = static_cast<std::size_t>(how);
  std::call_once(once_[i], [&] { frames_[i] = encode_ops(*biz, epoch, after, upto, ops, how); });
  return frames_[i];
}

shared_bytes encode_ops(const biz_config& biz, std::uint64_t epoch, std::uint64_t after,
    std::uint64_t upto, const std::vector<storage::op_ptr>& ops, compression how) {
  // Each thread keeps one message and one buffer: their strings and elements are used again.
  thread_local auto kept = kept_encoder{};
  auto& [out, body] = kept;
  out.Clear();
  out.set_biz(biz.name);
  out.set_epoch(epoch);
  out.set_after(after);
  out.set_upto(upto);
  for (auto& op : ops) {
    auto& x = *out.add_ops();
    x.set_id(op->id);
    x.set_payload(op->payload);
    x.set_time_ms(op->time_ms);
    x.set_key(op->client_key);
  }
  out.SerializeToString(&body);
  auto frame = std::make_shared<const std::string>(encode_frame(frame_type::ops, body, how));
  if (body.size() > most_kept)
    kept = {};
  return frame;
}

} // namespace shoal
