// A WebSocket client's bytes in pieces: bounded, and the pieces' sizes make no difference.
#include "protocol/http/websocket.hpp"

#include <string>
#include <vector>

#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

constexpr std::size_t max_message = 4096;

std::vector<std::string> read(std::string_view in, std::size_t piece) {
  using outcome = http::ws_reader::outcome;
  auto out = std::vector<std::string>{};
  auto reader = http::ws_reader{max_message};
  for (auto over = false; !in.empty() && !over;) {
    auto now = in.substr(0, piece);
    in.remove_prefix(now.size());
    reader.feed(now);
    for (auto got = reader.next(); got != outcome::need_more && !over; got = reader.next()) {
      auto payload = reader.take();
      fuzz::require(payload.size() <= max_message, "a message is larger than the limit");
      fuzz::require(got != outcome::text || valid_utf8(payload), "text is not UTF-8");
      over = got == outcome::close || got == outcome::failed;
      out.push_back(std::to_string(static_cast<int>(got)) +
                    (over ? std::to_string(reader.code()) : "") + payload);
    }
    fuzz::require(reader.held() <= max_message + 256 + now.size(), "more is held than the limit");
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto piece = fuzz::take_byte(in) + 1;
  fuzz::require(read(in, piece) == read(in, in.size() + 1), "pieces change what is read");
  return 0;
}
