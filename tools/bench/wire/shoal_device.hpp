// A device that speaks protocol/README.md with as little work as possible: Ops are counted in
// place, one acknowledgement per read. Also spoken to the floor, which answers the same frames.
#pragma once

#include <cstdint>
#include <string>

#include "tools/bench/contenders/contender.hpp"

namespace shoal::bench {

struct shoal_identity {
  std::string key, secret;
  std::string device;
  std::string user, token; ///< empty: not bound
  std::string biz;         ///< empty: not subscribed
};

class shoal_device : public device {
public:
  shoal_device(shoal_identity who, tally& t) : device{t}, who_{std::move(who)} {}
  void login(connection& c) override;
  std::size_t received(connection& c, std::string_view bytes) override;

  /// Sends this Call frame, again whenever it is answered; answers count as deliveries.
  void repeat(connection& c, std::string call);

private:
  void handle(std::uint8_t type, std::string_view body);
  void take_ops(std::string_view body);
  void append_ack(std::string& out);

  shoal_identity who_;
  std::uint64_t epoch_ = 0, handled_ = 0;
  std::uint32_t binding_ = 0;
  std::size_t fresh_ = 0; ///< ops of the current read
  std::int64_t now_ = 0;
  std::string call_;         ///< a whole frame
  std::size_t answered_ = 0; ///< of the current read
  bool owes_ack_ = false;
};

} // namespace shoal::bench
