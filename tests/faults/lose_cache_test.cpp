// A machine that loses its page cache must lose all that was not synced, and nothing else: what is
// left too much would hide a lost op, what is missing would accuse a good server.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/faults/server.hpp"
#include "tests/faults/sync_ledger.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::faults {
namespace {

namespace fs = std::filesystem;

class lost_page_cache : public testing::Test {
protected:
  lost_page_cache() { fs::create_directory(data); }

  /// A new file, as the node makes it.
  void make(const std::string& name, const std::string& text = {}) {
    grow(name, text);
    ledger->created(look(name));
  }
  void grow(const std::string& name, const std::string& text) {
    std::ofstream{data / name, std::ios::app} << text;
  }
  void sync(const std::string& name) { ledger->synced(look(name)); }
  void sync_folder() { ledger->synced(look(".")); }

  sync_ledger::file look(const std::string& name) const {
    auto out = sync_ledger::file{};
    EXPECT_EQ(::stat((data / name).c_str(), &out), 0) << name;
    return out;
  }
  std::string text_of(const std::string& name) const { return read_file(data / name); }
  bool is_there(const std::string& name) const { return fs::exists(data / name); }
  lost_cache lose() { return lose_cache(data, *ledger); }

  test::temp_dir folder;
  fs::path data = folder.path() / "data";
  std::string ledger_file = folder.path() / "ledger";
  sync_ledger* ledger = sync_ledger::map(ledger_file.c_str());
};

TEST_F(lost_page_cache, takes_what_came_after_the_last_sync) {
  make("1.log", "synced");
  sync("1.log");
  grow("1.log", ", not synced");
  auto lost = lose();
  EXPECT_EQ(text_of("1.log"), "synced");
  EXPECT_EQ(lost.bytes, 12u);
  EXPECT_EQ(lost.shortened, 1u);
}

TEST_F(lost_page_cache, takes_what_was_written_during_the_last_sync) {
  make("1.log", "synced");
  auto before = look("1.log");
  grow("1.log", ", too late");
  ledger->synced(before);
  lose();
  EXPECT_EQ(text_of("1.log"), "synced");
}

TEST_F(lost_page_cache, keeps_more_if_an_older_sync_ends_later) {
  make("1.log", "a");
  auto before = look("1.log");
  grow("1.log", "b");
  sync("1.log");
  ledger->synced(before);
  lose();
  EXPECT_EQ(text_of("1.log"), "ab");
}

TEST_F(lost_page_cache, takes_a_new_file_whose_folder_was_not_synced) {
  make("1.sst", "text");
  make("2.sst", "text");
  sync("2.sst");
  EXPECT_EQ(lose().removed, 1u);
  EXPECT_FALSE(is_there("1.sst"));
  EXPECT_EQ(text_of("2.sst"), "text");
}

TEST_F(lost_page_cache, leaves_the_name_of_a_file_whose_folder_was_synced) {
  make("1.sst", "text");
  sync_folder();
  EXPECT_EQ(lose().removed, 0u);
  EXPECT_TRUE(is_there("1.sst"));
  EXPECT_EQ(text_of("1.sst"), "");
}

TEST_F(lost_page_cache, leaves_the_name_of_a_file_that_took_the_place_of_another) {
  make("CURRENT", "old");
  sync("CURRENT");
  make("new", "new");
  fs::rename(data / "new", data / "CURRENT");
  ledger->renamed(look("CURRENT"));
  lose();
  EXPECT_TRUE(is_there("CURRENT"));
  EXPECT_EQ(text_of("CURRENT"), "");
}

TEST_F(lost_page_cache, keeps_what_was_synced_under_another_name) {
  make("new", "text");
  sync("new");
  fs::rename(data / "new", data / "CURRENT");
  ledger->renamed(look("CURRENT"));
  lose();
  EXPECT_EQ(text_of("CURRENT"), "text");
}

TEST_F(lost_page_cache, takes_all_of_a_file_that_it_never_heard_of) {
  make("1.log", "known");
  sync("1.log");
  grow("unknown", "text");
  lose();
  EXPECT_EQ(text_of("unknown"), "");
}

TEST_F(lost_page_cache, takes_what_was_written_where_synced_bytes_were_cut_off) {
  make("1.log", "0123456789");
  sync("1.log");
  fs::resize_file(data / "1.log", 4);
  ledger->shortened(look("1.log"));
  grow("1.log", "other");
  lose();
  EXPECT_EQ(text_of("1.log"), "0123");
}

TEST_F(lost_page_cache, believes_nothing_of_a_removed_file_when_its_number_is_used_again) {
  make("1.log", "0123456789");
  sync("1.log");
  ledger->created(look("1.log")); // another one, of the same number
  sync_folder();
  lose();
  EXPECT_EQ(text_of("1.log"), "");
}

TEST_F(lost_page_cache, is_not_lost_twice) {
  make("1.log", "synced");
  sync("1.log");
  grow("1.log", ", not synced");
  lose();
  EXPECT_EQ(lose().bytes, 0u);
  EXPECT_EQ(text_of("1.log"), "synced");
}

TEST_F(lost_page_cache, is_refused_without_any_knowledge) {
  grow("1.log", "text");
  EXPECT_THROW(lose(), std::runtime_error);
  EXPECT_EQ(text_of("1.log"), "text");
}

// The library itself, in a program that does not end well.
TEST_F(lost_page_cache, follows_a_process_to_its_kill) {
  auto script = data.parent_path() / "script";
  std::ofstream{script} << "cd '" << data.string() << "'\n"
                        << "dd if=/dev/zero of=1.log bs=100 count=1 conv=fdatasync\n"
                        << "dd if=/dev/zero of=1.log bs=50 count=1 oflag=append conv=notrunc\n"
                        << "dd if=/dev/zero of=2.log bs=100 count=1 conv=fsync\n"
                        << "mv 2.log 3.log\n"
                        << "dd if=/dev/zero of=4.log bs=100 count=1\n"
                        << "dd if=/dev/zero of=5.log bs=100 count=1 conv=fsync\n"
                        << "dd if=/dev/zero of=5.log bs=30 count=1\n" // which cuts it first
                        << "kill -9 $$\n";
  auto command = "LD_PRELOAD='" SHOAL_WHIMS_LIBRARY "' " + std::string{ledger_variable} + "='" +
                 ledger_file + "' sh '" + script.string() + "' 2>/dev/null";
  EXPECT_NE(std::system(command.c_str()), 0);
  ASSERT_EQ(fs::file_size(data / "1.log"), 150u);
  lose();
  EXPECT_EQ(fs::file_size(data / "1.log"), 100u);
  EXPECT_EQ(fs::file_size(data / "3.log"), 100u);
  EXPECT_FALSE(is_there("4.log"));
  EXPECT_EQ(fs::file_size(data / "5.log"), 0u);
}

} // namespace
} // namespace shoal::faults
