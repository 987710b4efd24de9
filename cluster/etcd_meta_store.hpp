// A meta store in etcd 3.4 or later, over its HTTP/JSON gateway.
//
// Guarantees beyond meta_store.hpp: every call ends within `request_timeout` for each endpoint at
// most; an answer larger than `answer_limit` or that makes no sense is a failure. Reads go to the
// next endpoint when one does not answer; a swap does so only if it was certainly not sent, because
// one that was sent may have happened.
//
// What it expects of etcd: that its key-value part is linearizable. Revisions may go back (a swap
// compares the value too), watches may lose events or stop (they are opened anew, and hints come
// every `reread` anyway), leases are not used.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cluster/meta_store.hpp"

namespace shoal::cluster {

struct etcd_options {
  std::vector<std::string> endpoints; ///< http(s)://host:port, all members; at least one
  std::string prefix;                 ///< of all keys; ends with a slash
  std::string ca, certificate, key;   ///< PEM files; empty = the system's, none, none
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds request_timeout{2000}; ///< with connecting
  std::chrono::milliseconds reread{3000};          ///< longest time without a hint
  std::chrono::milliseconds watch_at_most{60'000}; ///< then a watch is opened anew
  std::size_t answer_limit = 4u << 20;
  std::size_t page = 512; ///< most values of one answer
};

/// Throws std::invalid_argument without endpoints; dials nobody yet.
std::unique_ptr<key_value> make_etcd_key_value(etcd_options options);

std::unique_ptr<meta_store> make_etcd_meta_store(etcd_options options);

} // namespace shoal::cluster
