// The gateway's door for HTTP/1.1 and HTTP/2 (that for devices is device_entrance.hpp): takes
// `/mgw.htm`, `/mgw/batch` and what the REST entries of an app know, makes calls of them, and
// writes answers as responses. Everything else is not its business (`serve` returns false).
//
// A service of an I/O loop: owns the loop's worker.
#pragma once

#include <memory>
#include <optional>

#include "actors/gateway/call_origin.hpp"
#include "actors/gateway/worker.hpp"
#include "protocol/tls/loop_service.hpp"

namespace shoal::gateway {

struct entrance_options {
  /// The plain port: whoever connects is a balancer, and tells in X-Forwarded-For who is behind it.
  /// On any other port that header is worth nothing.
  bool behind_balancer = false;
};

class http_entrance : public tls::loop_service {
public:
  http_entrance(tls::io_loop& loop, node_share_ptr share, entrance_options options = {})
      : worker_{loop, std::move(share)}, options_{options} {}

  bool serve(http::request& x, const tls::local_responder& answer) override;
  bool call(tls::device_call&& x, const tls::call_responder& answer) override;
  void on_tick() override { worker_.on_tick(); }

  /// For other ways in on the same loop.
  worker& pipeline() { return worker_; }

private:
  bool serve_rest(http::request& x, const tls::local_responder& answer);
  void serve_call(http::request& x, const tls::local_responder& answer);
  void serve_batch(http::request& x, const tls::local_responder& answer);
  void carry_out(http::request& x, gateway::call&& made, registry::found target,
      const tls::local_responder& answer);
  void preflight(const world* in, const http::request& x, const tls::local_responder& answer);
  std::optional<mgw::failure> describe(
      http::request& x, const tls::local_responder& answer, gateway::call& into) const;

  worker worker_;
  entrance_options options_;
};

/// "shop@test" is app "shop" in workspace "test", "shop" is in workspace "default".
void split_world(std::string_view name, mgw::call& into);

} // namespace shoal::gateway
