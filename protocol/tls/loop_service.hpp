// Answering on the loop's own thread: for requests whose answer needs no actor, a service of each
// loop takes them before `on_request` sees them. No queue, no wake-up, no other thread between the
// bytes of a request and those of its answer.
//
// A service belongs to one loop: made and destroyed on its thread, called by nobody else, so it
// needs no lock. It must not block, and it must not use its loop after its destructor has run.
#pragma once

#include <cstdint>
#include <functional>

#include "protocol/http/message.hpp"
#include "protocol/tls/commands.hpp"
#include "protocol/tls/context.hpp"
#include "protocol/tls/device_calls.hpp"

namespace shoal::tls {

class io_loop;

/// Answers one request, on its loop's thread. A value; what comes too late, or a second time, is
/// ignored.
class local_responder {
public:
  local_responder() = default;
  local_responder(io_loop& loop, target to, std::uint32_t number, application by)
      : loop_{&loop}, to_{to}, number_{number}, by_{by} {}

  void operator()(http::response&& x) const;

  /// `then` is called, on the loop's thread, if who asked is gone before there is an answer: hung
  /// up, or reset the stream. At once if that has happened. An answer may still be given.
  void when_given_up(std::function<void()> then) const;

  /// What the asking connection speaks.
  application speaks() const { return by_; }

private:
  io_loop* loop_ = nullptr;
  target to_;
  std::uint32_t number_ = 0;
  application by_ = application::http_1;
};

class loop_service {
public:
  virtual ~loop_service() = default;

  /// True: the request was taken and is answered once, now or later. False: it is as it was, and
  /// goes on to `on_request`.
  virtual bool serve(http::request& x, const local_responder& answer) = 0;

  /// True: the call was taken and is answered once, now or later. False: calls are not served here.
  virtual bool call(device_call&&, const call_responder&) { return false; }

  /// Every 250 ms, for what has time.
  virtual void on_tick() {}
};

} // namespace shoal::tls
