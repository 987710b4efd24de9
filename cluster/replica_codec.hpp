// Messages between replicas as bytes (protocol/replication.proto), and back.
//
// Many messages, of many partitions, share a frame: a node has one conversation per peer, not one
// per partition. Bytes from a peer are checked like any others: what is not exactly a message is
// dropped with the frame behind it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cluster/replica_messages.hpp"
#include "protocol/ids.hpp"

namespace shoal::cluster {

struct addressed_message {
  partition_no partition{};
  replica_message message;
};

std::string encode_replica_frame(const std::vector<addressed_message>& messages);

/// False if the frame cannot be read; `out` then has what came before.
bool decode_replica_frame(std::string_view bytes, std::vector<addressed_message>& out);

} // namespace shoal::cluster
