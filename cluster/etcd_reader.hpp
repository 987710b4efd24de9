// Reads what others keep in an etcd: one page of the values below a prefix, over its HTTP/JSON
// gateway.
//
// Never writes. Every call ends within `request_timeout` for each endpoint at most; an answer
// larger than `answer_limit`, or one that makes no sense, is a failure. Reads are linearizable.
// Safe to use from several threads.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/etcd_meta_store.hpp"
#include "cluster/key_value.hpp"

namespace shoal::cluster {

struct etcd_page {
  std::vector<stored_value> values; ///< by key; names are what follows the prefix asked for
  bool more = false;                ///< there are others behind them
  std::string problem;              ///< why this is no answer, for people; empty: it is one
};

class etcd_reader {
public:
  /// Throws std::invalid_argument without endpoints; dials nobody yet. `options.prefix` goes before
  /// every prefix that is asked for.
  explicit etcd_reader(etcd_options options);
  ~etcd_reader();
  etcd_reader(const etcd_reader&) = delete;
  etcd_reader& operator=(const etcd_reader&) = delete;

  /// At most `most` values.
  etcd_page read(std::string_view prefix, std::size_t most);

  /// Everything fails from now on; what is under way within about a second.
  void interrupt();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace shoal::cluster
