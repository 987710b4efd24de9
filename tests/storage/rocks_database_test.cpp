// What only the real engine can get wrong: opening, crashing, damage on disk, a full disk.
#include <array>
#include <atomic>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/sst_file_writer.h>

#include "storage/keys.hpp"
#include "storage/lost_records.hpp"
#include "storage/rocks_database.hpp"
#include "storage/rocks_layout.hpp"
#include "tests/storage/scratch_folder.hpp"

namespace shoal::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

ec put(database& db, std::string key, std::string value, bool sync = true) {
  auto batch = write_batch{};
  batch.put(std::move(key), std::move(value));
  return db.write(batch, sync);
}

std::string numbered(std::string stem, int i) {
  stem += std::to_string(i);
  return stem;
}

std::string value_of(database& db, std::string_view key) {
  auto value = std::string{};
  return db.get(key, value) == lookup::found ? value : "(none)";
}

std::string reason_not_to_open(const std::string& folder) {
  try {
    open_rocks_database(folder);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "(opened)";
}

/// What a crash at this moment would leave behind.
void copy_image(const std::string& from, const std::string& to) {
  for (const auto& entry : fs::directory_iterator{from})
    fs::copy(entry.path(), fs::path{to} / entry.path().filename());
}

std::vector<fs::path> files_of(const std::string& folder, const std::string& extension) {
  auto out = std::vector<fs::path>{};
  for (const auto& entry : fs::directory_iterator{folder})
    if (entry.path().extension() == extension)
      out.push_back(entry.path());
  return out;
}

TEST(rocks_database, keeps_everything_over_a_restart) {
  auto folder = scratch_folder{};
  {
    auto db = open_rocks_database(folder.path());
    put(*db, "Oa", "1");
    put(*db, "Ia", "2");
    put(*db, "Sa", "3", false);
  }
  auto db = open_rocks_database(folder.path());
  EXPECT_EQ(value_of(*db, "Oa"), "1");
  EXPECT_EQ(value_of(*db, "Ia"), "2");
  EXPECT_EQ(value_of(*db, "Sa"), "3") << "a clean end loses nothing, synced or not";
}

TEST(rocks_database, keeps_synced_writes_over_a_crash) {
  auto folder = scratch_folder{};
  auto image = scratch_folder{};
  auto db = open_rocks_database(folder.path());
  for (auto i = 0; i < 100; ++i)
    put(*db, numbered("O", i), std::to_string(i));
  copy_image(folder.path(), image.path());
  auto after = open_rocks_database(image.path());
  for (auto i = 0; i < 100; ++i)
    EXPECT_EQ(value_of(*after, numbered("O", i)), std::to_string(i));
}

TEST(rocks_database, drops_a_torn_batch_whole_wherever_it_was_torn) {
  auto folder = scratch_folder{};
  auto db = open_rocks_database(folder.path());
  put(*db, "Obefore", "1");
  auto logs = files_of(folder.path(), ".log");
  ASSERT_EQ(logs.size(), 1u);
  auto size_before = fs::file_size(logs[0]);
  auto batch = write_batch{};
  for (auto key : {"Sx", "Ox", "Ix"})
    batch.put(key, std::string(50, 'x'));
  db->write(batch, true);
  auto size_after = fs::file_size(logs[0]);
  ASSERT_GT(size_after, size_before);
  for (auto size = size_before; size < size_after; size += 7) {
    auto image = scratch_folder{};
    copy_image(folder.path(), image.path());
    fs::resize_file(fs::path{image.path()} / logs[0].filename(), size);
    auto torn = open_rocks_database(image.path());
    EXPECT_EQ(value_of(*torn, "Obefore"), "1");
    for (auto key : {"Sx", "Ox", "Ix"})
      EXPECT_EQ(value_of(*torn, key), "(none)") << "cut at " << size;
  }
}

TEST(rocks_database, refuses_a_folder_in_use_and_names_it) {
  auto folder = scratch_folder{};
  auto db = open_rocks_database(folder.path());
  auto why = reason_not_to_open(folder.path());
  EXPECT_THAT(why, HasSubstr(folder.path()));
  EXPECT_THAT(why, HasSubstr("is in use by another process"));
  db.reset();
  EXPECT_EQ(reason_not_to_open(folder.path()), "(opened)");
}

TEST(rocks_database, refuses_a_path_that_cannot_be_a_folder) {
  auto folder = scratch_folder{};
  std::ofstream{folder.path() + "/file"} << "x";
  auto why = reason_not_to_open(folder.path() + "/file/data");
  EXPECT_THAT(why, HasSubstr(folder.path() + "/file/data"));
  EXPECT_THAT(why, HasSubstr("cannot be created"));
}

TEST(rocks_database, creates_missing_folders) {
  auto folder = scratch_folder{};
  EXPECT_EQ(reason_not_to_open(folder.path() + "/a/b"), "(opened)");
}

TEST(rocks_database, refuses_a_newer_format) {
  auto folder = scratch_folder{};
  put(*open_rocks_database(folder.path()), identity_key("format"), "2");
  EXPECT_THAT(reason_not_to_open(folder.path()), HasSubstr("newer version of Shoal"));
}

TEST(rocks_database, refuses_families_that_it_does_not_know) {
  auto folder = scratch_folder{};
  open_rocks_database(folder.path());
  {
    auto known = family_descriptors({});
    auto handles = std::vector<rocksdb::ColumnFamilyHandle*>{};
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(engine_options({}), folder.path(), known, &handles, &db).ok());
    rocksdb::ColumnFamilyHandle* future = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "packages", &future).ok());
    handles.push_back(future);
    for (auto* handle : handles)
      db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  EXPECT_THAT(reason_not_to_open(folder.path()), HasSubstr("newer version of Shoal"));
}

