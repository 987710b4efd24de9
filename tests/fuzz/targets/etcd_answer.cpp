// What a member of the meta store answers, and what stands in its values: read or refused.
#include "cluster/etcd/wire.hpp"
#include "cluster/meta_values.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal::cluster;
namespace fuzz = shoal::fuzz;

namespace {

template <class Record>
void take(std::string_view text) {
  Record read, same;
  if (!from_text(text, read))
    return;
  auto again = to_text(read);
  fuzz::require(from_text(again, same), "what was read cannot be read again");
  fuzz::require(to_text(same) == again, "a record changed on its way");
}

void take_record(std::string_view text) {
  take<view>(text);
  take<node_info>(text);
  take<controller_record>(text);
  take<cluster_identity>(text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  etcd::range_answer answer;
  if (etcd::parse(in, answer))
    for (auto& x : answer.values)
      take_record(x.text);
  auto succeeded = false;
  etcd::parse_swap(in, succeeded);
  etcd::parse_watch(in);
  take_record(in);
  return 0;
}
