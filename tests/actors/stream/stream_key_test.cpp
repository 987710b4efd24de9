// Idempotency keys that are asked for while the op that they belong to is under way.
#include "tests/support/held_log.hpp"

namespace shoal::testing_support {
namespace {

const auto u1 = principal::user("u1");

/// Something happens right after a row was read.
class watched_database : public storage::database {
public:
  explicit watched_database(storage::database& inner) : inner_{inner} {}

  ec write(const storage::write_batch& batch, bool sync) override {
    return inner_.write(batch, sync);
  }
  storage::lookup get(std::string_view key, std::string& value) override {
    auto out = inner_.get(key, value);
    if (after_get)
      std::exchange(after_get, {})();
    return out;
  }
  storage::lookup try_get(std::string_view key, std::string& value) override {
    return inner_.try_get(key, value);
  }
  ec scan(std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& row) override {
    return inner_.scan(from, to, row);
  }
  std::unique_ptr<storage::database_view> snapshot() override { return inner_.snapshot(); }
  std::uint64_t approximate_size() override { return inner_.approximate_size(); }

  std::function<void()> after_get;

private:
  storage::database& inner_;
};

class stream_key_race : public held_log_test {
public:
  void SetUp() override {
    held_log_test::SetUp();
    sv->db = &watched;
  }

  watched_database watched{*db};
};

TEST_F(stream_key_race, an_op_that_commits_behind_the_reading_of_its_key_is_found) {
  append(u1, "NEWS", "wakes the stream");
  holds = true;
  auto first = send({item(u1, "NEWS", "pay", "order-1")});
  sched.run();
  db->cold_cache(true);
  watched.after_get = [this] { release(); };
  auto again = send({item(u1, "NEWS", "pay", "order-1")});
  sched.run();
  ASSERT_EQ(results[first].size(), 1u);
  ASSERT_EQ(results[again].size(), 1u);
  EXPECT_EQ(results[again].front().at.id, results[first].front().at.id);
  EXPECT_TRUE(results[again].front().repeated);
}

} // namespace
} // namespace shoal::testing_support
