// Whom a draining node asks to go, and when. Pure: who is connected comes in, who is asked now goes
// out.
//
// Devices that are connected when the drain begins are asked at once, but not more than
// `per_second` of them: each costs another node a handshake, and all of them on the same second
// would cost it its good temper. One that connects while the node drains may stay for `again`, then
// it is asked too: it may have reached no other node, and must not be sent round in circles.
//
// Owned by the node, called by one thread at a time, as often as it likes. A connection is asked
// once: being asked closes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace shoal {

class send_off {
public:
  using clock = std::chrono::steady_clock;
  using connection = std::uint64_t; ///< differs for each connection, ever

  struct rules {
    std::uint32_t per_second = 250;
    std::chrono::seconds again{60};
  };

  send_off();
  explicit send_off(rules x) : rules_{x} {}

  /// To be asked now, of those that are connected.
  std::vector<connection> due(const std::vector<connection>& connected, clock::time_point now);

  /// The node does not drain: the next drain begins anew.
  void end();

  bool begun() const { return begun_; }
  std::uint64_t asked() const { return asked_; } ///< since this drain began

private:
  struct guest {
    clock::time_point due;
    bool asked = false;
    std::uint64_t seen = 0; ///< in which look; whoever misses one is gone
  };

  rules rules_;
  bool begun_ = false;
  clock::time_point last_{};
  double budget_ = 0; ///< how many may be asked
  std::uint64_t look_ = 0, asked_ = 0;
  std::unordered_map<connection, guest> guests_;
};

} // namespace shoal