TEST(rocks_database, refuses_a_format_row_that_makes_no_sense) {
  for (auto text : {"", "0", "one", "1 ", "99999999999999999999"}) {
    auto folder = scratch_folder{};
    put(*open_rocks_database(folder.path()), identity_key("format"), text);
    EXPECT_THAT(reason_not_to_open(folder.path()), HasSubstr("is damaged")) << text;
  }
}

TEST(rocks_database, says_unknown_when_only_the_disk_knows) {
  auto folder = scratch_folder{};
  put(*open_rocks_database(folder.path()), "Ik", "v");
  open_rocks_database(folder.path()); // what was in the log is now in a table
  auto db = open_rocks_database(folder.path());
  auto value = std::string{};
  EXPECT_EQ(db->try_get("Ik", value), lookup::unknown);
  EXPECT_EQ(db->try_get("Ino", value), lookup::missing) << "the filter knows without the disk";
  EXPECT_EQ(db->get("Ik", value), lookup::found);
  EXPECT_EQ(db->try_get("Ik", value), lookup::found) << "now it is in the cache";
}

/// Each row in a table of its own, at the lowest level, where nothing merges them.
void put_in_tables(const std::string& folder, const std::vector<std::string>& keys) {
  open_rocks_database(folder);
  auto known = family_descriptors({});
  auto handles = std::vector<rocksdb::ColumnFamilyHandle*>{};
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(engine_options({}), folder, known, &handles, &db).ok());
  auto family = static_cast<std::size_t>(family_of(keys.front()));
  for (const auto& key : keys) {
    auto file = folder + "/table";
    auto writer = rocksdb::SstFileWriter{{}, db->GetOptions(handles[family])};
    ASSERT_TRUE(writer.Open(file).ok());
    ASSERT_TRUE(writer.Put(key, key + "'s value").ok());
    ASSERT_TRUE(writer.Finish().ok());
    ASSERT_TRUE(db->IngestExternalFile(handles[family], {file}, {}).ok());
    fs::remove(file);
  }
  for (auto* handle : handles)
    db->DestroyColumnFamilyHandle(handle);
  delete db;
}

TEST(rocks_database, says_unknown_of_a_table_that_is_not_open) {
  auto folder = scratch_folder{};
  auto keys = std::vector<std::string>{};
  for (auto i = 100; i < 200; ++i)
    keys.push_back(numbered("Ik", i));
  put_in_tables(folder.path(), keys);
  auto seams = rocks_seams{};
  seams.open_files = 20; // not a table in two
  auto db = open_rocks_database(folder.path(), {}, seams);
  auto unknown = 0;
  for (const auto& key : keys) {
    auto value = std::string{};
    auto found = db->try_get(key, value);
    unknown += found == lookup::unknown ? 1 : 0;
    if (found != lookup::unknown) {
      EXPECT_EQ(value, key + "'s value");
    }
    EXPECT_EQ(value_of(*db, key), key + "'s value");
  }
  EXPECT_GT(unknown, 50);
}

