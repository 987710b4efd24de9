// MQTT 3.1.1, the part that a benchmark needs: CONNECT, SUBSCRIBE, PUBLISH with QoS 0 and 1,
// PUBACK.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/contenders/contender.hpp"

namespace shoal::bench {

enum class quality : std::uint8_t { at_most_once = 0, at_least_once = 1 };
enum class mqtt_session : std::uint8_t { clean, kept };

class mqtt_device : public device {
public:
  /// An empty `topic`: only connects.
  mqtt_device(std::string id, std::string topic, quality qos, mqtt_session kind, tally& t)
      : device{t}, id_{std::move(id)}, topic_{std::move(topic)}, qos_{qos}, kind_{kind} {}
  void login(connection& c) override;
  std::size_t received(connection& c, std::string_view bytes) override;

private:
  std::string id_, topic_;
  quality qos_;
  mqtt_session kind_;
};

class mqtt_publisher : public publisher {
public:
  mqtt_publisher(std::string id, quality qos, std::size_t in_flight, tally& t)
      : publisher{t}, id_{std::move(id)}, qos_{qos}, limit_{in_flight} {}
  void opened(connection& c) override;
  std::size_t received(connection& c, std::string_view bytes) override;
  std::size_t capacity() const override { return connected_ ? limit_ - in_flight_ : 0; }
  void publish(connection& c, std::span<const outgoing> ops) override;

private:
  std::string id_;
  quality qos_;
  std::size_t limit_;
  std::size_t in_flight_ = 0;
  std::uint16_t next_packet_ = 0;
  bool connected_ = false;
};

std::string mqtt_topic(std::size_t user);

} // namespace shoal::bench
