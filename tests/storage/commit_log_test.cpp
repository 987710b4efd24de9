#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "storage/commit_log.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"

namespace shoal::storage {
namespace {

using namespace std::chrono_literals;

// How long a test waits for what must happen; only a broken build waits that long.
constexpr auto patience = 20s;

/// A database whose writes can be held back and are recorded.
class gated_database : public database {
public:
  struct record {
    std::size_t rows;
    bool sync;
  };

  ec write(const write_batch& batch, bool sync) override {
    auto guard = std::unique_lock{mutex_};
    ++arrived_;
    changed_.notify_all();
    changed_.wait(guard, [&] { return open_; });
    records_.push_back({batch.rows().size(), sync});
    return rows->write(batch, sync);
  }

  lookup get(std::string_view key, std::string& value) override { return rows->get(key, value); }

  lookup try_get(std::string_view key, std::string& value) override {
    return rows->try_get(key, value);
  }

  ec scan(std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& row) override {
    return rows->scan(from, to, row);
  }

  std::unique_ptr<database_view> snapshot() override { return rows->snapshot(); }
  std::uint64_t approximate_size() override { return rows->approximate_size(); }

  void close_gate() { set(false); }
  void open_gate() { set(true); }

  bool wait_for_write(int count) {
    auto guard = std::unique_lock{mutex_};
    return changed_.wait_for(guard, patience, [&] { return arrived_ >= count; });
  }

  std::vector<record> records() {
    auto guard = std::lock_guard{mutex_};
    return records_;
  }

  std::unique_ptr<faulty_database> rows = make_faulty_database();

private:
  void set(bool open) {
    auto guard = std::lock_guard{mutex_};
    open_ = open;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int arrived_ = 0;
  std::vector<record> records_;
};

constexpr auto p1 = static_cast<partition_no>(1);
constexpr auto p2 = static_cast<partition_no>(2);

class commit_log_test : public ::testing::Test {
public:
  log_entry entry(partition_no p, std::uint64_t lsn, bool lazy = false, std::uint64_t epoch = 1) {
    auto out = log_entry{};
    out.partition = p;
    out.epoch = epoch;
    out.lsn = lsn;
    out.when = lazy ? durability::lazy : durability::synced;
    out.rows.put(std::string{"O"} + to_string(p) + '-' + std::to_string(lsn), "v");
    out.done = [this, p, lsn](ec code) {
      auto guard = std::lock_guard{mutex};
      answers.push_back({p, lsn, code});
    };
    return out;
  }

  struct answer {
    partition_no p;
    std::uint64_t lsn;
    ec code;
    bool operator==(const answer&) const = default;
  };

  std::vector<answer> taken() {
    auto guard = std::lock_guard{mutex};
    return std::exchange(answers, {});
  }

  log_place place_of(partition_no p) {
    auto key = log_place_key(p);
    auto value = std::string{};
    auto out = log_place{};
    if (db.get(key, value) == lookup::found) {
      EXPECT_TRUE(decode(value, key, out));
    }
    return out;
  }

  bool has(std::string_view key) {
    auto value = std::string{};
    return db.get(key, value) == lookup::found;
  }