TEST(rocks_database, puts_rows_on_disk_when_nothing_is_written_for_a_while) {
  auto folder = scratch_folder{};
  auto seams = rocks_seams{};
  seams.quiet_pause = std::chrono::milliseconds{20};
  seams.quiet_bytes = 1u << 20;
  auto db = open_rocks_database(folder.path(), {}, seams);
  for (auto i = 0; i < 20; ++i)
    put(*db, numbered("O", i), std::string(100'000, 'x'), false);
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (files_of(folder.path(), ".sst").empty() && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  EXPECT_FALSE(files_of(folder.path(), ".sst").empty());
  EXPECT_EQ(value_of(*db, "O7").size(), 100'000u);
  put(*db, "Oz", "written after it");
  EXPECT_EQ(value_of(*db, "Oz"), "written after it");
}

/// Two rows in tables, and a bit of the first one's changed.
void put_and_damage(const std::string& folder) {
  {
    auto db = open_rocks_database(folder);
    put(*db, "Ok", std::string(3000, 'v'));
    put(*db, "Sk", "fine");
  }
  open_rocks_database(folder);
  for (const auto& file : files_of(folder, ".sst")) {
    auto bytes = std::fstream{file, std::ios::in | std::ios::out | std::ios::binary};
    auto content = std::string{std::istreambuf_iterator<char>{bytes}, {}};
    if (content.find("Ok") == std::string::npos)
      continue;
    bytes.clear();
    bytes.seekp(12);
    bytes.put('\x55');
  }
}

TEST(rocks_database, reports_damage_on_disk_and_goes_on_elsewhere) {
  auto folder = scratch_folder{};
  put_and_damage(folder.path());
  auto db = open_rocks_database(folder.path());
  auto value = std::string{};
  EXPECT_EQ(db->get("Ok", value), lookup::failed);
  EXPECT_EQ(db->scan("O", "P", [](auto, auto) { return true; }), ec::storage_failed);
  EXPECT_EQ(value_of(*db, "Sk"), "fine");
  EXPECT_EQ(put(*db, "Sk", "still"), ec::none);
}

TEST(rocks_database, takes_no_writes_after_damage_where_others_have_copies) {
  auto folder = scratch_folder{};
  put_and_damage(folder.path());
  auto lines = std::string{};
  auto options = rocks_options{};
  options.stop_when_damaged = true;
  options.log = [&](std::string_view line) { lines += line; };
  auto db = open_rocks_database(folder.path(), options);
  EXPECT_EQ(put(*db, "Sk", "nobody knows yet"), ec::none);
  EXPECT_EQ(db->scan("O", "P", [](auto, auto) { return true; }), ec::storage_failed);
  EXPECT_EQ(put(*db, "Sk", "too late"), ec::storage_failed);
  EXPECT_EQ(value_of(*db, "Sk"), "nobody knows yet");
  EXPECT_THAT(lines, HasSubstr("damaged, takes no more writes"));
}

/// A disk that runs full, or breaks, on command: every new byte is refused, reading goes on.
class failing_disk : public rocksdb::FileSystemWrapper {
public:
  enum class mood { fine, full, broken };

  failing_disk() : FileSystemWrapper{rocksdb::FileSystem::Default()} {}

  const char* Name() const override { return "failing_disk"; }

  rocksdb::IOStatus state() {
    switch (now_.load()) {
    case mood::full:
      refused_ = true;
      return rocksdb::IOStatus::NoSpace("no space left on the test's disk");
    case mood::broken:
      return rocksdb::IOStatus::IOError("the test's disk is broken");
    default:
      return rocksdb::IOStatus::OK();
    }
  }

  void set(mood x) {
    now_ = x;
    if (x == mood::fine)
      refused_ = false;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* out, rocksdb::IODebugContext* context) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, out, context);
    if (status.ok())
      *out = std::make_unique<file>(std::move(*out), *this);
    return status;
  }

  rocksdb::IOStatus GetFreeSpace(const std::string&, const rocksdb::IOOptions&, std::uint64_t* out,
      rocksdb::IODebugContext*) override {
    // Runs full behind the back of whoever looked before.
    *out = refused_ ? 0 : space_left.load();
    return rocksdb::IOStatus::OK();
  }

  std::atomic<std::uint64_t> space_left = std::uint64_t{1} << 40;

private:
  std::atomic<mood> now_ = mood::fine;
  std::atomic<bool> refused_ = false;

  class file : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    file(std::unique_ptr<rocksdb::FSWritableFile> inner, failing_disk& disk)
        : FSWritableFileOwnerWrapper{std::move(inner)}, disk_{disk} {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
        rocksdb::IODebugContext* context) override {
      auto status = disk_.state();
      return status.ok() ? FSWritableFileOwnerWrapper::Append(data, options, context) : status;
    }

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
        const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* context) override {
      return Append(data, options, context);
    }

    rocksdb::IOStatus Sync(
        const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
      auto status = disk_.state();
      return status.ok() ? FSWritableFileOwnerWrapper::Sync(options, context) : status;
    }

  private:
    failing_disk& disk_;
  };
};

