// A partition that only remembers what it was asked, and answers when a test says so.
#pragma once

#include <memory>
#include <vector>

#include "actors/interfaces.hpp"

namespace shoal {

/// What a fake partition was asked to make durable or to append.
struct fake_log {
  struct entry {
    commit_client_actor client;
    storage::write_batch rows;
    std::uint64_t token = 0;
  };
  bool automatic = false; ///< answers commits at once
  std::vector<entry> requests;
  std::vector<append_call> appends;

  void answer(std::size_t i, ec code) {
    caf::anon_send(
        requests.at(i).client, atom::committed::value, commit_result{requests[i].token, code});
  }
};

inline partition_actor::behavior_type fake_partition(
    partition_actor::pointer, std::shared_ptr<fake_log> log) {
  return {
      [](atom::attach, const feed_sink_actor&, const attach_request&) {},
      [](atom::detach, const feed_sink_actor&, const detach_note&) {},
      [](atom::pull, const feed_sink_actor&, const pull_request&) {},
      [](atom::ack, const ack_note&) {},
      [log](atom::append, const append_call& x) { log->appends.push_back(x); },
      [log](atom::commit, const commit_client_actor& client, const commit_request& x) {
        log->requests.push_back({client, x.rows, x.token});
        if (log->automatic)
          log->answer(log->requests.size() - 1, ec::none);
      },
      [](atom::commit, const commit_request&) {},
      [](atom::report, const stream_key&) { return stream_report{}; },
      [](atom::stop, const principal_key&, std::uint64_t) {},
      [](atom::tick) {},
      [](atom::status) { return std::string{"{}"}; },
  };
}

} // namespace shoal
