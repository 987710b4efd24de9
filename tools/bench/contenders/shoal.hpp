// Shoal itself. Visible to the scenario `start`, which starts it twice on the same data, and to
// `shoal_cluster`, which starts several.
#pragma once

#include <memory>
#include <string>

#include "tools/bench/contenders/contender.hpp"
#include "tools/bench/wire/shoal_api.hpp"

namespace shoal::bench {

class shoal_contender : public contender {
public:
  explicit shoal_contender(surroundings s) : around_{std::move(s)} {}

  std::string name() const override { return "shoal"; }
  void start() override;
  void prepare(tls_loop& loop, const plan& p) override;
  dial_options device_dial(std::size_t i) const override {
    return {.port = port(i), .alpn = "shoal/1"};
  }
  dial_options publisher_dial(std::size_t i) const override {
    return {.port = port(i), .alpn = "http/1.1"};
  }
  std::unique_ptr<device> make_device(std::size_t i, tally& t) override;
  std::unique_ptr<publisher> make_publisher(std::size_t i, tally& t) override;

  /// One call to a node, waiting for its answer; throws std::runtime_error unless it is 2xx.
  std::string call(tls_loop& loop, const api_key& key, const std::string& method,
      const std::string& path, const std::string& body, std::size_t node = 0);
  const api_key& admin() const { return admin_; }
  std::string data_folder() const { return around_.folder + "/data"; }

protected:
  /// Of the node that connection `i` belongs to.
  virtual std::uint16_t port(std::size_t) const { return port_; }

  surroundings around_;
  api_key operator_;

private:
  plan plan_;
  std::uint16_t port_ = 0;
  api_key admin_, device_;
};

} // namespace shoal::bench
