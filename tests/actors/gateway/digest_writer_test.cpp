#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "actors/gateway/digest_writer.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::gateway {
namespace {

using testing::HasSubstr;

struct DigestWriter : testing::Test {
  std::string written() const {
    auto in = std::ifstream{file};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  test::temp_dir folder;
  std::string file = (folder.path() / "digest.log").string();
};

TEST_F(DigestWriter, WritesWhatWasAddedWhenItStops) {
  auto x = digest_writer{{.file = file}};
  x.add("one\n");
  x.add("two\n");
  x.stop();
  EXPECT_EQ(written(), "one\ntwo\n");
  x.add("late\n");
  x.stop();
  EXPECT_EQ(written(), "one\ntwo\n");
  EXPECT_EQ(x.trouble(), "");
}

TEST_F(DigestWriter, TellsWhatIsWrongAndCountsWhatIsLost) {
  auto x = digest_writer{{.file = (folder.path() / "missing" / "digest.log").string()}};
  x.add("12345\n");
  x.stop();
  EXPECT_THAT(x.trouble(), HasSubstr("missing"));
  EXPECT_EQ(x.dropped_bytes(), 6u);
}

TEST_F(DigestWriter, AddsWhileADiskDoesNotAnswer) {
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0); // opening it waits until somebody reads
  auto writer =
      std::make_unique<digest_writer>(digest_log_options{.file = file, .max_waiting = 1'000});
  auto& x = *writer;
  for (auto i = 0; i < 100; ++i)
    x.add(std::string(100, 'x')); // returns at once; what has no room is dropped
  EXPECT_GE(x.dropped_bytes(), 100u * 100 - 2 * 1'000);
  auto reader = std::ifstream{file}; // the disk is back
  auto heard = std::string{};
  auto rest = std::thread{[&] { heard = {std::istreambuf_iterator<char>{reader}, {}}; }};
  x.stop();
  writer.reset(); // closes the file
  rest.join();
  EXPECT_FALSE(heard.empty());
}

} // namespace
} // namespace shoal::gateway
