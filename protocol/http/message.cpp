#include "protocol/http/message.hpp"

#include <algorithm>
#include <atomic>

#include "protocol/http/problem.hpp"

namespace shoal::http {
bool same_name(std::string_view x, std::string_view y) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(x, y, {}, lower, lower);
}

std::string_view request::header(std::string_view name) const {
  for (auto& [key, value] : headers)
    if (same_name(key, name))
      return value;
  return {};
}

struct responder::state {
  std::function<void(response)> send;
  std::atomic<bool> used = false;

  void answer(response x) {
    if (!used.exchange(true) && send)
      send(std::move(x));
  }

  ~state() { answer(problem(500, ec::session_lost, "the request was dropped unanswered")); }
};

responder::responder(std::function<void(response)> send) : state_{std::make_shared<state>()} {
  state_->send = std::move(send);
}

void responder::operator()(response x) const {
  if (state_)
    state_->answer(std::move(x));
}

} // namespace shoal::http
