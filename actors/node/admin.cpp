#include "actors/node/admin.hpp"

namespace shoal {

std::string render_figures(const admin_figures& x) {
  auto out = render(*x.count, x.api_routes);
  auto add = [&](const std::string& name, const char* type, const char* help, auto value) {
    out += "# HELP shoal_" + name + " " + help + "\n# TYPE shoal_" + name + " " + type +
           "\nshoal_" + name + " " + std::to_string(value) + "\n";
  };
  auto counter = [&](const std::string& name, const char* help, std::uint64_t value) {
    add(name, "counter", help, value);
  };
  auto& n = x.net;
  counter("connections_accepted_total", "TCP connections accepted", n.accepted);
  counter("connections_refused_total", "Connections over the limit", n.refused);
  counter("tls_handshakes_total", "TLS handshakes completed", n.handshakes);
  counter("tls_resumed_total", "TLS handshakes that resumed a session", n.resumed);
  counter("tls_handshake_failures_total", "TLS handshakes that failed", n.handshake_failures);
  counter("frames_received_total", "Frames of devices", n.frames_in);
  counter("frames_sent_total", "Frames to devices", n.frames_out);
  counter("received_bytes_total", "Bytes received, decrypted", n.bytes_in);
  counter("sent_bytes_total", "Bytes sent, before encryption", n.bytes_out);
  counter("http_requests_total", "Well-formed HTTP requests", n.http_requests);
  counter("http_bad_requests_total", "HTTP requests that could not be read", n.bad_requests);
  counter("slow_consumers_total", "Connections closed because they did not read", n.slow_consumers);
  counter("heartbeats_missed_total", "Connections closed because of silence", n.heartbeats_missed);
  add("device_connections", "gauge", "Open device connections", n.device_connections);
  add("websocket_connections", "gauge", "Those of them that are WebSockets",
      n.websocket_connections);
  add("http_connections", "gauge", "Open HTTP connections", n.http_connections);
  counter("commit_rounds_total", "Syncs of the commit log", x.log.rounds);
  counter("commit_entries_total", "Entries in those rounds", x.log.entries);
  counter("commit_bytes_total", "Bytes of rows written", x.log.bytes);
  counter("commit_failed_rounds_total", "Rounds that failed", x.log.failed_rounds);
  add("commit_sync_seconds_total", "counter", "Time spent in syncs",
      static_cast<double>(x.log.sync_microseconds) / 1e6);
  render_histogram(out, "shoal_commit_duration_seconds",
      "Rounds of the commit log with a sync: writing and syncing", x.log.synced);
  add("commit_queued_bytes", "gauge", "Bytes waiting for a sync", x.log.queued_bytes);
  add("store_bytes", "gauge", "Size of the store, roughly", x.store_bytes);
  return out += x.gateway;
}

namespace {

http::response text(int status, std::string body) {
  http::response out;
  out.status = status;
  out.content_type = "text/plain; version=0.0.4; charset=utf-8";
  out.body = std::move(body);
  return out;
}

} // namespace

http::response answer_admin(const http::request& request, const admin_figures& x) {
  if (request.method != "GET" && request.method != "HEAD")
    return text(405, "only GET\n");
  if (request.path == "/healthz")
    return text(200, "alive\n");
  if (request.path == "/readyz")
    return x.ready ? text(200, "ready\n") : text(503, "not ready\n");
  if (request.path == "/metrics")
    return text(200, render_figures(x));
  return text(404, "known: /metrics /healthz /readyz /inspect/...\n");
}

} // namespace shoal
