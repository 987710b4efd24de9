// The NATS client protocol, and JetStream on top of it: CONNECT, SUB, PUB, MSG, PING, and
// acknowledgement by reply subject.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/contenders/contender.hpp"

namespace shoal::bench {

enum class nats_delivery : std::uint8_t {
  plain,        ///< core NATS: nothing is stored or acknowledged
  acknowledged, ///< JetStream: each message is acknowledged, each publish confirmed
};

class nats_device : public device {
public:
  /// An empty `subject`: only connects.
  nats_device(std::string subject, nats_delivery how, tally& t)
      : device{t}, subject_{std::move(subject)}, how_{how} {}
  void login(connection& c) override;
  std::size_t received(connection& c, std::string_view bytes) override;

private:
  std::string subject_;
  nats_delivery how_;
};

class nats_publisher : public publisher {
public:
  nats_publisher(std::string inbox, nats_delivery how, std::size_t in_flight, tally& t)
      : publisher{t}, inbox_{std::move(inbox)}, how_{how}, limit_{in_flight} {}
  void opened(connection& c) override;
  std::size_t received(connection& c, std::string_view bytes) override;
  std::size_t capacity() const override { return connected_ ? limit_ - in_flight_ : 0; }
  void publish(connection& c, std::span<const outgoing> ops) override;
  /// One request of JetStream's API; counts as an op in flight until it is answered.
  void request(connection& c, const std::string& subject, const std::string& json);

private:
  std::string inbox_;
  nats_delivery how_;
  std::size_t limit_;
  std::size_t in_flight_ = 0;
  bool connected_ = false;
};

std::string nats_subject(std::size_t user);

} // namespace shoal::bench
