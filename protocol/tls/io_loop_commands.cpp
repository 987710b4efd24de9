// What an I/O loop does for each command, and for those who answer on its own thread. The data is
// in io_loop.hpp, the commands are in commands.hpp.
#include <utility>

#include "protocol/tls/device_driver.hpp"
#include "protocol/tls/h2_driver.hpp"
#include "protocol/tls/http_driver.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {

void io_loop::apply(send_one& x) {
  if (auto* device = find_device(x.to))
    device->send(x.bytes);
}

void io_loop::apply(send_many& x) {
  for (auto& to : x.to)
    if (auto* device = find_device(to))
      device->send(x.bytes);
}

void io_loop::apply(close_one& x) {
  if (auto* device = find_device(x.to))
    device->close(std::move(x.last), x.why);
}

void io_loop::apply(frames_consumed& x) {
  if (auto* device = find_device(x.by))
    device->consumed(x.count);
}

void io_loop::apply(heartbeat_agreed& x) {
  if (auto* device = find_device(x.with))
    device->set_heartbeat(x.interval);
}

void io_loop::apply(identity_known& x) {
  if (auto* device = find_device(x.of))
    device->identify(std::move(x.who));
}

void io_loop::apply(answer_request& x) { answer(x.to, x.number, std::move(*x.response)); }

void io_loop::answer(target to, std::uint32_t number, http::response&& x) {
  auto* found = find(to);
  if (!found || !found->speaker())
    return;
  if (found->speaker()->speaks() == application::http_1)
    static_cast<http_driver*>(found->speaker())->answer(number, x);
  else if (found->speaker()->speaks() == application::http_2)
    static_cast<h2_driver*>(found->speaker())->answer(number, std::move(x));
}

void io_loop::when_request_given_up(target to, std::uint32_t number, std::function<void()> then) {
  auto* found = find(to);
  auto* speaker = found ? found->speaker() : nullptr;
  if (!speaker)
    return then();
  if (speaker->speaks() == application::http_1)
    static_cast<http_driver*>(speaker)->when_given_up(number, std::move(then));
  else if (speaker->speaks() == application::http_2)
    static_cast<h2_driver*>(speaker)->when_given_up(number, std::move(then));
}

void local_responder::when_given_up(std::function<void()> then) const {
  if (loop_)
    loop_->when_request_given_up(to_, number_, std::move(then));
}

void local_responder::operator()(http::response&& x) const {
  if (loop_)
    loop_->answer(to_, number_, std::move(x));
}

void io_loop::answer_call(target to, std::uint32_t ticket, device_answer&& x) {
  if (auto* device = find_device(to))
    device->answer_call(ticket, std::move(x));
}

void io_loop::when_call_given_up(target to, std::uint32_t ticket, std::function<void()> then) {
  if (auto* device = find_device(to))
    device->when_call_given_up(ticket, std::move(then));
  else
    then();
}

void call_responder::when_given_up(std::function<void()> then) const {
  if (loop_)
    loop_->when_call_given_up(to_, ticket_, std::move(then));
}

void call_responder::operator()(device_answer&& x) const {
  if (loop_)
    loop_->answer_call(to_, ticket_, std::move(x));
}

void io_loop::apply(adopt_socket& x) { adopt(x.fd); }

void io_loop::apply(task& x) { x(); }

} // namespace shoal::tls