  gated_database db;
  std::mutex mutex;
  std::vector<answer> answers;
};

class group_committer : public commit_log_test {
public:
  /// Starts a round and holds it inside the database.
  void block_writer(commit_log& log) {
    db.close_gate();
    ASSERT_TRUE(log.submit(entry(static_cast<partition_no>(99), 0)));
    ASSERT_TRUE(db.wait_for_write(1));
  }
};

TEST_F(group_committer, answers_after_rows_and_place_are_synced) {
  auto log = make_group_committer(db);
  auto visible = std::promise<bool>{};
  auto x = entry(p1, 5);
  x.epoch = 3;
  x.done = [&](ec code) {
    db.rows->lose_unsynced();
    visible.set_value(code == ec::none && has("O1-5") && place_of(p1) == log_place{3, 5});
  };
  ASSERT_TRUE(log->submit(std::move(x)));
  auto result = visible.get_future();
  ASSERT_EQ(result.wait_for(patience), std::future_status::ready);
  EXPECT_TRUE(result.get());
}

TEST_F(group_committer, fills_the_next_round_while_one_syncs) {
  auto log = make_group_committer(db);
  block_writer(*log);
  for (std::uint64_t lsn = 1; lsn <= 50; ++lsn) {
    ASSERT_TRUE(log->submit(entry(p1, lsn)));
    ASSERT_TRUE(log->submit(entry(p2, lsn)));
  }
  db.open_gate();
  log->flush();
  auto records = db.records();
  ASSERT_EQ(records.size(), 2u) << "one round for the first entry, one for all that waited";
  EXPECT_EQ(records[1].rows, 102u) << "100 rows, and one place per partition";
  EXPECT_EQ(place_of(p1), (log_place{1, 50}));
  EXPECT_EQ(place_of(p2), (log_place{1, 50}));
}

TEST_F(group_committer, answers_in_the_order_of_submit) {
  auto log = make_group_committer(db);
  auto expected = std::vector<answer>{};
  for (std::uint64_t lsn = 1; lsn <= 500; ++lsn) {
    auto p = lsn % 3 == 0 ? p1 : p2;
    ASSERT_TRUE(log->submit(entry(p, lsn, lsn % 5 == 0)));
    expected.push_back({p, lsn, ec::none});
  }
  log->flush();
  EXPECT_EQ(taken(), expected);
}

TEST_F(group_committer, limits_a_round_but_lets_a_big_entry_go_alone) {
  auto options = commit_log_options{};
  options.round_bytes = 4096;
  auto log = make_group_committer(db, options);
  block_writer(*log);
  for (std::uint64_t lsn = 1; lsn <= 4; ++lsn) {
    auto x = entry(p1, lsn);
    x.rows.put("Obig" + std::to_string(lsn), std::string(lsn == 3 ? 10000 : 1500, 'x'));
    ASSERT_TRUE(log->submit(std::move(x)));
  }
  db.open_gate();
  log->flush();
  auto rows = std::vector<std::size_t>{};
  for (const auto& x : db.records())
    rows.push_back(x.rows);
  EXPECT_EQ(rows, (std::vector<std::size_t>{1, 5, 3, 3}));
}

TEST_F(group_committer, refuses_what_does_not_fit_its_queue) {
  auto options = commit_log_options{};
  options.queue_bytes = 4096;
  auto log = make_group_committer(db, options);
  block_writer(*log);
  taken();
  auto big = [&](std::uint64_t lsn) {
    auto x = entry(p1, lsn);
    x.rows.put("Obig", std::string(3000, 'x'));
    return x;
  };
  ASSERT_TRUE(log->submit(big(1)));
  EXPECT_GT(log->stats().queued_bytes, 3000u);
  EXPECT_FALSE(log->submit(big(2)));
  db.open_gate();
  log->flush();
  EXPECT_EQ(log->stats().queued_bytes, 0u);
  EXPECT_EQ(taken().size(), 2u) << "the refused entry is never answered";
  EXPECT_TRUE(log->submit(big(2)));
  log->flush();
}

TEST_F(group_committer, takes_an_entry_bigger_than_its_queue_when_that_is_empty) {
  auto options = commit_log_options{};
  options.queue_bytes = 10;
  auto log = make_group_committer(db, options);
  EXPECT_TRUE(log->submit(entry(p1, 1)));
  log->flush();
  EXPECT_TRUE(has("O1-1"));
}

TEST_F(group_committer, writes_lazy_entries_unsynced_when_their_delay_is_over) {
  auto options = commit_log_options{};
  options.lazy_delay = 1ms;
  auto log = make_group_committer(db, options);
  auto done = std::promise<ec>{};
  auto x = entry(p1, 1, true);
  x.done = [&](ec code) { done.set_value(code); };
  ASSERT_TRUE(log->submit(std::move(x)));
  auto result = done.get_future();
  ASSERT_EQ(result.wait_for(patience), std::future_status::ready);
  EXPECT_EQ(result.get(), ec::none);
  ASSERT_EQ(db.records().size(), 1u);
  EXPECT_FALSE(db.records()[0].sync);
  EXPECT_EQ(place_of(p1), (log_place{1, 1}));
}

TEST_F(group_committer, lets_lazy_entries_ride_along_with_the_next_round) {
  auto options = commit_log_options{};
  options.lazy_delay = 1h;
  auto log = make_group_committer(db, options);
  ASSERT_TRUE(log->submit(entry(p1, 1, true)));
  ASSERT_TRUE(log->submit(entry(p1, 2, true)));
  auto done = std::promise<void>{};
  auto x = entry(p1, 3);
  x.done = [&](ec) { done.set_value(); };
  ASSERT_TRUE(log->submit(std::move(x)));
  ASSERT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
  ASSERT_EQ(db.records().size(), 1u);
  EXPECT_TRUE(db.records()[0].sync);
  EXPECT_EQ(db.records()[0].rows, 4u);
}

TEST_F(group_committer, answers_what_needs_no_sync_before_the_sync_of_its_round) {
  auto log = make_group_committer(db);
  block_writer(*log);
  auto soon = [&](partition_no p, std::uint64_t lsn) {
    auto x = entry(p, lsn);
    x.when = durability::soon;
    return x;
  };
  ASSERT_TRUE(log->submit(entry(p1, 1)));
  ASSERT_TRUE(log->submit(soon(p1, 2))) << "stays behind its partition's first";
  ASSERT_TRUE(log->submit(soon(p2, 1)));
  db.open_gate();
  log->flush();
  EXPECT_EQ(taken(), (std::vector<answer>{{static_cast<partition_no>(99), 0, ec::none},
                         {p2, 1, ec::none}, {p1, 1, ec::none}, {p1, 2, ec::none}}));
  auto records = db.records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_FALSE(records[1].sync);
  EXPECT_EQ(records[1].rows, 2u) << "a row and its place";
  EXPECT_TRUE(records[2].sync);
  EXPECT_EQ(place_of(p1), (log_place{1, 2}));
}

TEST_F(group_committer, does_not_wait_for_the_delay_when_a_round_is_full) {
  auto options = commit_log_options{};
  options.lazy_delay = 1h;
  options.round_bytes = 2000;
  auto log = make_group_committer(db, options);
  auto done = std::promise<void>{};
  auto x = entry(p1, 1, true);
  x.rows.put("Obig", std::string(3000, 'x'));
  x.done = [&](ec) { done.set_value(); };
  ASSERT_TRUE(log->submit(std::move(x)));
  EXPECT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
}

TEST_F(group_committer, syncs_lazy_entries_on_flush) {
  auto options = commit_log_options{};
  options.lazy_delay = 1ms;
  auto log = make_group_committer(db, options);
  auto done = std::promise<void>{};
  auto x = entry(p1, 1, true);
  x.done = [&](ec) { done.set_value(); };
  ASSERT_TRUE(log->submit(std::move(x)));
  ASSERT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
  log->flush(); // nothing waits, but something is not synced yet
  db.rows->lose_unsynced();
  EXPECT_TRUE(has("O1-1"));
  log->flush();
}

TEST_F(group_committer, flushes_when_destroyed) {
  auto options = commit_log_options{};
  options.lazy_delay = 1h;
  auto log = make_group_committer(db, options);
  ASSERT_TRUE(log->submit(entry(p1, 1)));
  ASSERT_TRUE(log->submit(entry(p1, 2, true)));
  log.reset();
  EXPECT_EQ(taken().size(), 2u);
  db.rows->lose_unsynced();
  EXPECT_TRUE(has("O1-2"));
}

TEST_F(group_committer, counts) {
  auto log = make_group_committer(db);
  auto bytes = entry(p1, 1).rows.bytes();
  ASSERT_TRUE(log->submit(entry(p1, 1)));
  log->flush();
  db.rows->fail_writes(ec::storage_full);
  ASSERT_TRUE(log->submit(entry(p1, 2)));
  log->flush();
  auto stats = log->stats();
  EXPECT_EQ(stats.entries, 2u);
  EXPECT_EQ(stats.bytes, 2 * bytes);
  EXPECT_GE(stats.rounds, 2u);
  EXPECT_EQ(stats.failed_rounds, 1u);
  EXPECT_GE(stats.synced.count, 2u);
  EXPECT_LE(stats.synced.count, stats.rounds);
}

TEST_F(group_committer, takes_entries_of_many_threads_and_answers_each_once) {
  auto log = make_group_committer(db);
  auto threads = std::vector<std::thread>{};
  auto answered = std::atomic<int>{0};
  for (auto t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t lsn = 1; lsn <= 500; ++lsn) {
        auto x = entry(static_cast<partition_no>(t), lsn, lsn % 7 == 0);
        x.done = [&](ec code) { answered += code == ec::none; };
        while (!log->submit(std::move(x)))
          std::this_thread::yield();
      }
    });
  for (auto& x : threads)
    x.join();
  log->flush();
  EXPECT_EQ(answered, 2000);
  for (auto t = 0; t < 4; ++t)
    EXPECT_EQ(place_of(static_cast<partition_no>(t)), (log_place{1, 500}));
}

TEST_F(group_committer, answers_a_failed_round_with_its_code_and_shows_nothing_of_it) {
  auto log = make_group_committer(db);
  block_writer(*log);
  db.rows->fail_writes(ec::storage_full);
  ASSERT_TRUE(log->submit(entry(p1, 1)));
  ASSERT_TRUE(log->submit(entry(p2, 1, true)));
  db.open_gate();
  log->flush();
  EXPECT_EQ(taken(), (std::vector<answer>{{static_cast<partition_no>(99), 0, ec::storage_full},
                         {p1, 1, ec::storage_full}, {p2, 1, ec::storage_full}}));
  EXPECT_FALSE(has("O1-1"));
  EXPECT_FALSE(has("O2-1"));
}

class inline_committer : public commit_log_test {
public:
  std::unique_ptr<commit_log> log = make_inline_committer(db);
};

TEST_F(inline_committer, answers_inside_submit) {
  EXPECT_TRUE(log->submit(entry(p1, 1)));
  EXPECT_EQ(taken(), (std::vector<answer>{{p1, 1, ec::none}}));
  EXPECT_TRUE(db.records().at(0).sync);
  EXPECT_EQ(place_of(p1), (log_place{1, 1}));
  EXPECT_EQ(log->stats().entries, 1u);
}

TEST_F(inline_committer, syncs_lazy_entries_only_on_flush) {
  EXPECT_TRUE(log->submit(entry(p1, 1, true)));
  EXPECT_FALSE(db.records().at(0).sync);
  log->flush();
  db.rows->lose_unsynced();
  EXPECT_TRUE(has("O1-1"));
}

TEST_F(inline_committer, takes_entries_from_inside_an_answer) {
  auto first = entry(p1, 1);
  first.done = [&](ec) { log->submit(entry(p1, 2)); };
  EXPECT_TRUE(log->submit(std::move(first)));
  EXPECT_EQ(taken(), (std::vector<answer>{{p1, 2, ec::none}}));
  EXPECT_EQ(place_of(p1), (log_place{1, 2}));
}

TEST_F(inline_committer, needs_no_answer_and_no_place) {
  auto x = entry(p1, 0);
  x.done = nullptr;
  EXPECT_TRUE(log->submit(std::move(x)));
  EXPECT_TRUE(has("O1-0"));
  EXPECT_FALSE(has(log_place_key(p1)));
}

TEST_F(inline_committer, leaves_no_gap_behind_a_failure) {
  log->submit(entry(p1, 1));
  db.rows->fail_writes(ec::storage_full);
  log->submit(entry(p1, 2));
  db.rows->fail_writes(ec::none);
  taken();
  // The partition had 3 under way before it heard of the failure; others are not concerned.
  log->submit(entry(p1, 3));
  log->submit(entry(p2, 3));
  log->submit(entry(p1, 0));
  EXPECT_EQ(taken(),
      (std::vector<answer>{{p1, 3, ec::storage_full}, {p2, 3, ec::none}, {p1, 0, ec::none}}));
  EXPECT_FALSE(has("O1-3"));
  EXPECT_EQ(place_of(p1), (log_place{1, 1}));
  // It starts again with what is missing.
  log->submit(entry(p1, 2));
  log->submit(entry(p1, 3));
  EXPECT_EQ(taken(), (std::vector<answer>{{p1, 2, ec::none}, {p1, 3, ec::none}}));
  EXPECT_EQ(place_of(p1), (log_place{1, 3}));
}

TEST_F(inline_committer, starts_afresh_in_a_newer_epoch_only) {
  db.rows->fail_writes(ec::storage_failed);
  log->submit(entry(p1, 2, false, 5));
  db.rows->fail_writes(ec::none);
  taken();
  log->submit(entry(p1, 9, false, 4));
  log->submit(entry(p1, 7, false, 6));
  EXPECT_EQ(taken(), (std::vector<answer>{{p1, 9, ec::storage_failed}, {p1, 7, ec::none}}));
  EXPECT_EQ(place_of(p1), (log_place{6, 7}));
}

} // namespace
} // namespace shoal::storage
