// HTTP/1.1 on a client connection: one exchange at a time, and the next one only if nothing about
// the answer was doubtful.
#pragma once

#include "protocol/http/response_reader.hpp"
#include "protocol/tls/client_connection.hpp"

namespace shoal::tls {

class client_http_1 final : public client_connection {
public:
  client_http_1(io_loop& loop, client_pool& pool, const http::response_limits& limits);

  void carry(client_exchange& x) override;
  void cancel(client_exchange& x) override;
  std::size_t load() const override { return exchange_ ? 1 : 0; }
  std::size_t room() const override { return exchange_ || is_dead() ? 0 : 1; }

private:
  void on_open() override;
  void on_bytes(std::string_view x) override;
  void on_end_of_bytes() override;
  void on_writable() override;
  bool may_be_answered() const override { return exchange_ && sent_ > 0; }
  client_exchange* take_exchange() override;
  client_failure failure_of(client_error why, std::string_view detail) const override;

  void send_rest();
  void answer_is_here(bool clean);

  http::response_reader reader_;
  client_exchange* exchange_ = nullptr;
  std::size_t sent_ = 0; // of the request
  bool was_used_ = false;
};

} // namespace shoal::tls
