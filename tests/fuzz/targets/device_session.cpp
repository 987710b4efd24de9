// A device that says whatever it likes to a whole node on the deterministic scheduler, before or
// after a good hello: the node lives on and serves the next device.
#include "actors/log.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/sync_test.hpp"

using namespace shoal;

namespace {

constexpr auto inputs_per_node = 500;

class world : public testing_support::sync_test {
public:
  world() {
    log::setup("off", "kv");
    SetUp();
    add_biz("EACH", [](biz_config& x) { x.multi_device = true; });
    add_biz("ONE", [](biz_config& x) { x.multi_device = false; });
    add_biz("OWN", [](biz_config& x) { x.target = biz_target::device; });
    add_biz("ALL", [](biz_config& x) {
      x.scope = biz_scope::global;
      x.target = biz_target::device;
    });
    for (auto biz : {"EACH", "ONE"})
      append(principal::user("u1"), biz, "for the user");
    append(principal::device("d1"), "OWN", "for the device");
    append(principal::global(), "ALL", "for all");
  }
  ~world() override { TearDown(); }

  void TestBody() override {}

  void hear(std::string_view bytes, bool greeted) {
    auto& x = greeted ? connect("d1") : connect("d1", [](wire::Hello& m) { m.set_signature("?"); });
    auto reader = frame_reader{};
    reader.append(bytes);
    auto got = frame{};
    while (reader.next(got) == frame_reader::outcome::have_frame)
      tell(x.hdl, atom::frame::value, device_frame{got.type, got.body});
    fuzz::require(greeted || x.closed, "a bad hello was accepted");
    fuzz::require(!x.gap, "the node left a gap");
    lose(x);
    check_next();
    devices.clear();
  }

private:
  void check_next() {
    auto& x = online("d2", "", "ALL", position{7, 0});
    fuzz::require(x.payloads("ALL").size() == 1, "the next device is not served");
    lose(x);
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The last one is left alone: at exit CAF's own statics are gone before ours.
  static world* node = nullptr;
  static auto inputs = 0;
  if (inputs++ % inputs_per_node == 0) {
    delete node;
    node = new world;
  }
  auto in = fuzz::text_of(data, size);
  auto greeted = fuzz::take_byte(in) % 8 != 0;
  node->hear(in, greeted);
  return 0;
}
