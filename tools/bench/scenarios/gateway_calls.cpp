#include "tools/bench/scenarios/gateway_calls.hpp"

#include <memory>
#include <vector>

#include "protocol/device.pb.h"
#include "protocol/frame.hpp"
#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/wire/shoal_device.hpp"

namespace shoal::bench {
namespace {

constexpr auto devices = std::size_t{1'000};
constexpr auto warm_up_ms = 500;

std::string call_frame(const std::string& operation, const std::string& data) {
  auto out = wire::Call{};
  out.set_id(1);
  out.set_operation(operation);
  out.set_data(data);
  return encode_frame(frame_type::call, out.SerializeAsString());
}

} // namespace

double device_call_rate(shoal_contender& shoal, const options& wishes, const std::string& operation,
    const std::string& data, std::size_t seconds) {
  auto t = tally{};
  auto loop = tls_loop{};
  auto talks = std::vector<std::unique_ptr<device>>{};
  auto lines = std::vector<connection*>{};
  for (auto i = std::size_t{0}; i < devices; ++i) {
    talks.push_back(shoal.make_device(i, t));
    lines.push_back(&loop.open(shoal.device_dial(i), *talks.back()));
    wait_for(loop, t, wishes.timeout_s, "connecting devices",
        [&] { return i + 1 - t.ready < wishes.concurrency; });
  }
  wait_for(loop, t, wishes.timeout_s, "connecting devices", [&] { return t.ready == devices; });
  auto frame = call_frame(operation, data);
  for (auto i = std::size_t{0}; i < devices; ++i) {
    static_cast<shoal_device&>(*talks[i]).repeat(*lines[i], frame);
    lines[i]->flush();
  }
  let_settle(loop, warm_up_ms);
  auto begin = now_ns();
  auto before = t.delivered;
  let_settle(loop, static_cast<int>(seconds * 1000));
  auto rate =
      static_cast<double>(t.delivered - before) * 1e9 / static_cast<double>(now_ns() - begin);
  wait_for(loop, t, wishes.timeout_s, "calling", [] { return true; });
  for (auto* x : lines)
    x->close();
  return rate;
}

} // namespace shoal::bench
