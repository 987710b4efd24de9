#include "cluster/replica_codec.hpp"

#include "protocol/replication.pb.h"

namespace shoal::cluster {

namespace {

namespace pb = shoal::replication;

void put(pb::Place& out, const log_position& x) {
  out.set_epoch(x.epoch);
  out.set_lsn(x.lsn);
}

log_position place(const pb::Place& x) { return {x.epoch(), x.lsn()}; }

template <class List>
void put(List& out, const std::vector<log_record>& records) {
  for (auto& x : records) {
    auto& y = *out.Add();
    y.set_epoch(x.epoch);
    y.set_lsn(x.lsn);
    y.set_kind(static_cast<std::uint32_t>(x.kind));
    if (x.payload)
      y.set_payload(*x.payload);
    y.set_crc(x.crc);
  }
}

/// Moves the payloads out of the message.
template <class List>
bool take(List& in, std::vector<log_record>& out) {
  out.reserve(static_cast<std::size_t>(in.size()));
  for (auto& x : in) {
    if (x.kind() > 1)
      return false;
    log_record y;
    y.epoch = x.epoch();
    y.lsn = x.lsn();
    y.kind = static_cast<record_kind>(x.kind());
    if (y.kind == record_kind::entry)
      y.payload = std::make_shared<const std::string>(std::move(*x.mutable_payload()));
    y.crc = x.crc();
    out.push_back(std::move(y));
  }
  return true;
}

// -- to bytes ------------------------------------------------------------------------------------

void put(pb::Message& out, const append_message& x) {
  auto& y = *out.mutable_append();
  put(*y.mutable_previous(), x.previous);
  put(*y.mutable_records(), x.records);
  y.set_committed(x.committed);
  y.set_everyone_has(x.everyone_has);
  y.set_sent_ns(x.sent.count());
}

void put(pb::Message& out, const append_answer& x) {
  auto& y = *out.mutable_append_answer();
  y.set_result(static_cast<std::uint32_t>(x.result));
  y.set_lsn(x.lsn);
  y.set_sent_ns(x.sent.count());
}

void put(pb::Message& out, const fence_message&) { out.mutable_fence(); }

void put(pb::Message& out, const fence_answer& x) {
  auto& y = *out.mutable_fence_answer();
  put(*y.mutable_last(), x.last);
  put(*y.mutable_base(), x.base);
  y.set_committed(x.committed);
}

void put(pb::Message& out, const fetch_message& x) {
  auto& y = *out.mutable_fetch();
  put(*y.mutable_after(), x.after);
  y.set_until(x.until);
}

void put(pb::Message& out, const fetch_answer& x) {
  auto& y = *out.mutable_fetch_answer();
  y.set_result(static_cast<std::uint32_t>(x.result));
  put(*y.mutable_after(), x.after);
  y.set_lsn(x.lsn);
  put(*y.mutable_records(), x.records);
}

void put(pb::Message& out, const checkpoint_offer& x) {
  put(*out.mutable_checkpoint_offer()->mutable_position(), x.position);
}

void put(pb::Message& out, const checkpoint_ask& x) {
  auto& y = *out.mutable_checkpoint_ask();
  put(*y.mutable_position(), x.position);
  y.set_chunk(x.chunk);
}

void put(pb::Message& out, const checkpoint_chunk& x) {
  auto& y = *out.mutable_checkpoint_chunk();
  put(*y.mutable_position(), x.position);
  y.set_chunk(x.chunk);
  y.set_is_last(x.is_last);
  if (x.data)
    y.set_data(*x.data);
}

void put(pb::Message& out, const refusal_message& x) {
  out.mutable_refusal()->set_highest(x.highest);
}

// -- from bytes ----------------------------------------------------------------------------------

bool take(pb::Append& x, std::uint64_t epoch, replica_message& out) {
  append_message y{
      epoch, place(x.previous()), {}, x.committed(), x.everyone_has(), instant{x.sent_ns()}};
  auto ok = take(*x.mutable_records(), y.records);
  out = std::move(y);
  return ok;
}

bool take(pb::AppendAnswer& x, std::uint64_t epoch, replica_message& out) {
  out = append_answer{epoch, static_cast<append_result>(x.result()), x.lsn(), instant{x.sent_ns()}};
  return x.result() == 1 || x.result() == 2;
}

bool take(pb::FenceAnswer& x, std::uint64_t epoch, replica_message& out) {
  out = fence_answer{epoch, place(x.last()), place(x.base()), x.committed()};
  return true;
}

bool take(pb::FetchAnswer& x, std::uint64_t epoch, replica_message& out) {
  fetch_answer y{epoch, static_cast<fetch_result>(x.result()), place(x.after()), x.lsn(), {}};
  auto ok = x.result() >= 1 && x.result() <= 3 && take(*x.mutable_records(), y.records);
  out = std::move(y);
  return ok;
}

bool take(pb::CheckpointChunk& x, std::uint64_t epoch, replica_message& out) {
  out = checkpoint_chunk{epoch, place(x.position()), x.chunk(), x.is_last(),
      std::make_shared<const std::string>(std::move(*x.mutable_data()))};
  return true;
}

bool take(pb::Message& x, replica_message& out) {
  auto epoch = x.epoch();
  switch (x.body_case()) {
  case pb::Message::kAppend:
    return take(*x.mutable_append(), epoch, out);
  case pb::Message::kAppendAnswer:
    return take(*x.mutable_append_answer(), epoch, out);
  case pb::Message::kFence:
    out = fence_message{epoch};
    return true;
  case pb::Message::kFenceAnswer:
    return take(*x.mutable_fence_answer(), epoch, out);
  case pb::Message::kFetch:
    out = fetch_message{epoch, place(x.fetch().after()), x.fetch().until()};
    return true;
  case pb::Message::kFetchAnswer:
    return take(*x.mutable_fetch_answer(), epoch, out);
  case pb::Message::kCheckpointOffer:
    out = checkpoint_offer{epoch, place(x.checkpoint_offer().position())};
    return true;
  case pb::Message::kCheckpointAsk:
    out = checkpoint_ask{epoch, place(x.checkpoint_ask().position()), x.checkpoint_ask().chunk()};
    return true;
  case pb::Message::kCheckpointChunk:
    return take(*x.mutable_checkpoint_chunk(), epoch, out);
  case pb::Message::kRefusal:
    out = refusal_message{epoch, x.refusal().highest()};
    return true;
  default:
    return false;
  }
}

} // namespace

std::string encode_replica_frame(const std::vector<addressed_message>& messages) {
  pb::Frame out;
  for (auto& x : messages) {
    auto& y = *out.add_messages();
    y.set_partition(raw(x.partition));
    y.set_epoch(epoch_of(x.message));
    std::visit([&](auto& message) { put(y, message); }, x.message);
  }
  return out.SerializeAsString();
}

bool decode_replica_frame(std::string_view bytes, std::vector<addressed_message>& out) {
  pb::Frame in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return false;
  for (auto& x : *in.mutable_messages()) {
    addressed_message y;
    if (x.partition() > 0xffff || !take(x, y.message))
      return false;
    y.partition = partition_no{static_cast<std::uint16_t>(x.partition())};
    out.push_back(std::move(y));
  }
  return true;
}

} // namespace shoal::cluster
