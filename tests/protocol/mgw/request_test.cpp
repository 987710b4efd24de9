#include <gtest/gtest.h>

#include "protocol/mgw/request.hpp"

namespace shoal::mgw {
namespace {

using headers = std::vector<std::pair<std::string, std::string>>;

http::request posted(headers more = {}, std::string body = "[1]") {
  auto x = http::request{"POST", "/mgw.htm", "", {}, std::move(body), "127.0.0.1:1"};
  x.headers = {{"Operation-Type", "com.example.get"}, {"AppId", "A1"}, {"WorkspaceId", "default"}};
  x.headers.insert(x.headers.end(), more.begin(), more.end());
  return x;
}

http::request form(std::string body, headers more = {}) {
  more.emplace_back("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  return {"POST", "/mgw.htm", "", std::move(more), std::move(body), ""};
}

struct reading {
  call got;
  std::optional<failure> flaw;
};

reading read(http::request x, call_limits limits = {}) {
  auto out = reading{};
  out.flaw = read_call(x, limits, out.got);
  return out;
}

failure flaw_of(http::request x, call_limits limits = {}) {
  return read(std::move(x), limits).flaw.value_or(failure{result::success, "nothing wrong"});
}

failure malformed(std::string memo) { return {result::malformed_request, std::move(memo)}; }

TEST(read_call, reads_headers_and_takes_the_body_as_data) {
  auto request = posted({{"ProductId", "A1_IOS"}, {"ProductVersion", "10.2.3"},
      {"Channel", "store"}, {"ClientOS", "iOS 17.1"}, {"UserId", "u1"}, {"Did", "d1"},
      {"SessionId", "s1"}, {"Uuid", "x-1"}, {"TrackId", "t1"}, {"Ts", "1760000000000"},
      {"Sign", "abc="}, {"Sign-Type", "MD5"}, {"Nonce", "n1"}, {"Crypt", "RSA"},
      {"Content-Type", "application/json"}, {"Cookie", "kept"}});
  auto got = call{};
  EXPECT_EQ(read_call(request, {}, got), std::nullopt);
  EXPECT_EQ(got.operation, "com.example.get");
  EXPECT_EQ(got.app, "A1");
  EXPECT_EQ(got.workspace, "default");
  EXPECT_EQ(got.data, "[1]");
  EXPECT_EQ(got.format, data_format::json);
  EXPECT_EQ(got.version, rpc_version::v2);
  EXPECT_EQ(got.product_id, "A1_IOS");
  EXPECT_EQ(got.product_version, "10.2.3");
  EXPECT_EQ(got.channel, "store");
  EXPECT_EQ(got.client_os, "iOS 17.1");
  EXPECT_EQ(got.user, "u1");
  EXPECT_EQ(got.device, "d1");
  EXPECT_EQ(got.session, "s1");
  EXPECT_EQ(got.uuid, "x-1");
  EXPECT_EQ(got.track, "t1");
  EXPECT_EQ(got.ts, "1760000000000");
  EXPECT_EQ(got.sign, "abc=");
  EXPECT_EQ(got.sign_type, "MD5");
  EXPECT_EQ(got.nonce, "n1");
  EXPECT_EQ(got.encryption, "RSA");
  EXPECT_EQ(request.body, "") << "the data is moved, not copied";
  EXPECT_EQ(request.header("Cookie"), "kept");
}

TEST(read_call, knows_the_datas_format) {
  auto format = [](std::string type) {
    return read(posted({{"Content-Type", std::move(type)}})).got.format;
  };
  EXPECT_EQ(format("application/json;charset=utf-8"), data_format::json);
  EXPECT_EQ(format("Application/JSON ; x"), data_format::json);
  EXPECT_EQ(format("application/protobuf"), data_format::protobuf);
  EXPECT_EQ(format("application/x-protobuf"), data_format::protobuf);
  EXPECT_EQ(format("image/png"), data_format::other);
  EXPECT_EQ(read(posted()).got.format, data_format::json);
}

TEST(read_call, reads_a_form) {
  auto x = read(form("operationType=com.example.get&appId=A1&workspaceId=default&requestData="
                     "%5B%22a+b%26c%22%5D&ts=17&sign=s%3D&signType=MD5&mine=1"));
  EXPECT_EQ(x.flaw, std::nullopt);
  EXPECT_EQ(x.got.operation, "com.example.get");
  EXPECT_EQ(x.got.data, "[\"a b&c\"]");
  EXPECT_EQ(x.got.ts, "17");
  EXPECT_EQ(x.got.sign, "s=");
  EXPECT_EQ(x.got.sign_type, "MD5");
  EXPECT_EQ(x.got.version, rpc_version::v1);
  EXPECT_EQ(x.got.format, data_format::json);
}

TEST(read_call, reads_a_query_with_a_callback) {
  auto request = http::request{"GET", "/mgw.htm",
      "operationType=a.b&appId=A&workspaceId=w&requestData=%5B%5D&callback=app.on_1", {}, "", ""};
  auto x = read(request);
  EXPECT_EQ(x.flaw, std::nullopt);
  EXPECT_EQ(x.got.callback, "app.on_1");
  EXPECT_EQ(x.got.data, "[]");
  EXPECT_EQ(x.got.version, rpc_version::v1);
}

TEST(read_call, lets_no_script_through_as_a_callback) {
  for (auto bad : {"alert(1)", "1a", "a%3Cb", "a%20b", "a-b"})
    EXPECT_EQ(flaw_of({"GET", "/mgw.htm", std::string{"callback="} + bad, {}, "", ""}),
        malformed("callback"))
        << bad;
}

TEST(read_call, lets_the_version_be_chosen) {
  EXPECT_EQ(read(posted({{"Version", "1.0"}})).got.version, rpc_version::v1);
  EXPECT_EQ(read(posted({{"Version", "2.0"}})).got.version, rpc_version::v2);
  EXPECT_EQ(read(form("version=2.0")).got.version, rpc_version::v2);
  EXPECT_EQ(flaw_of(posted({{"Version", "3"}})), malformed("version"));
  EXPECT_EQ(flaw_of(form("version=2.0", {{"Version", "1.0"}})), malformed("version"));
}

TEST(read_call, knows_the_version_also_of_what_it_refuses) {
  EXPECT_EQ(read(form("version=2.0&appId=%zz")).got.version, rpc_version::v2);
  EXPECT_EQ(read(form("appId=%zz", {{"Version", "2.0"}})).got.version, rpc_version::v2);
}

TEST(read_call, wants_operation_app_workspace_and_data) {
  EXPECT_EQ(flaw_of(form("appId=A&workspaceId=w&requestData=1")),
      (failure{result::operation_missing, "operationType is missing"}));
  EXPECT_EQ(
      flaw_of(form("operationType=a&workspaceId=w&requestData=1")), malformed("appId is missing"));
  EXPECT_EQ(
      flaw_of(form("operationType=a&appId=A&requestData=1")), malformed("workspaceId is missing"));
  EXPECT_EQ(flaw_of(form("operationType=a&appId=A&workspaceId=w&requestData=")),
      (failure{result::request_data_empty, ""}));
  EXPECT_EQ(flaw_of(posted({}, "")), (failure{result::request_data_empty, ""}));
}

TEST(read_call, refuses_a_field_that_says_two_things) {
  EXPECT_EQ(flaw_of(posted({{"appid", "A2"}})), malformed("appId is given twice"));
  EXPECT_EQ(read(posted({{"appid", "A1"}})).flaw, std::nullopt);
  EXPECT_EQ(flaw_of(form("appId=A1", {{"AppId", "A2"}})), malformed("appId is given twice"));
  EXPECT_EQ(flaw_of(form("requestData=1&requestData=1")), malformed("requestData is given twice"));
}

TEST(read_call, names_the_field_that_is_out_of_bounds_and_not_its_value) {
  auto limits = call_limits{8, 16, 4, 6};
  auto with = [&](const std::string& name, const std::string& value) {
    return flaw_of(form(name + "=" + value), limits);
  };
  EXPECT_EQ(with("operationType", std::string(17, 'a')), malformed("operationType"));
  EXPECT_EQ(with("operationType", "a%20b"), malformed("operationType"));
  EXPECT_EQ(with("userId", "12345"), malformed("userId"));
  EXPECT_EQ(with("userId", "a%0Ab"), malformed("userId"));
  EXPECT_EQ(with("userId", "a%C3%A9"), malformed("userId"));
  EXPECT_EQ(with("clientOS", "a%0A"), malformed("clientOS"));
  EXPECT_EQ(with("sign", "1234567"), malformed("sign"));
  EXPECT_EQ(with("ts", "-1"), malformed("ts"));
  EXPECT_EQ(with("ts", "1234567890123456"), malformed("ts"));
  EXPECT_EQ(with("did", "%4"), malformed("did"));
  EXPECT_EQ(with("requestData", "123456789"), malformed("requestData is too large"));
  EXPECT_EQ(flaw_of(posted({}, "123456789"), call_limits{.data = 8}),
      malformed("requestData is too large"));
}

TEST(read_call, knows_two_methods) {
  auto x = posted();
  x.method = "PUT";
  EXPECT_EQ(flaw_of(x), malformed("method"));
}

TEST(request_body, is_what_a_body_api_gets) {
  EXPECT_EQ(request_body(R"( [ {"_requestBody" : {"a":[1]} } ] )"), R"({"a":[1]})");
  EXPECT_EQ(request_body(R"([{"b":2,"_requestBody":{"c":3}}])"), R"({"c":3})")
      << "beside parameters";
  EXPECT_EQ(request_body(R"([{"b":2}])"), R"([{"b":2}])");
  EXPECT_EQ(request_body(R"([{"_requestBody":1},2])"), R"([{"_requestBody":1},2])");
  EXPECT_EQ(request_body("[1,2]"), "[1,2]");
  EXPECT_EQ(request_body("[]"), "[]");
  EXPECT_EQ(request_body("{}"), std::nullopt);
  EXPECT_EQ(request_body("[1"), std::nullopt);
}

} // namespace
} // namespace shoal::mgw