class failing_disk_test : public ::testing::Test {
public:
  scratch_folder folder;
  std::shared_ptr<failing_disk> disk = std::make_shared<failing_disk>();
  std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
  rocks_seams seams{env.get(), std::chrono::milliseconds{0}};
  std::unique_ptr<database> db = open_rocks_database(folder.path(), {}, seams);
};

TEST_F(failing_disk_test, full_refuses_writes_answers_reads_and_recovers_with_space) {
  put(*db, "Oa", "1");
  disk->set(failing_disk::mood::full);
  EXPECT_EQ(put(*db, "Ob", "2"), ec::storage_full);
  EXPECT_EQ(put(*db, "Ob", "2", false), ec::storage_full);
  EXPECT_EQ(value_of(*db, "Oa"), "1");
  EXPECT_EQ(value_of(*db, "Ob"), "(none)");
  disk->set(failing_disk::mood::fine);
  EXPECT_EQ(put(*db, "Oc", "3"), ec::none);
  EXPECT_EQ(value_of(*db, "Oc"), "3");
  EXPECT_EQ(value_of(*db, "Ob"), "(none)");
}

TEST_F(failing_disk_test, full_shows_nothing_of_the_refused_batch_after_a_restart) {
  put(*db, "Oa", "1");
  disk->set(failing_disk::mood::full);
  EXPECT_EQ(put(*db, "Ob", "2"), ec::storage_full);
  disk->set(failing_disk::mood::fine);
  EXPECT_EQ(put(*db, "Oc", "3"), ec::none);
  auto image = scratch_folder{};
  copy_image(folder.path(), image.path());
  auto after = open_rocks_database(image.path());
  EXPECT_EQ(value_of(*after, "Oa"), "1");
  EXPECT_EQ(value_of(*after, "Ob"), "(none)");
  EXPECT_EQ(value_of(*after, "Oc"), "3");
  EXPECT_EQ(lost_records(*after), "");
}

TEST_F(failing_disk_test, full_again_and_again_recovers_each_time) {
  for (auto i = 0; i < 5; ++i) {
    disk->set(failing_disk::mood::full);
    EXPECT_EQ(put(*db, numbered("Orefused", i), "x"), ec::storage_full);
    disk->set(failing_disk::mood::fine);
    EXPECT_EQ(put(*db, numbered("Otaken", i), "x"), ec::none);
  }
  auto count = 0;
  EXPECT_EQ(db->scan("O", "P",
                [&](auto key, auto) {
                  EXPECT_TRUE(key.starts_with("Otaken"));
                  ++count;
                  return true;
                }),
      ec::none);
  EXPECT_EQ(count, 5);
}

TEST_F(failing_disk_test, full_is_no_loss_whenever_the_process_is_killed) {
  for (auto i = 0; i < 12; ++i) {
    put(*db, numbered("S", i), "x", i % 3 == 0);
    disk->set(failing_disk::mood::full);
    put(*db, numbered("Orefused", i), std::string(300, 'x'), i % 2 == 0);
    put(*db, numbered("Irefused", i), "x");
    auto full = scratch_folder{};
    copy_image(folder.path(), full.path());
    disk->set(failing_disk::mood::fine);
    EXPECT_EQ(put(*db, numbered("Otaken", i), "x", i % 2 == 0), ec::none);
    EXPECT_EQ(db->write({}, i % 4 == 0), ec::none);
    auto image = scratch_folder{};
    copy_image(folder.path(), image.path());
    for (auto* copy : {&full, &image})
      EXPECT_EQ(lost_records(*open_rocks_database(copy->path())), "") << i;
  }
}

TEST_F(failing_disk_test, full_recovers_with_nothing_in_memory_to_flush) {
  db.reset();
  db = open_rocks_database(folder.path(), {}, seams);
  for (auto sync : {true, false, true}) {
    disk->set(failing_disk::mood::full);
    EXPECT_EQ(put(*db, "Ob", "2", sync), ec::storage_full);
    EXPECT_EQ(put(*db, "Ob", "2", sync), ec::storage_full);
    disk->set(failing_disk::mood::fine);
    EXPECT_EQ(db->write({}, true), ec::none);
  }
  EXPECT_EQ(put(*db, "Oc", "3"), ec::none);
  EXPECT_EQ(value_of(*db, "Ob"), "(none)");
}

