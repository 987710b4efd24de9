// One suite over all implementations: whatever Shoal relies on holds for each of them.
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "storage/database.hpp"
#include "storage/keys.hpp"
#include "tests/storage/scratch_folder.hpp"

namespace shoal::storage {
namespace {

using rows = std::map<std::string, std::string>;

struct twin {
  const char* name;
  std::unique_ptr<database> (*open)(const std::string& folder);
};

class database_test : public ::testing::TestWithParam<twin> {
public:
  ec put(std::string key, std::string value, bool sync = false) {
    auto batch = write_batch{};
    batch.put(std::move(key), std::move(value));
    return db->write(batch, sync);
  }

  std::string value_of(std::string_view key) {
    auto value = std::string{};
    return db->get(key, value) == lookup::found ? value : "(none)";
  }

  rows all(std::string_view from, std::string_view to) {
    auto out = rows{};
    auto last = std::string{};
    auto code = db->scan(from, to, [&](auto key, auto value) {
      EXPECT_LT(last, key) << "keys must come in order, each once";
      last = key;
      out.emplace(key, value);
      return true;
    });
    EXPECT_EQ(code, ec::none);
    return out;
  }

  scratch_folder folder;
  std::unique_ptr<database> db = GetParam().open(folder.path());
};

INSTANTIATE_TEST_SUITE_P(all, database_test,
    ::testing::Values(
        twin{"rocks", [](const std::string& folder) { return open_rocks_database(folder); }},
        twin{"memory", [](const std::string&) { return make_memory_database(); }},
        twin{"faulty",
            [](const std::string&) { return std::unique_ptr<database>{make_faulty_database()}; }}),
    [](const auto& twin_info) { return std::string{twin_info.param.name}; });

TEST_P(database_test, gives_back_what_was_written) {
  EXPECT_EQ(put("Ok", "v1", true), ec::none);
  EXPECT_EQ(value_of("Ok"), "v1");
  EXPECT_EQ(put("Ok", "v2"), ec::none);
  EXPECT_EQ(value_of("Ok"), "v2");
  auto value = std::string{};
  EXPECT_EQ(db->get("Om", value), lookup::missing);
}

TEST_P(database_test, keeps_any_bytes) {
  auto key = std::string{"\0\xff\0", 3};
  auto value = std::string{"\0\n\xff", 3};
  put(key, value);
  put("", "the empty key");
  put("Sempty", "");
  EXPECT_EQ(value_of(key), value);
  EXPECT_EQ(value_of(""), "the empty key");
  EXPECT_EQ(value_of("Sempty"), "");
}

TEST_P(database_test, applies_a_batch_in_order) {
  auto batch = write_batch{};
  batch.put("Sa", "1");
  batch.erase("Sa");
  batch.put("Ob", "1");
  batch.put("Ob", "2");
  batch.erase("Inever-was-there");
  EXPECT_EQ(db->write(batch, true), ec::none);
  EXPECT_EQ(value_of("Sa"), "(none)");
  EXPECT_EQ(value_of("Ob"), "2");
}

TEST_P(database_test, takes_empty_batches) {
  EXPECT_EQ(db->write({}, false), ec::none);
  EXPECT_EQ(db->write({}, true), ec::none);
}

TEST_P(database_test, scans_from_inclusive_to_exclusive) {
  for (auto key : {"Oa", "Ob", "Oc", "Od"})
    put(key, key);
  EXPECT_EQ(all("Ob", "Od"), (rows{{"Ob", "Ob"}, {"Oc", "Oc"}}));
  EXPECT_EQ(all("Oaa", "Ob"), rows{});
  EXPECT_EQ(all("Od", "Oa"), rows{}) << "an end before the start";
  EXPECT_EQ(all("Ob", "Ob"), rows{});
}

TEST_P(database_test, scans_across_tables_in_key_order) {
  auto expected = rows{};
  for (auto tag : {'!', 'A', 'C', 'D', 'I', 'L', 'O', 'S', 'T', 'X', '~'})
    for (auto tail : {"", "1", "\xff\xff"}) {
      auto key = std::string{tag} + tail;
      expected[key] = key;
      put(key, key);
    }
  EXPECT_EQ(all("!", ""), [&] {
    // A real database also has its format row.
    auto with_identity = expected;
    for (const auto& [key, value] : all("!", "\""))
      with_identity.emplace(key, value);
    return with_identity;
  }());
  EXPECT_EQ(all("I", "J").size(), 3u);
  EXPECT_EQ(all("D1", "O").size(), 8u);
  EXPECT_EQ(all("I1", "S1").size(), 9u);
  EXPECT_EQ(all("O\xff\xff", "").size(), 13u);
}

TEST_P(database_test, stops_a_scan_when_told) {
  for (auto key : {"Da", "Ia", "Oa", "Sa"})
    put(key, key);
  auto seen = std::vector<std::string>{};
  auto code = db->scan("D", "", [&](auto key, auto) {
    seen.emplace_back(key);
    return seen.size() < 2;
  });
  EXPECT_EQ(code, ec::none);
  EXPECT_EQ(seen, (std::vector<std::string>{"Da", "Ia"}));
}

TEST_P(database_test, allows_writes_from_inside_a_scan) {
  for (auto key : {"Oa", "Ob", "Oc"})
    put(key, key);
  auto code = db->scan("O", "P", [&](auto key, auto) {
    auto batch = write_batch{};
    batch.erase(std::string{key});
    return db->write(batch, false) == ec::none;
  });
  EXPECT_EQ(code, ec::none);
  EXPECT_EQ(all("O", "P"), rows{});
}

TEST_P(database_test, answers_from_memory_what_was_just_written) {
  put("Ik", "v");
  auto value = std::string{};
  EXPECT_EQ(db->try_get("Ik", value), lookup::found);
  EXPECT_EQ(value, "v");
  EXPECT_EQ(db->try_get("Imissing", value), lookup::missing);
}

TEST_P(database_test, is_an_ordered_map_whatever_happens) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto model = all("", "");
  auto random_key = [&] {
    auto key = std::string(1, "CIOSX"[random() % 5]);
    return key + std::to_string(random() % 50);
  };
  for (auto round = 0; round < 300; ++round) {
    auto batch = write_batch{};
    for (auto n = random() % 6; n > 0; --n) {
      auto key = random_key();
      if (random() % 3 == 0) {
        batch.erase(key);
        model.erase(key);
      } else {
        auto value = std::to_string(random());
        batch.put(key, value);
        model[key] = value;
      }
    }
    ASSERT_EQ(db->write(batch, random() % 20 == 0), ec::none);
    auto from = random_key();
    auto to = random_key();
    auto expected = from < to ? rows{model.lower_bound(from), model.lower_bound(to)} : rows{};
    ASSERT_EQ(all(from, to), expected) << from << " to " << to;
  }
  EXPECT_EQ(all("", ""), model);
}

TEST_P(database_test, shows_a_batch_whole_or_not_at_all) {
  auto stop = std::atomic<bool>{false};
  auto torn = std::atomic<int>{0};
  auto write_pair = [&](const std::string& value) {
    auto batch = write_batch{};
    batch.put("Oleft", value);
    batch.put("Oright", value);
    return db->write(batch, false);
  };
  write_pair("0");
  auto reader = std::thread{[&] {
    while (!stop) {
      // Read in this order, the second value can only be the newer one.
      auto left = std::stoi(value_of("Oleft"));
      auto right = std::stoi(value_of("Oright"));
      torn += right < left;
    }
  }};
  for (auto i = 1; i < 3000; ++i)
    write_pair(std::to_string(i));
  stop = true;
  reader.join();
  EXPECT_EQ(torn, 0);
}

TEST_P(database_test, a_snapshot_does_not_see_what_is_written_later) {
  put("Oa", "1");
  put("C1", "1");
  auto before = db->snapshot();
  put("Oa", "2");
  put("Ob", "new");
  std::string value;
  EXPECT_EQ(before->get("Oa", value), lookup::found);
  EXPECT_EQ(value, "1");
  EXPECT_EQ(before->get("Ob", value), lookup::missing);
  std::string seen;
  EXPECT_EQ(before->scan("", "",
                [&](std::string_view key, std::string_view x) {
                  if (!key.starts_with('!'))
                    seen += std::string{key} + '=' + std::string{x} + ' ';
                  return true;
                }),
      ec::none);
  EXPECT_EQ(seen, "C1=1 Oa=1 ");
}

TEST_P(database_test, knows_roughly_how_big_it_is) {
  auto before = db->approximate_size();
  put("Oa", std::string(1u << 20, 'x'));
  EXPECT_GE(db->approximate_size(), before + (1u << 20));
}

TEST(write_batch, counts_its_bytes) {
  auto batch = write_batch{};
  EXPECT_TRUE(batch.empty());
  batch.put("ab", "cde");
  batch.erase("fg");
  EXPECT_EQ(batch.bytes(), 7u);
  EXPECT_EQ(batch.rows().size(), 2u);
}

TEST(write_batch, appends_in_order_and_empties_the_other) {
  auto a = write_batch{};
  a.put("1", "x");
  auto b = write_batch{};
  b.put("2", "y");
  b.erase("3");
  a.append(std::move(b));
  ASSERT_EQ(a.rows().size(), 3u);
  EXPECT_EQ(a.rows()[1].key, "2");
  EXPECT_TRUE(a.rows()[2].erase);
  EXPECT_EQ(a.bytes(), 5u);
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(b.bytes(), 0u);
  b.append(std::move(a));
  EXPECT_EQ(b.rows().size(), 3u);
  EXPECT_EQ(b.bytes(), 5u);
}

} // namespace
} // namespace shoal::storage
