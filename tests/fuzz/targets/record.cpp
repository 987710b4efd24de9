// Stored bytes: with their own checksum or with a right one put behind them. What is accepted is
// exactly what the writer would have made.
#include "storage/record_bytes.hpp"
#include "storage/records.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

constexpr std::string_view key = "row";

template <class Record>
void check(std::string_view bytes) {
  auto x = Record{};
  if (storage::decode(bytes, key, x))
    fuzz::require(storage::encode(x, key) == bytes, "a record has two forms");
}

void check_all(std::string_view bytes) {
  check<storage::op_record>(bytes);
  check<storage::stream_meta>(bytes);
  check<storage::cursor_record>(bytes);
  check<storage::device_record>(bytes);
  check<storage::log_place>(bytes);
  auto id = std::uint64_t{0};
  auto time_ms = std::int64_t{0};
  if (storage::decode_idempotency(bytes, key, id, time_ms))
    fuzz::require(
        storage::encode_idempotency(id, time_ms, key) == bytes, "a key row has two forms");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  check_all(in);
  check_all(storage::record_writer{size + 5}.rest(in).seal(key));
  return 0;
}
