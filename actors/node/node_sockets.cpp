// A node's sockets, and what answers on them. The data is in node_impl.hpp.
#include <filesystem>
#include <thread>

#include "actors/api/problem.hpp"
#include "actors/api/router.hpp"
#include "actors/device/device.hpp"
#include "actors/log.hpp"
#include "actors/node/node_impl.hpp"
#include "actors/registry/watched.hpp"
#include "protocol/tls/certificate.hpp"

namespace shoal {

namespace fs = std::filesystem;

namespace {

/// Of a node of a cluster that starts, until it has the catalog: whoever calls a node that does not
/// know his key hears that it is wrong.
constexpr auto catalog_patience = std::chrono::milliseconds{3000};

/// Hears a device connection on its loop's thread, and tells the device actor.
class device_sink : public tls::link_sink {
public:
  explicit device_sink(device_actor hdl) : hdl_{std::move(hdl)} {}

  void on_frame(frame x) override {
    caf::anon_send(hdl_, atom::frame::value, device_frame{x.type, std::move(x.body)});
  }
  void on_closed(ec) override { caf::anon_send(hdl_, atom::lost::value); }

private:
  device_actor hdl_;
};

/// Of a connection that is closed before anybody hears of it.
class deaf_sink : public tls::link_sink {
public:
  void on_frame(frame) override {}
  void on_closed(ec) override {}
};

} // namespace

std::shared_ptr<tls::link_sink> node::impl::accept_device(tls::link link, const std::string& peer) {
  if (knows_nobody()) {
    link.close(nullptr, ec::going_away);
    return std::make_shared<deaf_sink>();
  }
  device_options x;
  x.services = sv;
  x.wire = connection_of(link, peer);
  return std::make_shared<device_sink>(
      spawn_watched(*system, &actors, {peer}, device, std::move(x)));
}

void node::impl::answer_request(http::request request, http::responder respond) {
  ++count.api_calls;
  if (knows_nobody())
    return respond(api::problem(
        ec::going_away, "this node does not have the cluster's keys yet", sv->now_ms()));
  api_actor hdl;
  {
    std::lock_guard lock{api_mutex};
    hdl = apis[next_api++ % apis.size()];
  }
  caf::anon_send(
      hdl, atom::call::value, api_call{std::move(request), std::move(respond), steady_us()});
}

void node::impl::await_catalog() const {
  auto end = std::chrono::steady_clock::now() + catalog_patience;
  while (others && !(sv->remote->knows_catalog() && sv->remote->knows_gateway()) &&
         std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
}

/// Nobody can be told from a stranger yet: others may know him.
bool node::impl::knows_nobody() const {
  return others && !sv->remote->knows_catalog() && sv->catalog.load()->keys(app_no{0}).empty();
}

void node::impl::start_endpoint() {
  tls::endpoint_options x;
  x.address = opt.address;
  x.port = opt.port;
  x.loops = opt.io_loops != 0 ? opt.io_loops : std::max(1u, std::thread::hardware_concurrency());
  x.certificate_file = opt.certificate;
  x.key_file = opt.key;
  if (x.certificate_file.empty()) {
    auto folder = fs::path{opt.data_dir};
    fs::create_directories(folder);
    x.certificate_file = (folder / "dev-cert.pem").string();
    x.key_file = (folder / "dev-key.pem").string();
    if (!fs::exists(x.certificate_file) || !fs::exists(x.key_file))
      tls::write_self_signed(x.certificate_file, x.key_file, {"localhost", "127.0.0.1"});
    log::warn("self-signed development certificate", {{"file", x.certificate_file}});
    opt.certificate = x.certificate_file;
  }
  x.max_connections = opt.max_connections;
  x.web_origins = opt.web_origins;
  x.max_frame = opt.max_frame;
  x.max_http_body = opt.max_http_body;
  auto made = std::make_unique<tls::endpoint>(
      x, tls::endpoint_handlers{
             [this](tls::link link, const std::string& peer) { return accept_device(link, peer); },
             [this](http::request request, http::responder respond) {
               answer_request(std::move(request), std::move(respond));
             },
             gate->services_of_loops(),
         });
  gate->listen([this](http::request request, http::responder respond) {
    answer_request(std::move(request), std::move(respond));
  });
  std::lock_guard lock{endpoint_mutex};
  endpoint = std::move(made);
}

void node::impl::start_admin() {
  tls::endpoint_options y;
  y.address = opt.admin_address;
  y.port = opt.admin_port;
  y.loops = 1;
  y.tls = false;
  y.max_connections = 100;
  admin = std::make_unique<tls::endpoint>(
      y, tls::endpoint_handlers{
             nullptr, [this](const http::request& request, const http::responder& respond) {
               answer_admin_request(request, respond);
             }});
}

admin_figures node::impl::figures() const {
  std::lock_guard lock{endpoint_mutex};
  return {is_ready(), &count, endpoint ? endpoint->stats() : tls::endpoint_stats{}, log->stats(),
      db->approximate_size(), api::route_names(), gate ? gate->render_figures() : std::string{}};
}

void node::impl::answer_admin_request(
    const http::request& request, const http::responder& respond) {
  if (!request.path.starts_with("/inspect/"))
    return respond(answer_admin(request, figures()));
  inspector_actor hdl;
  {
    std::lock_guard lock{api_mutex};
    hdl = inspecting;
  }
  caf::anon_send(
      hdl, atom::call::value, api_call{request, respond, 0}); // it may wait, this may not
}

} // namespace shoal
