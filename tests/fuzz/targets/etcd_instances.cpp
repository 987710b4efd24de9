// Values that whoever may write to the gateway's etcd has left: instances that can be called, or
// skipped and named. Values are parted by zeros.
#include "actors/gateway/etcd_instances.hpp"

#include <algorithm>
#include <set>

#include "actors/gateway/check_words.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto values = std::vector<cluster::stored_value>{};
  for (auto rest = in; !rest.empty();) {
    auto one = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    values.push_back({"services/orders/" + std::to_string(values.size()), std::string{one}, 1});
  }
  auto got = gateway::read_etcd_instances(values);
  fuzz::require(got.instances.size() <= gateway::max_etcd_instances, "more than the bound");
  fuzz::require(got.instances.size() + got.skipped <= values.size(), "more than there are");
  fuzz::require((got.skipped == 0) == got.first_skipped.empty(), "skipped without a word");
  auto addresses = std::set<std::string>{};
  for (auto& x : got.instances) {
    fuzz::require(gateway::check::valid_address(x.address), "an address that is none");
    fuzz::require(addresses.insert(x.address).second, "an address twice");
    fuzz::require(x.weight <= 1'000, "a weight above the bound");
    fuzz::require(x.tags.size() <= 16, "more tags than the bound");
    for (auto& [name, value] : x.tags)
      fuzz::require(name.size() <= 64 && value.size() <= 64, "a tag above the bound");
  }
  auto prefix = gateway::etcd_prefix_of(in);
  fuzz::require(prefix.ends_with('/') && prefix.starts_with(in), "a prefix of something else");
  return 0;
}
