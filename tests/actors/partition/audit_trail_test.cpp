// The audit trail stays bounded: partition 0 over a real reader, log and store.
#include <gtest/gtest.h>

#include "tests/support/sync_test.hpp"

namespace shoal::testing_support {
namespace {

constexpr std::int64_t hour = 3'600'000;

class audit_trail : public sync_test {
public:
  void record(std::int64_t time_ms, std::uint32_t records = 1) {
    auto rows = storage::write_batch{};
    for (auto i = 0u; i < records; ++i)
      rows.put(storage::audit_key(app, time_ms, i), "what happened");
    ASSERT_EQ(db->write(rows, true), ec::none);
  }

  std::vector<std::string> kept() {
    auto out = std::vector<std::string>{};
    auto prefix = storage::audit_prefix(app);
    db->scan(prefix, storage::prefix_end(prefix), [&](auto key, auto) {
      out.emplace_back(key);
      return true;
    });
    return out;
  }

  std::uint64_t lsn() {
    auto row = storage::log_place_key(partition_no{0}), value = std::string{};
    auto place = storage::log_place{};
    if (db->get(row, value) == storage::lookup::found)
      storage::decode(value, row, place);
    return place.lsn;
  }
};

TEST_F(audit_trail, loses_its_oldest_records_in_the_background) {
  auto most = storage::audit_limits{}.records;
  record(now - hour, static_cast<std::uint32_t>(most) + 2'500);
  EXPECT_EQ(kept().size(), most + 2'500);
  sweep();
  EXPECT_EQ(kept().size(), most);
  EXPECT_EQ(kept().front(), storage::audit_key(app, now - hour, 2'500));
  EXPECT_EQ(lsn(), 3u) << "removed through the partition's log, a page at a time";
}

TEST_F(audit_trail, is_looked_at_once_an_hour) {
  auto too_old = now - storage::audit_limits{}.age_ms - 1;
  sweep();
  record(too_old);
  record(now);
  sweep();
  EXPECT_EQ(kept().size(), 2u);
  now += hour;
  sweep();
  EXPECT_EQ(kept().size(), 2u) << "the wall clock was set";
  steady += hour;
  sweep();
  EXPECT_EQ(kept().size(), 1u);
}

} // namespace
} // namespace shoal::testing_support
