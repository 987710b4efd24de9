// Which instance of a group gets a call. Pure: what is known of the instances in, a place out.
//
// Round robin is the smooth weighted one: with weights 2 and 1 the order is a b a. Least requests
// takes the better of two at random, which avoids both herds and long looks. By user: rendezvous
// hashing, so that an instance that goes moves only its own users.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

struct candidate {
  std::uint64_t id_hash = 0; ///< of its address
  std::uint32_t weight = 1;
  std::uint32_t under_way = 0;
  bool usable = true;
};

class balancer {
public:
  explicit balancer(std::uint64_t seed = 1) : random_{seed | 1} {}

  /// Nothing if none is usable. `key`: of the user.
  std::optional<std::size_t> pick(
      balancing_kind how, std::span<const candidate> from, std::uint64_t key);

private:
  std::optional<std::size_t> in_turn(std::span<const candidate> from);
  std::optional<std::size_t> least(std::span<const candidate> from);
  static std::optional<std::size_t> by_hash(std::span<const candidate> from, std::uint64_t key);
  std::uint64_t random();

  std::vector<std::int64_t> credit_; // of the smooth round robin
  std::uint64_t random_;
};

} // namespace shoal::gateway
