// Damage to the logs of the real engine: what was synced and is gone is noticed, nothing else is.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "storage/lost_records.hpp"
#include "storage/rocks_database.hpp"
#include "storage/rocks_logs.hpp"
#include "tests/storage/scratch_folder.hpp"

namespace shoal::storage {
namespace {

namespace fs = std::filesystem;

ec put(database& db, std::string key, std::string value, bool sync = true) {
  auto batch = write_batch{};
  batch.put(std::move(key), std::move(value));
  return db.write(batch, sync);
}

std::string key(int i) { return "O" + std::to_string(100'000 + i); }

bool has(database& db, const std::string& key) {
  auto value = std::string{};
  return db.get(key, value) == lookup::found;
}

std::vector<fs::path> logs_of(const std::string& folder) {
  auto out = std::vector<fs::path>{};
  for (const auto& entry : fs::directory_iterator{folder})
    if (entry.path().extension() == ".log")
      out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

void flip(const fs::path& file, std::uint64_t at) {
  auto bytes = std::fstream{file, std::ios::in | std::ios::out | std::ios::binary};
  bytes.seekg(static_cast<std::streamoff>(at));
  auto byte = static_cast<char>(bytes.get() ^ 4);
  bytes.seekp(static_cast<std::streamoff>(at));
  bytes.put(byte);
}

class rocks_logs : public ::testing::Test {
public:
  scratch_folder folder;
  std::unique_ptr<database> db = open_rocks_database(folder.path());

  /// What a kill at this moment would leave behind: a copy during which only logs grew.
  std::unique_ptr<scratch_folder> image() const {
    for (auto attempt = 0; attempt < 100; ++attempt)
      try {
        auto out = std::make_unique<scratch_folder>();
        auto before = files();
        for (const auto& entry : fs::directory_iterator{folder.path()})
          fs::copy(entry.path(), fs::path{out->path()} / entry.path().filename());
        if (files() == before)
          return out;
      } catch (const fs::filesystem_error&) { // one was deleted meanwhile
      }
    throw std::runtime_error{"the folder does not come to rest"};
  }

  std::map<fs::path, std::uintmax_t> files() const {
    auto out = std::map<fs::path, std::uintmax_t>{};
    for (const auto& entry : fs::directory_iterator{folder.path()})
      out[entry.path()] = entry.path().extension() == ".log" ? 0 : entry.file_size();
    return out;
  }

  std::uint64_t log_size() const { return fs::file_size(logs_of(folder.path()).back()); }
};

TEST_F(rocks_logs, that_end_where_the_process_was_killed_have_lost_nothing) {
  put(*db, key(0), "synced");
  auto begin = log_size();
  put(*db, key(1), "torn", false);
  put(*db, key(2), "torn", false);
  for (auto size = begin; size <= log_size(); size += 5) {
    auto copy = image();
    fs::resize_file(logs_of(copy->path()).back(), size);
    EXPECT_EQ(lost_records(*open_rocks_database(copy->path())), "") << size;
  }
}

TEST_F(rocks_logs, say_what_was_lost_when_a_bit_flipped_in_what_was_synced) {
  put(*db, key(0), "before");
  auto begin = log_size();
  put(*db, key(1), "damaged");
  auto end = log_size();
  put(*db, key(2), "behind");
  for (auto at = begin; at < end; at += 3) {
    auto copy = image();
    flip(logs_of(copy->path()).back(), at);
    auto after = open_rocks_database(copy->path());
    EXPECT_NE(lost_records(*after), "") << at;
    EXPECT_TRUE(has(*after, key(0)));
    EXPECT_FALSE(has(*after, key(2))) << "then nothing would be lost";
  }
}

TEST_F(rocks_logs, are_looked_at_without_a_word_of_the_engine) {
  put(*db, key(0), "1");
  auto copy = image();
  auto lines = std::string{};
  auto options = rocks_options{};
  options.log = [&](std::string_view line) { lines.append(line).append("\n"); };
  open_rocks_database(copy->path(), options);
  EXPECT_EQ(lines, "");
}

TEST_F(rocks_logs, cover_a_bare_sync_too) {
  put(*db, key(0), "synced by the next", false);
  put(*db, key(1), "synced by the next", false);
  auto end = log_size();
  EXPECT_EQ(db->write({}, true), ec::none);
  put(*db, key(2), "not synced", false);
  auto copy = image();
  flip(logs_of(copy->path()).back(), end - 10);
  EXPECT_NE(lost_records(*open_rocks_database(copy->path())), "");
}

TEST_F(rocks_logs, claim_no_loss_of_what_was_never_synced) {
  put(*db, key(0), "synced");
  auto begin = log_size();
  put(*db, key(1), "not synced", false);
  put(*db, key(2), "not synced", false);
  auto copy = image();
  flip(logs_of(copy->path()).back(), begin + 30);
  auto after = open_rocks_database(copy->path());
  EXPECT_EQ(lost_records(*after), "");
  EXPECT_FALSE(has(*after, key(2))) << "the flip did nothing";
}

TEST_F(rocks_logs, are_not_needed_after_a_clean_end) {
  put(*db, key(0), "damaged");
  auto end = log_size();
  put(*db, key(1), "behind");
  db.reset();
  for (const auto& log : logs_of(folder.path()))
    flip(log, std::min(end, fs::file_size(log)) / 2);
  auto after = open_rocks_database(folder.path());
  EXPECT_EQ(lost_records(*after), "");
  EXPECT_TRUE(has(*after, key(0)) && has(*after, key(1)));
}

TEST_F(rocks_logs, cover_what_was_written_last_before_silence) {
  db.reset();
  auto seams = rocks_seams{};
  seams.quiet_pause = std::chrono::milliseconds{5};
  db = open_rocks_database(folder.path(), {}, seams);
  put(*db, key(0), "last");
  auto end = log_size();
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (log_size() == end && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  put(*db, key(1), "wakes the log up", false); // the mark is written whole before this is
  auto copy = image();
  flip(logs_of(copy->path()).back(), end - 10);
  EXPECT_NE(lost_records(*open_rocks_database(copy->path())), "");
}

TEST_F(rocks_logs, are_believed_after_they_are_gone_until_somebody_has_dealt_with_it) {
  put(*db, key(0), "damaged");
  auto end = log_size();
  put(*db, key(1), "behind");
  auto copy = image();
  flip(logs_of(copy->path()).back(), end - 10);
  open_rocks_database(copy->path());
  EXPECT_NE(lost_records(*open_rocks_database(copy->path())), "");
  EXPECT_EQ(forget_lost_records(*open_rocks_database(copy->path())), ec::none);
  EXPECT_EQ(lost_records(*open_rocks_database(copy->path())), "");
}

TEST_F(rocks_logs, are_believed_after_a_crash_between_the_look_and_the_note_in_the_store) {
  db.reset();
  std::ofstream{folder.path() + "/LOST"} << "what was seen";
  EXPECT_EQ(lost_records(*open_rocks_database(folder.path())), "what was seen");
  EXPECT_FALSE(fs::exists(folder.path() + "/LOST"));
  EXPECT_EQ(forget_lost_records(*open_rocks_database(folder.path())), ec::none);
  std::ofstream{folder.path() + "/LOST"};
  EXPECT_NE(lost_records(*open_rocks_database(folder.path())), "")
      << "cut off while it was written";
}

TEST_F(rocks_logs, of_many_memtables_are_read_in_order) {
  db.reset();
  auto small = rocks_options{};
  small.memtable_bytes = 64u << 10;
  auto random = std::mt19937{7};
  db = open_rocks_database(folder.path(), small);
  for (auto i = 0; i < 2'000; ++i) {
    auto batch = write_batch{};
    batch.put(key(i), std::string(random() % 500, 'v'));
    batch.put(std::string{"SI"}[random() % 2] + std::to_string(i), std::string(100, 'v'));
    ASSERT_EQ(db->write(batch, random() % 3 == 0), ec::none);
    if (i % 200 == 0) {
      auto copy = image();
      auto after = open_rocks_database(copy->path(), small);
      ASSERT_EQ(lost_records(*after), "") << i;
      ASSERT_TRUE(has(*after, key(i)));
    }
  }
}

/// Whatever flips: a store that opens and lacks what was synced says so, unless it was what was
/// synced last. A store that lacks nothing says nothing.
TEST_F(rocks_logs, tell_the_truth_wherever_a_bit_flips) {
  constexpr auto rows = 300;
  auto synced = std::vector<int>{};
  auto random = std::mt19937{11};
  for (auto i = 0; i < rows; ++i) {
    auto sync = random() % 4 == 0;
    ASSERT_EQ(put(*db, key(i), std::string(random() % 700, 'v'), sync), ec::none);
    if (sync)
      synced.push_back(i);
  }
  auto noticed = 0;
  for (auto round = 0; round < 60; ++round) {
    auto copy = image();
    auto at = random() % log_size();
    flip(logs_of(copy->path()).back(), at);
    auto after = std::unique_ptr<database>{};
    try {
      after = open_rocks_database(copy->path());
    } catch (const std::runtime_error&) {
      continue; // it is noticed
    }
    auto claimed = !lost_records(*after).empty();
    auto whole = has(*after, key(synced.back()));
    auto all_but_last = has(*after, key(synced[synced.size() - 2]));
    EXPECT_TRUE(!claimed || !whole) << at;
    EXPECT_TRUE(claimed || all_but_last) << at;
    noticed += claimed;
  }
  EXPECT_GT(noticed, 40);
}

TEST_F(rocks_logs, written_by_several_threads_have_lost_nothing) {
  auto stop = std::atomic<bool>{false};
  auto writers = std::vector<std::thread>{};
  for (auto t = 0; t < 3; ++t)
    writers.emplace_back([&, t] {
      for (auto i = 0; i < 5'000 && !stop; ++i)
        put(*db, key(5'000 * t + i), std::string(200, 'v'), t == 0);
    });
  for (auto round = 0; round < 10; ++round) {
    auto copy = image();
    EXPECT_EQ(lost_records(*open_rocks_database(copy->path())), "") << round;
  }
  stop = true;
  for (auto& x : writers)
    x.join();
}

} // namespace
} // namespace shoal::storage
