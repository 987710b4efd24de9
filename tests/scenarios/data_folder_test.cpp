// The data folder: taken by another process, or full.
#include <filesystem>
#include <fstream>

#include <sys/mount.h>
#include <unistd.h>

#include "tests/scenarios/real_node.hpp"
#include "tools/bench/names.hpp"

namespace shoal::faults {
namespace {

class data_folder : public real_node {};

TEST_F(data_folder, a_second_process_is_refused_with_a_sentence) {
  auto log = folder.path().string() + "/second.log";
  auto second = bench::child{
      {find_shoald(), "--data-dir", node.data_dir(), "--port", "0", "--admin-port", "0"}, log};
  ASSERT_TRUE(wait_until(20'000, [&] { return !second.running(); })) << "it runs";
  auto in = std::ifstream{log};
  auto said = std::string{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_EQ(said.find("ready "), std::string::npos) << said;
  EXPECT_NE(said.find("another process"), std::string::npos) << said;
}

/// A file system of 512 MB, gone with the object.
class small_disk {
public:
  explicit small_disk(std::string where) : where_{std::move(where)} {
    std::filesystem::create_directories(where_);
    mounted_ = ::mount("tmpfs", where_.c_str(), "tmpfs", 0, "size=512m") == 0;
  }
  ~small_disk() {
    if (mounted_)
      ::umount2(where_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  explicit operator bool() const { return mounted_; }

  /// Leaves `spare` bytes.
  void fill(std::uintmax_t spare) {
    auto free = std::filesystem::space(where_).available;
    auto out = std::ofstream{ballast(), std::ios::binary};
    auto block = std::string(1 << 16, 'b');
    for (auto i = free / block.size(); i > spare / block.size(); --i)
      out << block;
  }
  void relieve() { std::filesystem::remove(ballast()); }

private:
  std::string ballast() const { return where_ + "/ballast"; }

  std::string where_;
  bool mounted_ = false;
};

class full_disk : public testing::Test {
protected:
  static std::uint64_t id_of(const test::http_answer& x) {
    return nlohmann::json::parse(x.body)["id"].get<std::uint64_t>();
  }
};

TEST_F(full_disk, refuses_writes_reads_on_and_recovers_without_a_gap) {
  auto folder = test::temp_dir{};
  auto disk = small_disk{folder.path().string() + "/data"};
  if (!disk)
    GTEST_SKIP() << "only root may mount a small file system";
  auto node = server{find_shoald(), folder.path().string()};
  node.start();
  auto app = create_app(node, "full");
  auto api = api_caller{node.port(), app.admin};
  api.must("PUT", app.path("/biz/ALL"), R"({"scope":"global","target":"device","online":true})");
  auto payload = std::string(4000, 'x');
  auto next = std::uint64_t{1};
  auto send = [&] {
    auto key = bench::numbered("k", next);
    return api.call("POST", app.path("/sync"),
        R"({"biz":"ALL","payload":")" + payload + R"(","key":")" + key + R"("})");
  };
  for (; next <= 20; ++next)
    ASSERT_EQ(id_of(send()), next);
  disk.fill(1 << 20);
  auto refused = test::http_answer{};
  for (auto tries = 0; tries < 5000 && refused.status != 507; ++tries) {
    refused = send();
    if (refused.status == 200)
      ASSERT_EQ(id_of(refused), next++);
    else
      ASSERT_EQ(refused.status, 507) << refused.body;
  }
  ASSERT_EQ(refused.status, 507) << "the disk never got full";
  EXPECT_NE(refused.body.find("storage_full"), std::string::npos) << refused.body;
  auto page =
      nlohmann::json::parse(api.must("GET", app.path("/streams/global/ALL/ops"), "", "limit=20"));
  EXPECT_EQ(page["ops"].size(), 20u) << "reads go on";
  EXPECT_EQ(node.admin("/healthz").status, 200);
  disk.relieve();
  ASSERT_TRUE(wait_until(30'000, [&] { return send().status == 200; })) << "it does not recover";
  auto repeated = send();
  EXPECT_EQ(id_of(repeated), next) << "the id after the last one that was acknowledged";
  node.kill();
  node.start();
  auto after = api_caller{node.port(), app.admin};
  auto last = nlohmann::json::parse(after.must(
      "GET", app.path("/streams/global/ALL/ops"), "", "after=" + std::to_string(next - 1)));
  ASSERT_EQ(last["ops"].size(), 1u);
  EXPECT_EQ(last["ops"][0]["id"], next);
  node.stop();
}

} // namespace
} // namespace shoal::faults
