// HTTP/2 on a client connection: many exchanges at a time, each a stream.
//
// A server says how many exchanges it takes only when the first are on their way. Those it refuses
// for that are started again by the pool, which remembers the number for its next connections.
//
// A server that says goodbye (GOAWAY) gets no more; those it has not begun are started again
// elsewhere by the pool, the others may end. A server that has fallen silent is asked for a sign of
// life: when an exchange was given up and nothing has come since it began, the connection carries
// no new ones until something comes, and ends if nothing does within five seconds.
#pragma once

#include <string>
#include <unordered_map>

#include "protocol/http/h2_client_session.hpp"
#include "protocol/tls/client_connection.hpp"

namespace shoal::tls {

class client_http_2 final : public client_connection {
public:
  client_http_2(io_loop& loop, client_pool& pool, const http::response_limits& limits, bool secure);

  void carry(client_exchange& x) override;
  void cancel(client_exchange& x) override;
  std::size_t load() const override { return carried_.size(); }
  std::size_t room() const override;
  void on_sweep() override;

private:
  struct one {
    client_exchange* whose = nullptr;
    std::uint64_t heard = 0; // what `heard_` was when it began
  };

  void on_open() override;
  void on_bytes(std::string_view x) override;
  void on_end_of_bytes() override;
  void on_writable() override;
  bool may_be_answered() const override { return true; }
  client_exchange* take_unsent() override;
  client_exchange* take_exchange() override;
  client_failure failure_of(client_error why, std::string_view detail) const override;

  void tell(http::h2_client_session::event&& x);
  void tell_all();
  void make_room();
  void flush_soon();
  void flush();

  http::h2_client_session session_;
  std::unordered_map<std::uint32_t, one> carried_; // by stream
  std::uint32_t asked_upto_ = 0;                   // the newest stream
  std::uint32_t left_upto_ = 0;                    // of those behind it nothing was encoded
  std::string out_;
  std::size_t sent_ = 0;    // of out_
  std::uint64_t begun_;     // in ticks of the loop
  std::uint64_t heard_ = 0; // how often something came
  std::uint64_t asked_ = 0; // when it was asked for a sign of life; 0: it was not
  bool was_used_ = false;
  bool flush_posted_ = false;
};

} // namespace shoal::tls
