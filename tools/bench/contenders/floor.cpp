// The floor server: same frames, nothing behind them.
#include <cstring>

#include "protocol/frame.hpp"
#include "tools/bench/contenders/contender.hpp"
#include "tools/bench/floor/server.hpp"
#include "tools/bench/names.hpp"
#include "tools/bench/wire/shoal_device.hpp"

namespace shoal::bench {

namespace {

class floor_publisher final : public publisher {
public:
  floor_publisher(const plan& p, tally& t) : publisher{t}, plan_{p} {}

  void opened(connection&) override { connected_ = true; }

  std::size_t received(connection&, std::string_view bytes) override {
    constexpr auto answer = frame_header_size + 4;
    auto used = std::size_t{0};
    for (; bytes.size() - used >= answer; used += answer) {
      auto count = std::uint32_t{0};
      std::memcpy(&count, bytes.data() + used + frame_header_size, 4);
      in_flight_ -= count;
      tally_.accepted += count;
    }
    return used;
  }

  std::size_t capacity() const override { return connected_ ? plan_.in_flight - in_flight_ : 0; }

  void publish(connection& c, std::span<const outgoing> ops) override {
    auto order = floor_order{};
    order.store = plan_.absent ? 1 : 0;
    order.size = static_cast<std::uint32_t>(ops.front().payload.size());
    if (ops.front().user == to_all) {
      order.user = floor_all;
      order.count = static_cast<std::uint32_t>(ops.size());
      put(c, order);
    } else {
      for (auto& x : ops) {
        order.user = static_cast<std::uint32_t>(x.user);
        order.count = 1;
        put(c, order);
      }
    }
    in_flight_ += ops.size();
    c.flush();
  }

private:
  static void put(connection& c, const floor_order& order) {
    auto body = std::string(sizeof order, '\0');
    std::memcpy(body.data(), &order, sizeof order);
    c.out += encode_frame(static_cast<frame_type>(floor_publish), body);
  }

  const plan& plan_;
  std::size_t in_flight_ = 0;
  bool connected_ = false;
};

class floor_contender final : public contender {
public:
  explicit floor_contender(surroundings s) : around_{std::move(s)} {}

  std::string name() const override { return "floor"; }

  void start() override {
    port_ = free_port();
    server_ =
        start_server({"/proc/self/exe", "--floor-server", std::to_string(port_),
                         around_.certificate.certificate, around_.certificate.key, around_.folder},
            around_.folder, port_);
  }

  void prepare(tls_loop&, const plan& p) override { plan_ = p; }
  dial_options device_dial(std::size_t) const override { return {.port = port_, .alpn = {}}; }

  std::unique_ptr<device> make_device(std::size_t i, tally& t) override {
    auto who = shoal_identity{"dk_floor", "secret", numbered("d", i), {}, {}, {}};
    if (plan_.whom == audience::own)
      who.user = numbered("u", i);
    if (plan_.whom != audience::nobody)
      who.biz = plan_.whom == audience::own ? "OWN" : "ALL";
    return std::make_unique<shoal_device>(who, t);
  }

  std::unique_ptr<publisher> make_publisher(std::size_t, tally& t) override {
    return std::make_unique<floor_publisher>(plan_, t);
  }

private:
  surroundings around_;
  plan plan_;
  std::uint16_t port_ = 0;
};

} // namespace

std::unique_ptr<contender> make_floor(surroundings s) {
  return std::make_unique<floor_contender>(std::move(s));
}

} // namespace shoal::bench
