// What the admin port answers: /metrics, /healthz, /readyz. Pure: figures in, text out. /inspect is
// answered by an actor (actors/inspect/inspector.hpp).
//
// The port speaks plain HTTP and listens on loopback unless told otherwise; nothing here is secret,
// nothing can be changed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/metrics.hpp"
#include "protocol/http/message.hpp"
#include "protocol/tls/endpoint.hpp"
#include "storage/commit_log.hpp"

namespace shoal {

struct admin_figures {
  bool ready = false;
  const metrics* count = nullptr;
  tls::endpoint_stats net;
  storage::commit_log_stats log;
  std::uint64_t store_bytes = 0;
  std::vector<std::string> api_routes; ///< names, by number
  std::string gateway;                 ///< its figures, as Prometheus text
};

/// All figures as Prometheus text.
std::string render_figures(const admin_figures& x);

http::response answer_admin(const http::request& request, const admin_figures& x);

} // namespace shoal
