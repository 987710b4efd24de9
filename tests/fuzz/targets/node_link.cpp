// What another node's connection says before anything of it is believed: records, its hello, its
// numbers. The sizes of the pieces make no difference, and nothing but one record is kept.
#include <vector>

#include "cluster/links/wire.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal::cluster::links;
namespace fuzz = shoal::fuzz;

namespace {

struct heard {
  std::vector<std::string> records; // tag and body
  bool too_long = false;
  bool operator==(const heard&) const = default;
};

heard read(std::string_view in, std::size_t piece) {
  heard out;
  auto reader = record_reader{};
  while (!in.empty() && !out.too_long) {
    reader.feed(in.substr(0, piece));
    in.remove_prefix(std::min(piece, in.size()));
    auto got = record{};
    auto outcome = reader.next(got);
    for (; outcome == record_reader::result::record; outcome = reader.next(got)) {
      fuzz::require(got.body.size() <= max_record, "a record above the limit");
      out.records.push_back(std::string{static_cast<char>(got.tag)}.append(got.body));
    }
    out.too_long = outcome == record_reader::result::too_long;
  }
  return out;
}

void take(std::string_view body) {
  if (auto said = decode_hello(body))
    fuzz::require(decode_hello(encode(*said)) == said, "a hello changed on its way");
  if (auto note = decode_taken(body)) {
    std::string again;
    append_taken(again, note->kind, note->total);
    fuzz::require(again.substr(record_header) == body, "a note changed on its way");
  }
  decode_number(body);
  for (auto c : readable(body))
    fuzz::require(c >= ' ' && c <= '~', "words that a terminal acts upon");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto piece = fuzz::take_byte(in) % 64 + 1;
  auto whole = read(in, in.size() + 1);
  fuzz::require(read(in, piece) == whole, "pieces are read otherwise");
  for (auto& x : whole.records)
    take(std::string_view{x}.substr(1));
  take(in);
  return 0;
}
