#include "protocol/tls/client_http_1.hpp"

#include <utility>

#include "protocol/tls/client_pool.hpp"

namespace shoal::tls {

client_http_1::client_http_1(io_loop& loop, client_pool& pool, const http::response_limits& limits)
    : client_connection{loop, pool}, reader_{limits} {}

void client_http_1::carry(client_exchange& x) {
  exchange_ = &x;
  sent_ = 0;
  reader_.begin(x.is_head);
  if (is_open())
    send_rest();
}

/// Its answer belongs to nobody, and the next one must not be mistaken for it.
void client_http_1::cancel(client_exchange&) {
  exchange_ = nullptr;
  auto* of = pool();
  drop();
  if (of)
    of->on_dead(*this);
}

void client_http_1::on_open() {
  if (!exchange_)
    return;
  begins(*exchange_);
  send_rest();
}

void client_http_1::send_rest() {
  auto sent = std::size_t{0};
  if (write(std::string_view{exchange_->request_bytes}.substr(sent_), sent))
    sent_ += sent;
}

void client_http_1::on_writable() {
  if (exchange_)
    send_rest();
}

void client_http_1::on_bytes(std::string_view x) {
  if (!exchange_) // an idle server has nothing to say but goodbye
    return end(client_error::broken, "");
  auto used = std::size_t{0};
  switch (reader_.feed(x, used)) {
  case http::response_reader::outcome::need_more:
    return;
  case http::response_reader::outcome::done:
    return answer_is_here(used == x.size());
  case http::response_reader::outcome::failed:
    return end(client_error::malformed, reader_.flaw());
  }
}

void client_http_1::on_end_of_bytes() {
  if (exchange_ && reader_.end() == http::response_reader::outcome::done)
    return answer_is_here(false);
  end(client_error::broken, "the connection ended before the answer was complete");
}

/// `clean`: nothing came behind the answer, and the server goes on listening.
void client_http_1::answer_is_here(bool clean) {
  auto* whose = std::exchange(exchange_, nullptr);
  auto stays = clean && reader_.keep_alive() && sent_ == whose->request_bytes.size();
  auto reply = reader_.take();
  auto keep = shared_from_this();
  auto* of = pool();
  was_used_ = true;
  if (!stays) {
    drop();
    of->on_dead(*this);
  }
  of->hand_over(*this, *whose, std::move(reply));
}

client_exchange* client_http_1::take_exchange() { return std::exchange(exchange_, nullptr); }

client_failure client_http_1::failure_of(client_error why, std::string_view detail) const {
  return {why, detail, was_used_, exchange_ && reader_.begun()};
}

} // namespace shoal::tls
