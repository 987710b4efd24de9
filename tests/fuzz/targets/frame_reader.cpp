// Frames out of a stream that arrives in pieces: memory stays within what arrived, bodies within
// the limit, and the pieces' sizes make no difference.
#include "protocol/frame.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

constexpr std::size_t limit = 4096;

struct outcome {
  std::size_t frames = 0, bytes = 0;
  ec error = ec::none;
  bool operator==(const outcome&) const = default;
};

outcome read(std::string_view in, std::size_t piece) {
  auto reader = frame_reader{limit};
  auto out = outcome{};
  auto x = frame{};
  while (!in.empty() && reader.error() == ec::none) {
    auto now = in.substr(0, piece);
    in.remove_prefix(now.size());
    reader.append(now);
    auto got = reader.next(x);
    for (; got == frame_reader::outcome::have_frame; got = reader.next(x)) {
      fuzz::require(x.body.size() <= limit, "a body is larger than the limit");
      ++out.frames;
      out.bytes += x.body.size();
    }
    fuzz::require(got == frame_reader::outcome::failed || reader.buffered() <= limit + 4 + piece,
        "the reader holds more than one frame");
  }
  out.error = reader.error();
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto piece = fuzz::take_byte(in) + 1;
  fuzz::require(read(in, piece) == read(in, in.size() + 1), "pieces make a difference");
  return 0;
}
