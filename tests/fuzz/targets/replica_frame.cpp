// What another node's replicas say: read or refused whole, and what is read says the same again.
#include "cluster/replica_codec.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<cluster::addressed_message> got, same;
  if (!cluster::decode_replica_frame(fuzz::text_of(data, size), got))
    return 0;
  auto again = cluster::encode_replica_frame(got);
  fuzz::require(cluster::decode_replica_frame(again, same), "what was read cannot be read again");
  fuzz::require(cluster::encode_replica_frame(same) == again, "a frame changed on its way");
  for (auto& x : got)
    cluster::to_string(x.message);
  return 0;
}
