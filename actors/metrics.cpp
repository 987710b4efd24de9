#include "actors/metrics.hpp"

namespace shoal {

std::string render(const metrics& x, std::span<const std::string> routes) {
  std::string out;
  auto add = [&](const char* name, const char* type, const char* help, auto value) {
    out += std::string{"# HELP shoal_"} + name + " " + help + "\n# TYPE shoal_" + name + " " +
           type + "\nshoal_" + name + " " + std::to_string(value) + "\n";
  };
  auto counter = [&](const char* name, const char* help, const metrics::counter& value) {
    add(name, "counter", help, value.load(std::memory_order_relaxed));
  };
  counter("appends_total", "Items answered by streams", x.appends);
  counter("append_repeats_total", "Items whose idempotency key was known", x.append_repeats);
  counter("append_refused_total", "Items refused", x.append_refused);
  counter("delivered_ops_total", "Ops put into frames for devices", x.delivered_ops);
  counter("ephemeral_ops_total", "Non-persistent ops accepted", x.ephemeral_ops);
  counter("acks_total", "Acknowledgements that reached a source", x.acks);
  counter("cursor_rows_total", "Cursors written", x.cursor_rows);
  counter("resets_total", "Resets sent to devices", x.resets);
  counter("pulls_total", "Pages asked for by devices", x.pulls);
  counter("pulls_from_memory_total", "Pages answered from memory", x.pull_from_memory);
  counter("disk_pages_total", "Pages read from the database", x.disk_pages);
  counter("hellos_total", "Devices welcomed", x.hellos);
  counter("hello_refused_total", "Hellos refused", x.hello_refused);
  counter("binds_total", "Users bound, verified", x.binds);
  counter("binds_unverified_total", "Users bound though their check failed", x.binds_unverified);
  counter("bind_refused_total", "Bindings refused", x.bind_refused);
  counter("replaced_devices_total", "Connections replaced by newer ones", x.replaced_devices);
  counter("ack_timeouts_total", "Ops not acknowledged in time", x.ack_timeouts);
  counter("trimmed_ops_total", "Ops removed by retention", x.trimmed_ops);
  counter("damaged_records_total", "Records whose checksum did not match", x.damaged_records);
  counter("api_calls_total", "API calls", x.api_calls);
  counter("api_refused_total", "API calls refused before they did anything", x.api_refused);
  counter("api_timeouts_total", "API calls answered outcome_unknown", x.api_timeouts);
  counter("streams_activated_total", "Streams activated", x.streams_activated);
  counter("streams_passivated_total", "Streams put to sleep", x.streams_passivated);
  counter("restarts_total", "Actors replaced by their supervisor", x.restarts);
  add("devices", "gauge", "Devices online", x.devices.load());
  add("streams", "gauge", "Streams in memory", x.streams.load());
  render_histogram(out, "shoal_delivery_duration_seconds",
      "Live ops from accepted to handed to a device's connection, per frame", x.delivery.read());
  out += "# HELP shoal_api_duration_seconds API calls from arrival to answer, by route\n"
         "# TYPE shoal_api_duration_seconds histogram\n";
  for (std::size_t i = 0; i < routes.size() && i < x.api_duration.size(); ++i)
    if (auto series = x.api_duration[i].read(); series.count > 0)
      render_series(out, "shoal_api_duration_seconds", "route=\"" + routes[i] + "\"", series);
  return out;
}

} // namespace shoal
