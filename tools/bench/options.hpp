// What can be set for a run. Each field is one flag of shoal-bench; the defaults are the sizes that
// the project's bars name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shoal::bench {

struct options {
  std::vector<std::string> peers; ///< empty: all that apply to the scenario
  bool without_shoal = false;     ///< peers and floors only
  std::string json_file;
  std::string report_file;
  bool quick = false; ///< a tenth of the sizes: to see that it runs, not for figures

  std::string bin_dir; ///< where shoald is; default: beside shoal-bench
  std::string work_dir =
      "/var/tmp";      ///< servers keep their data in a fresh folder below; must be a real disk
  int timeout_s = 120; ///< for each phase

  std::size_t devices = 10000;   ///< idle, broadcast, burst
  std::size_t handshakes = 5000; ///< connect
  std::size_t concurrency = 64;  ///< connections being opened at the same time
  std::size_t payload = 200;     ///< bytes of one op
  std::size_t rounds = 10;       ///< broadcast: the median counts
  std::size_t burst_rounds = 3;
  std::size_t burst = 50;      ///< ops of one burst
  std::size_t users = 1000;    ///< sync, latency, replay: one device each
  std::size_t ops = 200000;    ///< sync
  std::size_t publishers = 10; ///< sync: connections that send
  std::size_t batch = 1000; ///< sync: items per API call, messages in flight per peer's publisher
  std::size_t rate = 5000;  ///< latency: ops per second
  std::size_t jetstream_rate = 2000; ///< the same for JetStream, which cannot keep up with more
  std::size_t callers = 64;      ///< latency: keep-alive connections that the calls are spread over
  std::size_t seconds = 10;      ///< latency
  std::size_t backlog = 200;     ///< replay: ops waiting per user
  std::size_t streams = 1000000; ///< start

  std::vector<std::string> parts;     ///< cluster: empty = all
  std::size_t cluster_rate = 2000;    ///< cluster: calls per second, for its latency
  std::size_t cluster_devices = 5000; ///< cluster: idle ones per node
  std::size_t kills = 20;             ///< cluster
  std::size_t crowd = 60000;          ///< cluster: devices at four nodes
  std::size_t gateway_seconds = 3;    ///< gateway: each measurement
  std::size_t soak_calls = 10000000;  ///< soak
  std::size_t soak_changes = 10000;   ///< soak: of an API
};

/// The sizes for `--quick`.
inline void shrink(options& x) {
  auto tenth = [](std::size_t& n) { n = n / 10; };
  tenth(x.devices);
  tenth(x.handshakes);
  tenth(x.users);
  tenth(x.ops);
  tenth(x.streams);
  tenth(x.cluster_devices);
  tenth(x.crowd);
  tenth(x.soak_calls);
  tenth(x.soak_changes);
  x.kills = 3;
  x.rounds = 3;
  x.burst_rounds = 1;
  x.seconds = 3;
  x.gateway_seconds = 1;
}

} // namespace shoal::bench
