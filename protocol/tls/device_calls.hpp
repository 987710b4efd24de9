// Gateway calls on one device connection: which are under way, until when, and who still wants the
// answer. One per connection that has made a call; used on its loop's thread.
//
// Bounded: `most` calls at a time. Whoever carries one out can hear that nobody wants its answer
// any more; until it is done with it, the call counts: giving up alone makes no room for more work.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/tls/alarm_clock.hpp"
#include "protocol/tls/commands.hpp"

namespace shoal::tls {

class io_loop;

/// One call of a device, as it came.
struct device_call {
  device_identity_ptr from;
  std::string operation;
  std::string data;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string peer; ///< "127.0.0.1:5312"
  bool in_websocket = false;
  std::uint32_t deadline_ms = 0; ///< from its arrival; 0: none
};

/// What goes back, as a CallResult. `code` is one of the gateway's.
struct device_answer {
  std::uint32_t code = 0;
  std::string tips, memo;
  std::string data, content_type;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Answers one call, on its loop's thread. A value; what comes too late, or twice, is ignored.
class call_responder {
public:
  call_responder() = default;
  call_responder(io_loop& loop, target to, std::uint32_t ticket)
      : loop_{&loop}, to_{to}, ticket_{ticket} {}

  void operator()(device_answer&& x) const;

  /// `then` is called, on the loop's thread, when the device cancels the call, its deadline is over
  /// or its connection ends, unless it was answered before. At once if that has happened.
  void when_given_up(std::function<void()> then) const;

private:
  io_loop* loop_ = nullptr;
  target to_;
  std::uint32_t ticket_ = 0;
};

class device_calls {
public:
  static constexpr std::size_t most = 32;

  /// `late` is called with the id of a call whose deadline is over; its answer is not wanted then.
  device_calls(alarm_clock& clock, std::function<void(std::uint64_t)> late);

  enum class outcome : std::uint8_t { begun, too_many, known };

  /// Begins a call; `ticket` names it, also after its id was used again. No deadline: 0.
  outcome begin(std::uint64_t id, std::chrono::milliseconds deadline, std::uint32_t& ticket);

  /// Nobody wants the answer any more.
  void cancel(std::uint64_t id);

  /// What to do when the call is given up; at once if it is, or is not known.
  void when_given_up(std::uint32_t ticket, std::function<void()> then);

  /// The connection ends: nobody wants any answer.
  void give_all_up();

  /// The call is over; its id if somebody waits for the answer.
  std::optional<std::uint64_t> finish(std::uint32_t ticket);

  std::size_t under_way() const { return entries_.size(); }

private:
  struct entry : alarm {
    void on_alarm() override;

    device_calls* owner = nullptr;
    std::uint64_t id = 0;
    std::uint32_t ticket = 0;
    bool wanted = true;
    std::function<void()> given_up;
  };

  static void give_up(entry& x);

  alarm_clock& clock_;
  std::function<void(std::uint64_t)> late_;
  std::vector<std::unique_ptr<entry>> entries_;
  std::uint32_t newest_ = 0;
};

} // namespace shoal::tls
