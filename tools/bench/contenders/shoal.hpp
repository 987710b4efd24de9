// Shoal itself. Visible to the scenario `start`, which starts it twice on the same data.
#pragma once

#include <memory>
#include <string>

#include "tools/bench/contenders/contender.hpp"
#include "tools/bench/wire/shoal_api.hpp"

namespace shoal::bench {

class shoal_contender final : public contender {
public:
  explicit shoal_contender(surroundings s) : around_{std::move(s)} {}

  std::string name() const override { return "shoal"; }
  void start() override;
  void prepare(tls_loop& loop, const plan& p) override;
  dial_options device_dial() const override { return {.port = port_, .alpn = "shoal/1"}; }
  dial_options publisher_dial() const override { return {.port = port_, .alpn = "http/1.1"}; }
  std::unique_ptr<device> make_device(std::size_t i, tally& t) override;
  std::unique_ptr<publisher> make_publisher(std::size_t i, tally& t) override;

  /// One call, waiting for its answer; throws std::runtime_error unless it is 2xx.
  std::string call(tls_loop& loop, const api_key& key, const std::string& method,
      const std::string& path, const std::string& body);
  const api_key& admin() const { return admin_; }
  std::string data_folder() const { return around_.folder + "/data"; }

private:
  surroundings around_;
  plan plan_;
  std::uint16_t port_ = 0;
  api_key operator_, admin_, device_;
};

} // namespace shoal::bench
