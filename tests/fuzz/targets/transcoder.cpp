// What apps upload and what calls carry for the conversion between JSON and protobuf: a .proto
// text, a descriptor set, JSON, protobuf. Refused with a sentence, or converted within the bounds;
// what came out is read again, and says the same from then on.
#include "protocol/mgw/transcoder.hpp"

#include <nlohmann/json.hpp>

#include "protocol/mgw/json_text.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

constexpr auto shop = R"(syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/any.proto";
import "google/protobuf/wrappers.proto";
message Order {
  string order_id = 1;
  repeated Item items = 2;
  map<string, int32> stock = 3;
  google.protobuf.Timestamp made_at = 4;
  State state = 5;
  oneof payer { string user = 6; int64 account = 7; }
  bytes raw = 8;
  double rate = 9;
  google.protobuf.Struct more = 10;
  google.protobuf.Any any = 11;
  google.protobuf.UInt64Value maybe = 12;
  Order parent = 13;
  message Item { string name = 1; sint64 cents = 2; repeated fixed32 marks = 3; }
  enum State { NEW = 0; PAID = 1; }
})";

const mgw::message_schema& the_shop() {
  static const auto x = std::get<0>(mgw::message_schema::from_files({{"shop.proto", shop}}));
  return *x;
}

constexpr auto bounds = mgw::transcode_options{4'096, 16'384, 20};

void check(const mgw::transcoded& x) {
  fuzz::require(x.good || !x.problem.empty(), "refused without a reason");
  fuzz::require(!x.good || x.bytes.size() <= bounds.max_out, "larger than the limit");
}

/// What was made once can be made again, and is the same from then on.
void round_trip(const std::string& protobuf, const mgw::transcode_options& how) {
  auto wide = how;
  wide.max_in = wide.max_out = 1u << 20;
  wide.max_depth = 60;
  auto json = the_shop().to_json("shop.Order", protobuf, wide);
  if (!json.good)
    return;
  fuzz::require(mgw::is_json(json.bytes), "what came out is not JSON");
  fuzz::require(nlohmann::json::accept(json.bytes), "JSON for one reader only");
  auto back = the_shop().to_protobuf("shop.Order", json.bytes, wide);
  fuzz::require(back.good, "what came out is not read");
  auto again = the_shop().to_json("shop.Order", back.bytes, wide);
  fuzz::require(again.good && again.bytes == json.bytes, "the second time is another");
}

void read_as_upload(const mgw::message_schema::made& x) {
  if (auto* why = std::get_if<mgw::message_schema::problems>(&x))
    return fuzz::require(!why->empty(), "refused without a reason");
  auto& schema = *std::get<0>(x);
  for (auto& name : schema.messages()) {
    fuzz::require(schema.has(name), "a message that is not there");
    check(schema.to_protobuf(name, "{}", bounds));
    check(schema.to_json(name, "", bounds));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto how = fuzz::take_byte(in);
  auto options = bounds;
  options.ignore_unknown = (how & 4) != 0;
  options.with_defaults = (how & 8) != 0;
  options.original_names = (how & 16) != 0;
  switch (how & 3) {
  case 0: {
    auto x = the_shop().to_protobuf("shop.Order", in, options);
    check(x);
    if (x.good)
      round_trip(x.bytes, options);
    break;
  }
  case 1:
    check(the_shop().to_json("shop.Order", in, options));
    break;
  case 2:
    read_as_upload(mgw::message_schema::from_files({{"a.proto", std::string{in}}}));
    break;
  default:
    read_as_upload(mgw::message_schema::from_descriptors(in));
  }
  return 0;
}
