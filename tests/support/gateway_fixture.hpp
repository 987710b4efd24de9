// A gateway on a TLS endpoint, with definitions that a test changes as it likes and a scripted
// backend. One loop, so that what a loop knows (caches, breakers) is what the test sees.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>

#include "actors/gateway/http_entrance.hpp"
#include "protocol/device.pb.h"
#include "protocol/tls/certificate.hpp"
#include "protocol/tls/device_calls.hpp"
#include "protocol/tls/endpoint.hpp"
#include "tests/support/scripted_backend.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/tls_client.hpp"

namespace shoal::test {

class GatewayFixture : public testing::Test {
protected:
  using say = scripted_backend::say;
  using heard = scripted_backend::heard;
  using then = scripted_backend::then;

  GatewayFixture() {
    settings.enabled = true;
    settings.sign = false;
    group.name = "orders";
    group.id = 1;
    group.upstreams = {{backend.address(), 1, {}}};
    api.operation = "com.shop.get";
    api.group = "orders";
    api.status = gateway::api_status::online;
    api.id = 1;
    api.version = 1;
  }

  /// Publishes what `settings`, `group` and `api` are now.
  void publish() {
    ++revision_;
    settings.revision = group.revision = api.revision = revision_;
    auto next = cell.load()->with(world, gateway::make_live(settings));
    next = next.with(world, gateway::make_live(group));
    next = next.with(world, std::make_shared<const gateway::api_definition>(api));
    cell.store(std::make_shared<const gateway::registry>(next.at(revision_, 1)));
  }

  /// One more API or group beside the usual ones.
  void add(gateway::api_definition x) {
    auto next =
        cell.load()->with(world, std::make_shared<const gateway::api_definition>(std::move(x)));
    cell.store(std::make_shared<const gateway::registry>(std::move(next)));
  }
  void add(gateway::api_group x) {
    cell.store(std::make_shared<const gateway::registry>(
        cell.load()->with(world, gateway::make_live(std::move(x)))));
  }
  void add(gateway::proto_definition x) {
    cell.store(std::make_shared<const gateway::registry>(
        cell.load()->with(world, gateway::make_live(std::move(x)))));
  }
  void add(gateway::authorizer_rule x) {
    cell.store(std::make_shared<const gateway::registry>(
        cell.load()->with(world, std::make_shared<const gateway::authorizer_rule>(std::move(x)))));
  }

  tls_client connect(const std::string& protocol = "http/1.1") {
    start();
    auto options = client_options{};
    options.tls = !options_.behind_balancer;
    options.alpn = {protocol};
    return tls_client{endpoint->port(), options};
  }

  /// `fields`: whole lines.
  static std::string request(const std::string& fields = "", const std::string& data = "[{}]",
      const std::string& operation = "com.shop.get") {
    return "POST /mgw.htm HTTP/1.1\r\nHost: gw\r\nOperation-Type: " + operation +
           "\r\nAppId: shop\r\nWorkspaceId: test\r\n" + fields +
           "Content-Length: " + std::to_string(data.size()) + "\r\n\r\n" + data;
  }

  static std::string code(const http_answer& x) { return field(x, "Result-Status"); }

  static std::string field(const http_answer& x, const std::string& name) {
    auto at = x.head.find("\r\n" + name + ": ");
    if (at == std::string::npos)
      return "(none)";
    auto begin = at + name.size() + 4;
    return x.head.substr(begin, x.head.find("\r\n", begin) - begin);
  }

  /// What the backend says; changed before the first call.
  scripted_backend::script answer_with = [](const heard&) {
    return scripted_backend::ok("{\"n\":1}");
  };
  scripted_backend backend{[this](const heard& x) { return answer_with(x); }};

  gateway::registry_cell cell;
  gateway::world_name world{app_no{7}, "shop@test"};
  gateway::app_settings settings;
  gateway::api_group group;
  gateway::api_definition api;
  gateway::entrance_options options_;
  tls::device_identity_ptr who; ///< every device
  std::uint32_t allowed_calls = 0;
  std::string digests; // guarded by nothing: looked at when the endpoint has stopped
  gateway::node_share_ptr share = std::make_shared<gateway::node_share>(cell);
  std::unique_ptr<tls::endpoint> endpoint;

private:
  struct deaf : tls::link_sink {
    void on_frame(frame) override {}
    void on_closed(ec) override {}
  };

  void start() {
    if (endpoint)
      return;
    if (revision_ == 0)
      publish();
    auto options = tls::endpoint_options{};
    options.loops = 1;
    options.tls = !options_.behind_balancer;
    options.certificate_file = dir_.path() / "cert.pem";
    options.key_file = dir_.path() / "key.pem";
    tls::write_self_signed(options.certificate_file, options.key_file, {"localhost"});
    auto handlers = tls::endpoint_handlers{};
    handlers.on_request = [](const http::request&, const http::responder& respond) {
      respond({404, "text/plain", {}, "not the gateway's"});
    };
    handlers.on_device = [this](tls::link x, const std::string&) {
      x.identify(who);
      auto welcome = wire::Welcome{};
      welcome.set_calls(allowed_calls);
      x.send(std::make_shared<const std::string>(
          encode_frame(frame_type::welcome, welcome.SerializeAsString())));
      return std::make_shared<deaf>();
    };
    handlers.make_service = [this](tls::io_loop& loop) {
      return std::make_unique<gateway::http_entrance>(loop, share, options_);
    };
    endpoint = std::make_unique<tls::endpoint>(options, handlers);
  }

  temp_dir dir_;
  std::uint64_t revision_ = 0;
};

} // namespace shoal::test
