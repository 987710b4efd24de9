// The client library listening to a server that says whatever it likes: ops in order, once.
#include "protocol/device.pb.h"
#include "tests/fuzz/target.hpp"
#include "tools/sdk/cpp/session.hpp"

using namespace shoal;

namespace {

class app final : public sdk::session_events {
public:
  void on_online() override {}
  void on_op(const received_op& op) override {
    if (op.at.epoch == 0)
      return;
    auto& last = at_[op.biz];
    fuzz::require(last.epoch != op.at.epoch || op.at.id > last.id, "an op was handed twice");
    last = op.at;
  }
  void on_reset(const std::string& biz, position to, reset_why) override { at_[biz] = to; }
  void on_bound(const std::string&, ec, const std::string&) override {}
  // A new subscription starts where the server says; resets before it are not told one by one.
  void on_subscribed(const std::string& biz, ec, const std::string&) override { at_.erase(biz); }

private:
  std::map<std::string, position> at_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto hears = app{};
  auto positions = memory_positions{};
  auto options = sdk::session_options{};
  options.key = "dk_test";
  options.device = std::string{"device-1"};
  options.uniform = [] { return 0.5; };
  auto x = sdk::session{options, hears, positions};
  auto now = sdk::time_point{} + std::chrono::hours{1};
  x.bind(
      "u1", [](auto&) { return "token"; }, now);
  x.subscribe("EACH", now);
  x.subscribe("ALL", now);
  x.opened(now, 1'760'000'000'000);
  auto piece = fuzz::take_byte(in) + 1;
  while (!in.empty() && !x.finished()) {
    auto part = in.substr(0, piece);
    in.remove_prefix(part.size());
    now += std::chrono::milliseconds{30};
    x.received(part, now, 1'760'000'000'000);
    x.tick(now);
    x.take_output();
  }
  x.ended(now);
  return 0;
}
