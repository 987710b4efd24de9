#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "actors/gateway/digest_log.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::gateway {
namespace {

std::string text_of(const std::string& file) {
  auto in = std::ifstream{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

class DigestLog : public testing::Test {
protected:
  DigestLog() {
    options.file = dir.path() / "digest.log";
    options.max_bytes = 10;
    options.keep = 2;
    options.max_waiting = 100;
  }

  test::temp_dir dir;
  digest_log_options options;
};

TEST_F(DigestLog, WritesWhatWasAddedInOrder) {
  auto log = digest_log{options};
  log.add("a\n");
  log.add("b\n");
  EXPECT_EQ(log.write(), "");
  EXPECT_EQ(text_of(options.file), "a\nb\n");
  EXPECT_EQ(log.written_bytes(), 4u);
}

TEST_F(DigestLog, GoesOnWithTheFileOfTheProcessBefore) {
  for (auto line : {"a\n", "b\n"}) {
    auto log = digest_log{options};
    log.add(line);
    log.write();
  }
  EXPECT_EQ(text_of(options.file), "a\nb\n");
}

TEST_F(DigestLog, RotatesBySizeAndKeepsAFew) {
  auto log = digest_log{options};
  for (auto line : {"11111111\n", "22222222\n", "33333333\n", "44444444\n"}) {
    log.add(line);
    EXPECT_EQ(log.write(), "");
  }
  EXPECT_EQ(text_of(options.file), "44444444\n");
  EXPECT_EQ(text_of(options.file + ".1"), "33333333\n");
  EXPECT_EQ(text_of(options.file + ".2"), "22222222\n");
  EXPECT_FALSE(std::filesystem::exists(options.file + ".3"));
}

TEST_F(DigestLog, WhatCannotBeWrittenIsDroppedAndCounted) {
  options.file = dir.path() / "no-such-folder" / "digest.log";
  auto log = digest_log{options};
  log.add(std::string(80, 'x'));
  log.add(std::string(30, 'y')); // more than may wait
  EXPECT_EQ(log.dropped_bytes(), 30u);
  EXPECT_NE(log.write(), "");
  EXPECT_EQ(log.dropped_bytes(), 110u);
}

} // namespace
} // namespace shoal::gateway