TEST_F(failing_disk_test, full_refuses_writers_of_many_threads_and_recovers) {
  auto stop = std::atomic<bool>{false};
  auto accepted = std::array<std::atomic<int>, 3>{};
  auto writers = std::vector<std::thread>{};
  for (std::size_t t = 0; t < accepted.size(); ++t)
    writers.emplace_back([&, t] {
      auto stem = std::string{"Ot"} + std::to_string(t) + '-';
      while (!stop) {
        auto key = stem + std::to_string(accepted[t].load());
        if (put(*db, key, "x", t == 0) == ec::none)
          ++accepted[t];
      }
    });
  auto progress = [&](std::size_t t) {
    for (auto before = accepted[t].load(); accepted[t] < before + 5;)
      std::this_thread::yield();
  };
  for (auto round = 0; round < 10; ++round) {
    for (std::size_t t = 0; t < accepted.size(); ++t)
      progress(t);
    disk->set(failing_disk::mood::full);
    EXPECT_EQ(put(*db, "Srefused", "x"), ec::storage_full);
    disk->set(failing_disk::mood::fine);
  }
  stop = true;
  for (auto& x : writers)
    x.join();
  auto image = scratch_folder{};
  EXPECT_EQ(db->write({}, true), ec::none);
  copy_image(folder.path(), image.path());
  auto after = open_rocks_database(image.path());
  EXPECT_EQ(lost_records(*after), "");
  for (std::size_t t = 0; t < accepted.size(); ++t) {
    auto stem = std::string{"Ot"} + std::to_string(t) + '-';
    for (auto i = 0; i < accepted[t]; ++i)
      ASSERT_EQ(value_of(*after, stem + std::to_string(i)), "x") << stem << i;
  }
}

TEST_F(failing_disk_test, nearly_full_refuses_writes_before_the_engine_is_hurt) {
  put(*db, "Oa", "1");
  disk->space_left = rocks_options{}.reserve_bytes - 1;
  EXPECT_EQ(put(*db, "Ob", "2"), ec::storage_full);
  EXPECT_EQ(db->write({}, true), ec::storage_full);
  EXPECT_EQ(value_of(*db, "Oa"), "1");
  EXPECT_EQ(value_of(*db, "Ob"), "(none)");
  disk->space_left = rocks_options{}.reserve_bytes;
  EXPECT_EQ(put(*db, "Ob", "2"), ec::none);
}

TEST_F(failing_disk_test, full_fails_a_bare_sync_too) {
  put(*db, "Oa", "1", false);
  disk->set(failing_disk::mood::full);
  EXPECT_NE(db->write({}, true), ec::none);
  EXPECT_EQ(put(*db, "Ob", "2"), ec::storage_full);
  EXPECT_EQ(db->write({}, true), ec::storage_full);
  disk->set(failing_disk::mood::fine);
  EXPECT_EQ(db->write({}, true), ec::none);
  EXPECT_EQ(value_of(*db, "Oa"), "1");
}

TEST_F(failing_disk_test, full_does_not_keep_the_database_from_closing) {
  put(*db, "Oa", "1");
  disk->set(failing_disk::mood::full);
  EXPECT_EQ(put(*db, "Ob", "2"), ec::storage_full);
  db.reset();
  disk->set(failing_disk::mood::fine);
  db = open_rocks_database(folder.path(), {}, seams);
  EXPECT_EQ(value_of(*db, "Oa"), "1");
}

TEST_F(failing_disk_test, warns_into_the_log_of_the_node) {
  db.reset();
  auto lines = std::atomic<int>{0};
  auto options = rocks_options{};
  options.log = [&](std::string_view line) { lines += !line.empty(); };
  db = open_rocks_database(folder.path(), options, seams);
  disk->set(failing_disk::mood::full);
  EXPECT_EQ(put(*db, "Ob", "2"), ec::storage_full);
  EXPECT_GT(lines, 0);
  disk->set(failing_disk::mood::fine);
  db.reset();
  EXPECT_FALSE(fs::exists(folder.path() + "/LOG"));
}

TEST_F(failing_disk_test, broken_says_so) {
  put(*db, "Oa", "1");
  disk->set(failing_disk::mood::broken);
  EXPECT_EQ(put(*db, "Ob", "2"), ec::storage_failed);
  EXPECT_EQ(value_of(*db, "Oa"), "1");
  EXPECT_EQ(value_of(*db, "Ob"), "(none)");
}

} // namespace
} // namespace shoal::storage
