#include "tools/bench/contenders/contender.hpp"

#include <charconv>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tools/bench/load/clock.hpp"

namespace shoal::bench {

namespace {

constexpr auto start_timeout_ms = 30000;
constexpr auto tail_size = std::size_t{2000};

} // namespace

void tally::deliver(std::size_t n, std::int64_t now) {
  delivered += n;
  if (first_ns == 0)
    first_ns = now;
  last_ns = now;
}

void tally::fail(const std::string& what) {
  if (trouble.empty())
    trouble = what;
}

void stamp(std::string& payload, std::int64_t ns) {
  auto value = static_cast<std::uint64_t>(ns);
  for (auto i = stamp_size; i-- > 0; value >>= 4)
    payload[i] = "0123456789abcdef"[value & 15];
}

void note_latency(tally& t, std::string_view payload, std::int64_t now) {
  auto sent = std::uint64_t{0};
  if (payload.size() < stamp_size ||
      std::from_chars(payload.data(), payload.data() + stamp_size, sent, 16).ec != std::errc{})
    return t.fail("a payload came back changed");
  t.latencies->push_back(now - static_cast<std::int64_t>(sent));
}

void device::opened(connection& c) {
  ++tally_.connected;
  if (!waits)
    login(c);
}

void device::granted() {
  ready_ = true;
  ++tally_.ready;
}

std::unique_ptr<contender> make_contender(const std::string& name, surroundings s) {
  if (name == "shoal")
    return make_shoal(std::move(s));
  if (name == "mosquitto")
    return make_mosquitto(std::move(s));
  if (name == "nats")
    return make_nats(std::move(s));
  if (name == "jetstream")
    return make_jetstream(std::move(s));
  if (name == "floor")
    return make_floor(std::move(s));
  throw std::runtime_error{"nobody knows a peer called " + name};
}

child start_server(
    const std::vector<std::string>& command, const std::string& folder, std::uint16_t port) {
  auto result = child{command, folder + "/log"};
  if (!wait_for_port(port, result, start_timeout_ms))
    throw std::runtime_error{command[0] + " does not start: " + log_tail(folder)};
  return result;
}

std::string log_tail(const std::string& folder) {
  auto in = std::ifstream{folder + "/log"};
  auto text = std::string{std::istreambuf_iterator<char>{in}, {}};
  return text.size() > tail_size ? text.substr(text.size() - tail_size) : text;
}

} // namespace shoal::bench
