#include "tools/bench/floor/streams.hpp"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <stdexcept>

#include "storage/database.hpp"
#include "storage/identity.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"
#include "storage/sweep_index.hpp"
#include "tools/bench/machine/child.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

namespace st = shoal::storage;

// The first app and its second biz, as the contender creates them; shoald's default number of
// partitions.
constexpr auto app = app_no{1};
constexpr auto biz = biz_no{2};
constexpr auto partitions = std::uint16_t{64};

constexpr auto retention_s = std::int64_t{30} * 24 * 3600;
constexpr auto rows_per_write = std::size_t{20000};
constexpr auto timeout_ms = 600000;

void put_stream(st::write_batch& out, std::size_t user, std::uint64_t epoch, std::int64_t now_s) {
  auto s = stream_key{app, principal::user(numbered("u", user)), biz};
  auto p = partition_of(app, s.who, partitions);
  auto put = [&](const std::string& key, const auto& record) {
    out.put(key, st::encode(record, key));
  };
  auto op = st::op_record{};
  op.id = 1;
  op.time_ms = now_s * 1000;
  op.valid_until_ms = op.time_ms + retention_s * 1000;
  op.payload = "prepared";
  put(st::stream_meta_key(p, s), st::stream_meta{.last = 1});
  put(st::op_key(p, s, 1), op);
  put(st::cursor_key(p, s, numbered("d", user)), st::cursor_record{{epoch, 1}, op.time_ms});
  st::put_sweep(out, p, {static_cast<std::uint32_t>((now_s + retention_s) / 3600 + 1), s});
}

} // namespace

void prepare_streams(const std::string& data_folder, std::size_t n) {
  std::filesystem::create_directories(data_folder);
  auto db = st::open_rocks_database(store_folder(data_folder));
  auto now_s = static_cast<std::int64_t>(std::time(nullptr));
  auto identity = st::store_identity{};
  auto code = st::open_identity(*db, now_s, identity);
  for (auto i = std::size_t{0}; i < n && code == ec::none;) {
    auto rows = st::write_batch{};
    for (auto end = std::min(n, i + rows_per_write); i < end; ++i)
      put_stream(rows, i, identity.epoch, now_s);
    code = db->write(rows, i == n);
  }
  if (code != ec::none)
    throw std::runtime_error{"cannot prepare streams: " + std::string{to_string(code)}};
}

void prepare_streams_in_child(
    const std::string& data_folder, std::size_t n, const std::string& log) {
  auto helper =
      child{{"/proc/self/exe", "--prepare-streams", data_folder, std::to_string(n)}, log, true};
  auto line = helper.read_line(timeout_ms);
  if (!line || *line != "done")
    throw std::runtime_error{"cannot prepare streams in " + data_folder};
}

std::string store_folder(const std::string& data_folder) { return data_folder + "/db"; }

} // namespace shoal::bench
