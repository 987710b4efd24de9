#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <gtest/gtest.h>

#include "tools/sdk/cpp/positions.hpp"

namespace {

using namespace shoal;
namespace fs = std::filesystem;

class file_positions_test : public testing::TestWithParam<durability> {
public:
  file_positions_test() {
    auto name = std::string{testing::TempDir()} + "positionsXXXXXX";
    folder = ::mkdtemp(name.data());
  }
  ~file_positions_test() override { fs::remove_all(folder); }

  void put(const std::string& text) { std::ofstream{path()} << text; }
  std::string text() const {
    auto out = std::ostringstream{};
    out << std::ifstream{path()}.rdbuf();
    return out.str();
  }
  std::string path() const { return folder + "/positions"; }

  std::string folder;
};

TEST_P(file_positions_test, remembers_what_was_flushed) {
  auto store = file_positions{path(), GetParam()};
  store.save("u1", "NEWS", {7, 41});
  store.save("", "NEWS", {7, 3});
  store.save("u1", "NEWS", {7, 42});
  store.flush();
  store.save("u1", "NEWS", {7, 99});
  auto again = file_positions{path(), GetParam()};
  EXPECT_FALSE(again.started_over());
  EXPECT_EQ(again.load("u1", "NEWS"), (position{7, 42}));
  EXPECT_EQ(again.load("", "NEWS"), (position{7, 3}));
  EXPECT_EQ(again.load("u2", "NEWS"), std::nullopt);
}

TEST_P(file_positions_test, forgets) {
  auto store = file_positions{path(), GetParam()};
  store.save("u1", "NEWS", {7, 41});
  store.flush();
  store.forget("u1", "NEWS");
  store.flush();
  EXPECT_EQ((file_positions{path(), GetParam()}.load("u1", "NEWS")), std::nullopt);
}

TEST_P(file_positions_test, writes_a_file_that_people_can_read) {
  auto store = file_positions{path(), GetParam()};
  store.save("u1", "NEWS", {7, 41});
  store.flush();
  EXPECT_EQ(text(), "shoal positions 1\n7 41 NEWS u1\nend 1\n");
}

TEST_P(file_positions_test, starts_over_beside_a_damaged_file) {
  for (auto* damage : {"", "shoal positions 2\nend 0\n", "shoal positions 1\n7 41 NEWS u1\n",
           "shoal positions 1\n7 x NEWS u1\nend 1\n", "shoal positions 1\nend 4\n"}) {
    put(damage);
    auto store = file_positions{path(), GetParam()};
    EXPECT_TRUE(store.started_over()) << damage;
    EXPECT_EQ(store.load("u1", "NEWS"), std::nullopt);
    EXPECT_TRUE(fs::exists(path() + ".damaged"));
  }
}

TEST_P(file_positions_test, says_so_when_it_cannot_write) {
  auto store = file_positions{folder + "/missing/positions", GetParam()};
  store.save("u1", "NEWS", {7, 41});
  EXPECT_THROW(store.flush(), std::system_error);
}

INSTANTIATE_TEST_SUITE_P(
    both, file_positions_test, testing::Values(durability::process, durability::power));

} // namespace
