#include "tests/faults/websocket_attacks.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tests/faults/attack_pieces.hpp"
#include "tests/support/h2_caller.hpp"
#include "tests/support/ws_client.hpp"

namespace shoal::faults {
namespace {

using namespace test;

struct rude_bytes {
  std::string what, bytes;
};

/// Each of these ends the WebSocket in which it is said.
std::vector<rude_bytes> rude_messages() {
  using namespace ws;
  auto bad = masked(fin | 3, ""); // ends what would go on otherwise
  auto early = masked(fin | binary, encode_frame(frame_type::ack, "x"));
  return {
      {"not masked", std::string{"\x82\x01x", 3}},
      {"announced giant", std::string{"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask", 14}},
      {"control frame in pieces", masked(ping, "x")},
      {"control frame too long", masked(fin | ping, std::string(126, 'x'))},
      {"control frame of a giant", std::string{"\x89\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask", 14}},
      {"fragments that add up",
          masked(binary, "") + repeated(masked(more, std::string(1'000, 'x')), 70)},
      {"empty fragments", masked(binary, "") + repeated(masked(more, ""), 10'000) + bad},
      {"PING flood", repeated(masked(fin | ping, std::string(125, 'x')), 5'000) + bad},
      {"frames before hello", repeated(early, 1'000)},
  };
}

// -- on a connection of its own -------------------------------------------------------------------

void websocket(std::uint16_t port, std::string_view bytes) {
  auto x = ws_client{port};
  x.stream.send(bytes);
  x.stream.read_to_end();
}

// -- in tunnels -----------------------------------------------------------------------------------

constexpr auto tunnels = 16u; // at a time on one connection; 32 may be

/// The same in many tunnels at once; and then the connection must still serve a call.
void in_tunnels(std::uint16_t port, const std::string& bytes) {
  auto line = h2_caller{port};
  auto streams = std::vector<std::int32_t>{};
  for (auto i = 0u; i < tunnels; ++i)
    streams.push_back(line.session().ask(h2_connect(), bytes, true));
  auto& answers = line.session().answers;
  auto ended = line.talk_until([&] {
    return std::ranges::all_of(
        streams, [&](auto x) { return answers[x].whole || answers[x].reset; });
  });
  if (!ended || line.fetch(h2_head("GET", "/v1/time")).status() != "200")
    throw std::runtime_error{"a tunnel took its connection along"};
}

/// As many as there may be, and one more, of which nobody ever says anything.
void open_and_leave(std::uint16_t port) {
  constexpr auto connections = 8;
  constexpr auto too_many = 33;
  auto lines = std::vector<std::unique_ptr<h2_caller>>{};
  for (auto i = 0; i < connections; ++i) {
    auto& line = *lines.emplace_back(std::make_unique<h2_caller>(port));
    auto last = std::int32_t{0};
    for (auto n = 0; n < too_many; ++n)
      last = line.session().ask(h2_connect(), {}, true);
    auto& answer = line.session().answers[last];
    line.talk_until([&] { return !answer.statuses.empty(); });
    if (answer.status() != "503")
      throw std::runtime_error{"there are more tunnels than there may be"};
  }
  for (auto& x : lines)
    x->stream().reset();
}

/// One after the other, each reset as soon as it is open, until the node has had enough.
void open_and_reset(std::uint16_t port) {
  constexpr auto never = 10'000;
  auto line = h2_caller{port};
  for (auto i = 0; i < never; ++i) {
    auto x = h2_websocket{line};
    if (!x.opened())
      return;
    x.reset();
  }
  throw std::runtime_error{"nobody minds tunnels that are reset"};
}

std::string h2_fields(const h2_headers& from) {
  auto out = std::string{};
  for (auto& [name, value] : from)
    out += h2_literal(name, value);
  return out;
}

/// SETTINGS: the peer may send no data on any stream, ever.
std::string no_window() {
  return std::string{h2_preface} + h2_frame(4, 0, 0, std::string("\0\4\0\0\0\0", 6));
}

constexpr unsigned head_frame = 1, reset_frame = 3, data_frame = 0, end_headers = 0x4;

/// Frames by hand, with no look at what comes back: opened and reset in the same breath.
void rapid_reset(std::uint16_t port) {
  auto bytes = std::string{h2_preface} + h2_frame(4, 0, 0);
  for (auto id = 1u; id < 2'000; id += 2)
    bytes += h2_frame(head_frame, end_headers, id, h2_fields(h2_connect())) +
             h2_frame(reset_frame, 0, id, std::string("\0\0\0\x8", 4));
  auto x = tls_client{port, {.alpn = {"h2"}}};
  x.send(bytes);
  x.read_to_end();
}

/// Tunnels whose device asks for 40 KB of pongs and lets none of them come.
std::string pings_without_window() {
  constexpr auto frames = 3, pings = 100; // of a frame: less than the 16 KiB that it may hold
  auto say = repeated(ws::masked(ws::fin | ws::ping, std::string(125, 'x')), pings);
  auto out = no_window();
  for (auto id = 1u; id < 2 * tunnels; id += 2) {
    out += h2_frame(head_frame, end_headers, id, h2_fields(h2_connect()));
    for (auto i = 0; i < frames; ++i)
      out += h2_frame(data_frame, 0, id, say);
  }
  return out;
}

} // namespace

std::vector<attack> websocket_attacks() {
  auto out = std::vector<attack>{};
  for (auto& x : rude_messages())
    out.push_back(
        {"WebSocket " + x.what, [bytes = x.bytes](auto port) { websocket(port, bytes); }});
  return out;
}

std::vector<attack> tunnel_attacks() {
  auto out = std::vector<attack>{
      {"tunnels opened and left", open_and_leave},
      {"tunnels opened and reset", open_and_reset},
      {"tunnels, rapid reset", rapid_reset},
      {"tunnels that never read",
          [bytes = pings_without_window()](
              auto port) { hold(port, 10, {.alpn = {"h2"}, .receive_buffer = 4096}, bytes, {}); }},
  };
  for (auto& x : rude_messages())
    out.push_back(
        {"tunnels, " + x.what, [bytes = x.bytes](auto port) { in_tunnels(port, bytes); }});
  return out;
}

} // namespace shoal::faults
