// NATS, in two ways: core (fire and forget), and JetStream with file storage, one stream for all
// users and one durable consumer with explicit acknowledgement per user. JetStream 2.9 does not
// fsync before it confirms.
#include "tools/bench/wire/nats.hpp"

#include <fstream>

#include "tools/bench/contenders/contender.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

constexpr auto no_limit = std::size_t{1} << 20;

class nats_server : public contender {
public:
  nats_server(surroundings s, nats_delivery how) : around_{std::move(s)}, how_{how} {}

  std::string name() const override { return how_ == nats_delivery::plain ? "nats" : "jetstream"; }

  void start() override {
    port_ = free_port();
    auto file = around_.folder + "/nats.conf";
    auto out = std::ofstream{file};
    out << "listen: 127.0.0.1:" << port_ << '\n'
        << "max_connections: 65536\n"
        << "tls { cert_file: \"" << around_.certificate.certificate << "\", key_file: \""
        << around_.certificate.key << "\", timeout: 30 }\n";
    if (how_ == nats_delivery::acknowledged)
      out << "jetstream { store_dir: \"" << around_.folder << "/jetstream\" }\n";
    out.close();
    server_ = start_server({"nats-server", "-c", file}, around_.folder, port_);
  }

  void prepare(tls_loop& loop, const plan& p) override {
    plan_ = p;
    if (how_ == nats_delivery::acknowledged)
      create_stream_and_consumers(loop);
  }

  dial_options device_dial(std::size_t) const override {
    return {.port = port_, .alpn = {}, .greeted_plain = true};
  }

  std::unique_ptr<device> make_device(std::size_t i, tally& t) override {
    auto subject = std::string{};
    if (how_ == nats_delivery::acknowledged)
      subject = numbered("d.", i);
    else if (plan_.whom != audience::nobody)
      subject = nats_subject(plan_.whom == audience::own ? i : to_all);
    return std::make_unique<nats_device>(subject, how_, t);
  }

  std::unique_ptr<publisher> make_publisher(std::size_t i, tally& t) override {
    auto limit = how_ == nats_delivery::plain ? no_limit : plan_.in_flight;
    return std::make_unique<nats_publisher>(numbered("inbox.p", i), how_, limit, t);
  }

private:
  void create_stream_and_consumers(tls_loop& loop) {
    auto t = tally{};
    auto control = nats_publisher{"inbox.control", how_, no_limit, t};
    auto& line = loop.open(device_dial(0), control);
    auto wait = [&](const char* what, std::size_t answers) {
      wait_for(loop, t, around_.wishes.timeout_s, what, [&] { return t.accepted == answers; });
    };
    wait_for(loop, t, around_.wishes.timeout_s, "connecting to JetStream",
        [&] { return control.capacity() > 0; });
    control.request(line, "$JS.API.STREAM.CREATE.S",
        R"({"name":"S","subjects":["u.>"],"storage":"file","retention":"limits","num_replicas":1})");
    wait("creating the stream", 1);
    for (auto i = std::size_t{0}; i < plan_.users; ++i) {
      auto no = std::to_string(i);
      control.request(line, "$JS.API.CONSUMER.DURABLE.CREATE.S.c" + no,
          R"({"stream_name":"S","config":{"durable_name":"c)" + no + R"(","deliver_subject":"d.)" +
              no + R"(","deliver_policy":"all","ack_policy":"explicit","max_ack_pending":20000,)" +
              R"("ack_wait":60000000000,"filter_subject":"u.)" + no + R"("}})");
    }
    wait("creating consumers", 1 + plan_.users);
    line.close();
  }

  surroundings around_;
  nats_delivery how_;
  plan plan_;
  std::uint16_t port_ = 0;
};

} // namespace

std::unique_ptr<contender> make_nats(surroundings s) {
  return std::make_unique<nats_server>(std::move(s), nats_delivery::plain);
}

std::unique_ptr<contender> make_jetstream(surroundings s) {
  return std::make_unique<nats_server>(std::move(s), nats_delivery::acknowledged);
}

} // namespace shoal::bench
