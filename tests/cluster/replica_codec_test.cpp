#include <gtest/gtest.h>

#include "cluster/replica_codec.hpp"
#include "protocol/replication.pb.h"

namespace shoal::cluster {
namespace {

log_record record(std::uint64_t lsn, const std::string& payload) {
  return {3, lsn, record_kind::entry, std::make_shared<const std::string>(payload), 0xdeadbeef};
}

/// Everything that there is, once.
std::vector<replica_message> samples() {
  log_record start{3, 9, record_kind::epoch_start, nullptr, 7};
  return {
      append_message{3, {2, 8}, {start, record(10, "x")}, 5, 4, instant{123}},
      append_answer{3, append_result::mismatch, 6, instant{123}},
      fence_message{3},
      fence_answer{3, {2, 9}, {1, 4}, 8},
      fetch_message{3, {2, 4}, 9},
      fetch_answer{3, fetch_result::trimmed, {2, 4}, 3, {record(5, std::string(3, '\0'))}},
      checkpoint_offer{3, {2, 7}},
      checkpoint_ask{3, {2, 7}, 12},
      checkpoint_chunk{3, {2, 7}, 12, true, std::make_shared<const std::string>("rows")},
      refusal_message{2, 3},
  };
}

TEST(replica_codec, every_message_comes_back_as_it_was) {
  std::vector<addressed_message> in, out;
  for (auto& x : samples())
    in.push_back({partition_no{63}, x});
  auto bytes = encode_replica_frame(in);
  ASSERT_TRUE(decode_replica_frame(bytes, out));
  ASSERT_EQ(out.size(), in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    EXPECT_EQ(out[i].partition, partition_no{63});
    EXPECT_EQ(to_string(out[i].message), to_string(in[i].message));
    EXPECT_EQ(epoch_of(out[i].message), epoch_of(in[i].message));
  }
  EXPECT_EQ(encode_replica_frame(out), bytes); // nothing was left out
}

TEST(replica_codec, refuses_what_is_no_message) {
  std::vector<addressed_message> out;
  EXPECT_FALSE(decode_replica_frame("\x0a\xff", out));
  replication::Frame frame;
  frame.add_messages()->set_partition(1); // no body
  EXPECT_FALSE(decode_replica_frame(frame.SerializeAsString(), out));
  frame.mutable_messages(0)->mutable_fence();
  frame.mutable_messages(0)->set_partition(70'000);
  EXPECT_FALSE(decode_replica_frame(frame.SerializeAsString(), out));
  frame.mutable_messages(0)->set_partition(1);
  frame.mutable_messages(0)->mutable_append()->add_records()->set_kind(2);
  EXPECT_FALSE(decode_replica_frame(frame.SerializeAsString(), out));
  EXPECT_TRUE(out.empty());
}

} // namespace
} // namespace shoal::cluster
