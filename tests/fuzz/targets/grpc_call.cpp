// What a gRPC backend answers, and the message that a call becomes: one frame, or a reason that can
// stand in a header. Bytes: how, grpc-status, grpc-message, each to a line end, then the body.
#include "actors/gateway/grpc_call.hpp"

#include <algorithm>

#include "protocol/mgw/json_text.hpp"
#include "protocol/utf8.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;
using namespace shoal::gateway;

namespace {

constexpr std::size_t prefix = 5;

const grpc_types& types() {
  static const auto schema = std::get<std::shared_ptr<const mgw::message_schema>>(
      mgw::message_schema::from_files({{"shop.proto",
          "syntax = \"proto3\"; package shop; message Order { int64 id = 1; string name = 2; "
          "repeated Order parts = 3; map<string, bytes> more = 4; }"}}));
  static const auto out = grpc_types{schema.get(), "shop.Order", schema.get(), "shop.Order"};
  return out;
}

std::string_view line(std::string_view& from) {
  auto out = from.substr(0, from.find('\n'));
  from.remove_prefix(std::min(from.size(), out.size() + 1));
  return out;
}

http::reply reply_of(std::string_view in, unsigned how) {
  auto out = http::reply{};
  out.status = (how & 8) != 0 ? 502 : 200;
  auto status = line(in), said = line(in);
  out.body = in;
  out.add("content-type", (how & 16) != 0 ? "text/html" : "application/grpc");
  if ((how & 4) != 0) {
    out.add("grpc-status", status);
    out.add("grpc-message", said);
  } else {
    out.trailers = {{"grpc-status", std::string{status}}, {"grpc-message", std::string{said}}};
  }
  return out;
}

void check_answer(std::string_view in, const call& from, unsigned how) {
  auto x = reply_of(in, how);
  auto body = x.body;
  auto serving = is_serving(x), fault = is_grpc_fault(x);
  fuzz::require(!serving || !fault, "serves, and is at fault");
  auto got = answer_of_grpc(std::move(x), from, types());
  fuzz::require(valid_utf8(got.what.memo), "a reason that is no text");
  fuzz::require(got.status >= 200 && got.status <= 599, "no status");
  if (got.what.code == mgw::result::success) {
    fuzz::require(body.size() >= prefix && body[0] == 0, "success without a message");
    if (from.what.format == mgw::data_format::json)
      fuzz::require(mgw::is_json(got.what.result_data), "a result that is not JSON");
    else
      fuzz::require(got.what.result_data == body.substr(prefix), "another message");
  } else {
    fuzz::require(!got.what.memo.empty(), "refused without a reason");
  }
  for (auto& [name, value] : to_response(std::move(got), mgw::rpc_version::v1).headers)
    fuzz::require(value.find_first_of(std::string_view{"\r\n\0", 3}) == value.npos,
        "a header that holds a line end");
}

void check_message(std::string_view in, call& from) {
  from.what.data = in;
  auto out = std::string{};
  if (auto flaw = write_grpc_message(from, types(), out)) {
    fuzz::require(!flaw->memo.empty() && out.empty(), "refused without a reason");
    return;
  }
  fuzz::require(out.size() >= prefix && out[0] == 0, "no frame");
  auto size = std::size_t{0};
  for (auto i = 1u; i < prefix; ++i)
    size = size << 8 | static_cast<unsigned char>(out[i]);
  fuzz::require(size == out.size() - prefix, "a frame of another length");
  auto back = http::reply{};
  back.status = 200;
  back.body = out;
  back.add("content-type", "application/grpc");
  back.trailers = {{"grpc-status", "0"}};
  auto read = answer_of_grpc(std::move(back), from, types());
  fuzz::require(read.what.code == mgw::result::success, "our own frame cannot be read");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto how = fuzz::take_byte(in);
  auto from = call{};
  from.what.format = (how & 1) != 0 ? mgw::data_format::protobuf : mgw::data_format::json;
  if ((how & 2) != 0)
    from.path = "/orders";
  if ((how & 128) != 0)
    check_message(in, from);
  else
    check_answer(in, from, how);
  return 0;
}
