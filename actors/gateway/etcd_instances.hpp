// Groups whose instances are named in etcd: which prefixes they look at, and what the values below
// one say. Pure.
//
// A value is one instance, in one of the forms that README.md, "Instances named in etcd", lists.
// Values come from whoever may write there: what is damaged is skipped and named, never taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/gateway/registry.hpp"
#include "cluster/key_value.hpp"

namespace shoal::gateway {

constexpr std::size_t max_etcd_instances = 256; ///< below one prefix
constexpr std::size_t max_etcd_value = 4 * 1024;
constexpr std::size_t max_etcd_prefixes = 1'000;
constexpr std::size_t max_etcd_prefixes_of_app = 100;

/// What the keys of a source begin with: "/services/orders" names those below
/// "/services/orders/", and none of "/services/orders-old/".
std::string etcd_prefix_of(std::string_view source);

struct etcd_sources {
  std::map<std::string, std::uint32_t> refresh_s; ///< by prefix: the shortest that is wanted
  std::size_t left_out = 0;                       ///< groups beyond the bounds
};

/// What the groups of all apps look at.
etcd_sources etcd_sources_of(const registry& x);

struct etcd_instances {
  std::vector<upstream> instances; ///< in the order of the keys, no address twice
  std::size_t skipped = 0;
  std::string first_skipped; ///< its key and why
};

etcd_instances read_etcd_instances(const std::vector<cluster::stored_value>& values);

} // namespace shoal::gateway
