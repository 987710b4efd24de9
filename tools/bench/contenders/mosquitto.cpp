// Mosquitto: QoS 0 where ops are neither stored nor acknowledged, QoS 1 where they are (in memory:
// its persistence file is written rarely, never before PUBACK, so it is left off).
#include <fstream>

#include "tools/bench/contenders/contender.hpp"
#include "tools/bench/names.hpp"
#include "tools/bench/wire/mqtt.hpp"

namespace shoal::bench {

namespace {

class mosquitto final : public contender {
public:
  explicit mosquitto(surroundings s) : around_{std::move(s)} {}

  std::string name() const override { return "mosquitto"; }

  void start() override {
    port_ = free_port();
    auto file = around_.folder + "/mosquitto.conf";
    std::ofstream{file} << "listener " << port_ << " 127.0.0.1\n"
                        << "certfile " << around_.certificate.certificate << '\n'
                        << "keyfile " << around_.certificate.key << '\n'
                        << "allow_anonymous true\n"
                        << "persistence false\n"
                        << "max_queued_messages 0\n" // no limit: nothing may be dropped
                        << "max_inflight_messages 0\n"
                        << "set_tcp_nodelay true\n"
                        << "log_type error\n"
                        << "user root\n";
    server_ = start_server({"mosquitto", "-c", file}, around_.folder, port_);
  }

  void prepare(tls_loop&, const plan& p) override { plan_ = p; }

  dial_options device_dial(std::size_t) const override { return {.port = port_, .alpn = {}}; }

  std::unique_ptr<device> make_device(std::size_t i, tally& t) override {
    auto topic = std::string{};
    if (plan_.whom != audience::nobody)
      topic = mqtt_topic(plan_.whom == audience::own ? i : to_all);
    return std::make_unique<mqtt_device>(
        numbered("d", i), topic, qos(), plan_.absent ? mqtt_session::kept : mqtt_session::clean, t);
  }

  std::unique_ptr<publisher> make_publisher(std::size_t i, tally& t) override {
    return std::make_unique<mqtt_publisher>(numbered("p", i), qos(), plan_.in_flight, t);
  }

private:
  quality qos() const { return plan_.confirmed ? quality::at_least_once : quality::at_most_once; }

  surroundings around_;
  plan plan_;
  std::uint16_t port_ = 0;
};

} // namespace

std::unique_ptr<contender> make_mosquitto(surroundings s) {
  return std::make_unique<mosquitto>(std::move(s));
}

} // namespace shoal::bench
