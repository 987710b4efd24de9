// Keeps the directory of instances named in etcd up to date: asks about the prefixes of all groups
// that are defined, one at a time, each every `refresh_s`.
//
// `etcd_discovery` has the rules and the log lines, and no thread; `etcd_asker` is the thread that
// runs it, since asking blocks. Owned by the node's gateway part. Bounded: prefixes, instances, the
// time and size of an answer; one question at a time, so with many prefixes and a slow etcd a round
// takes their number times a round trip.
//
// Where the operator keeps all groups to one part of etcd (a prefix), that part is watched as well,
// and a change is asked for within about a second. The watch is a hint and nothing else: whatever
// becomes of it, each prefix is asked every `refresh_s`.
//
// While etcd does not answer, what was known goes on serving.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "actors/clock.hpp"
#include "actors/gateway/etcd_directory.hpp"
#include "actors/gateway/etcd_schedule.hpp"
#include "actors/gateway/registry.hpp"
#include "cluster/etcd_reader.hpp"

namespace shoal::gateway {

/// Reads at most so many values below a prefix. May block for a bounded time.
using ask_etcd_fn = std::function<cluster::etcd_page(const std::string& prefix, std::size_t most)>;

class etcd_discovery {
public:
  /// Both outlive this.
  etcd_discovery(const registry_cell& definitions, etcd_directory& known, ask_etcd_fn ask,
      clock_fn now_ms = steady_ms);

  /// Looks for new definitions, and asks at most one question. Returns after how many ms to call it
  /// again.
  std::int64_t step();

  /// Something may have changed; the next step hurries. From any thread.
  void hint() { hinted_ = true; }

private:
  void follow();
  void take(const std::string& prefix, const cluster::etcd_page& page);
  void fail(const std::string& prefix, const std::string& why);

  const registry_cell& definitions_;
  etcd_directory& known_;
  ask_etcd_fn ask_;
  clock_fn now_ms_;
  etcd_schedule schedule_;
  std::atomic<bool> hinted_{false};
  std::uint64_t generation_ = 0;
  std::size_t left_out_ = 0;
  std::int64_t answered_ms_ = 0;
  bool down_ = false;
  std::map<std::string, std::string> flaws_; // by prefix: what was said about it last
};

class etcd_asker {
public:
  /// Throws std::invalid_argument without endpoints.
  etcd_asker(const registry_cell& definitions, etcd_directory& known, cluster::etcd_options where);
  /// Waits for a question that is under way, and for the watch: about a second at most.
  ~etcd_asker();
  etcd_asker(const etcd_asker&) = delete;
  etcd_asker& operator=(const etcd_asker&) = delete;

private:
  void run();

  cluster::etcd_reader reader_;
  etcd_discovery rules_;
  std::unique_ptr<cluster::meta_watch> watch_; ///< none without a prefix
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false; // guarded by mutex_
  std::thread thread_;
};

} // namespace shoal::gateway
