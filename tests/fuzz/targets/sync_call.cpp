// The JSON of a sync call: read, or refused with a sentence; never more than its biz allows.
#include <nlohmann/json.hpp>

#include "actors/api/json_reader.hpp"
#include "actors/api/sync_codec.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

catalog make_catalog() {
  auto app = std::make_shared<app_config>();
  app->no = app_no{1};
  app->id = "demo";
  auto known = catalog{}.with(app_ptr{app});
  auto number = 0u;
  for (auto name : {"USERS", "DEVICES", "ALL"}) {
    auto biz = std::make_shared<biz_config>();
    biz->app = app->no;
    biz->no = biz_no{++number};
    biz->name = name;
    biz->online = true;
    biz->target = number == 2 ? biz_target::device : biz_target::user;
    biz->scope = number == 3 ? biz_scope::global : biz_scope::targeted;
    known = known.with(biz_ptr{biz});
  }
  return known;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto known = make_catalog();
  try {
    auto body = api::parse_body(fuzz::text_of(data, size));
    auto item = api::read_item(body, {known, app_no{1}, 1'760'000'000'000});
    fuzz::require(
        item.op.payload.size() <= item.biz->payload_max, "a payload is larger than its biz allows");
    fuzz::require(!api::to_json(item.op).dump().empty(), "an accepted op cannot be shown");
  } catch (const api::refusal& x) {
    fuzz::require(x.code != ec::none, "a refusal without a reason");
  }
  return 0;
}
