// One other node, as long as it is in the list of nodes: its link, and what is known about it.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cluster/links/introduction.hpp"
#include "cluster/links/outbox.hpp"
#include "cluster/node_links.hpp"

namespace shoal::cluster::links {

class connection;

struct link_counters {
  std::atomic<std::int64_t> round_trip_us{0};
  std::atomic<std::uint64_t> sent{0}, received{0}, refused{0}, sent_bytes{0}, received_bytes{0};
};

struct peer {
  using duration = std::chrono::steady_clock::duration;

  explicit peer(peer_address x) : address{std::move(x)} { info.name = address.name; }

  // From any thread.
  outbox box;
  link_counters count;

  // Written by the I/O thread under the mutex, so that thread reads them without it.
  std::mutex mutex;
  peer_info info;
  bool up = false;
  bool refused_us = false; ///< when it was dialed last; not while it is up
  std::uint64_t ups = 0;
  std::string down_reason;
  std::string dial_error; ///< since it was up the last time

  // The I/O thread's.
  peer_address address;
  std::shared_ptr<connection> current; ///< the link; not up yet while `link` is not confirmed
  std::optional<chosen> link;          ///< of `current`
  std::uint64_t last_link = 0;
  std::shared_ptr<connection> dialing;
  incarnations starts;
  unsigned failures = 0; ///< to get a link that lasts
  duration up_for{}, redial_in{};
};
using peer_ptr = std::shared_ptr<peer>;

} // namespace shoal::cluster::links
