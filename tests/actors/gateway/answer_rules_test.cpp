// What becomes of a backend's answer: codes, texts, headers, CORS, JSONP, gzip.
#include <gmock/gmock.h>
#include <zlib.h>

#include "actors/gateway/authorizer.hpp"
#include "actors/gateway/backend_answer.hpp"
#include "actors/gateway/compression.hpp"
#include "actors/gateway/cors.hpp"
#include "actors/gateway/digest.hpp"
#include "actors/gateway/http_entrance.hpp"
#include "actors/gateway/local_backend.hpp"

namespace shoal::gateway {
namespace {

using mgw::result;

http::reply reply_of(std::string_view bytes) {
  auto reader = http::response_reader{};
  reader.begin(false);
  auto used = std::size_t{0};
  EXPECT_EQ(reader.feed(bytes, used), http::response_reader::outcome::done);
  return reader.take();
}

http::reply reply_of(int status, std::string_view fields, std::string_view body) {
  return reply_of("HTTP/1.1 " + std::to_string(status) + " x\r\n" + std::string{fields} +
                  "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                  std::string{body});
}

TEST(BackendAnswer, ASuccessIsPassedWithItsHeadersButThoseOfTheConnection) {
  auto x = answer_of_reply(
      reply_of(
          201, "Content-Type: application/json\r\nX-A: 1\r\nKeep-Alive: 5\r\nDate: x\r\n", "{}"),
      call{});
  EXPECT_EQ(x.what.code, result::success);
  EXPECT_EQ(x.what.result_data, "{}");
  EXPECT_EQ(x.status, 200);
  EXPECT_EQ(x.headers, (header_list{{"X-A", "1"}}));
}

TEST(BackendAnswer, AnErrorIs4002WithItsReason) {
  auto x = answer_of_reply(reply_of(503, "Content-Type: text/plain\r\n", "overloaded"), call{});
  EXPECT_EQ(x.what.code, result::backend_failed);
  EXPECT_EQ(x.what.memo, "the backend answered 503");
  EXPECT_EQ(x.what.form, mgw::result_form::text);
  EXPECT_EQ(x.what.result_data, "overloaded");
}

TEST(BackendAnswer, ABackendHasCodesOfItsOwnAndCannotUseOurs) {
  auto own =
      answer_of_reply(reply_of(400, "Result-Status: 6123\r\nTips: sold%20out\r\n", ""), call{});
  EXPECT_EQ(static_cast<int>(own.what.code), 6123);
  EXPECT_EQ(own.what.tips, "sold out");
  auto ours = answer_of_reply(reply_of(200, "Result-Status: 7002\r\n", ""), call{});
  EXPECT_EQ(ours.what.code, result::success);
}

TEST(BackendAnswer, ARestCallKeepsStatusAndBody) {
  auto from = call{};
  from.path = "/x";
  auto x = answer_of_reply(reply_of(404, "Content-Type: text/plain\r\n", "no such thing"), from);
  EXPECT_EQ(x.what.code, result::success);
  auto out = to_response(std::move(x), mgw::rpc_version::v2);
  EXPECT_EQ(out.status, 404);
  EXPECT_EQ(out.body, "no such thing");
  EXPECT_EQ(out.content_type, "text/plain");
}

TEST(BackendAnswer, InAnEnvelopeABrokenBodyBecomesText) {
  auto from = call{};
  from.what.version = mgw::rpc_version::v1;
  auto x = answer_of_reply(reply_of(200, "Content-Type: application/json\r\n", "{broken"), from);
  EXPECT_EQ(to_response(std::move(x), from.what.version).body,
      R"({"resultStatus":1000,"result":"{broken"})");
}

TEST(BackendAnswer, TheContentTypeSaysWhatABodyIsAndNotItsBytes) {
  auto form = [](const std::string& type, std::string_view body) {
    auto field = type.empty() ? "" : "Content-Type: " + type + "\r\n";
    return answer_of_reply(reply_of(200, field, body), call{}).what.form;
  };
  using mgw::result_form;
  for (auto type :
      {"application/protobuf", "application/x-protobuf", "application/octet-stream", "image/png"})
    EXPECT_EQ(form(type, "\n\3abc"), result_form::bytes) << type << ": good UTF-8, by chance";
  for (auto type : {"text/plain", "text/html; charset=utf-8", "application/xml",
           "application/problem+json", "image/svg+xml", "application/x-www-form-urlencoded", ""})
    EXPECT_EQ(form(type, "abc"), result_form::text) << type;
  EXPECT_EQ(form("text/plain", "\xff\xfe"), result_form::bytes) << "it cannot be";
  EXPECT_EQ(form("", "\xff\xfe"), result_form::bytes);
  EXPECT_EQ(form("Application/JSON;charset=utf-8", "{}"), result_form::json);
  EXPECT_EQ(form("application/jsonx", "{}"), result_form::bytes) << "another type";
}

TEST(BackendAnswer, ProtobufThatLooksLikeTextIsBase64InAnEnvelope) {
  auto from = call{};
  from.what.version = mgw::rpc_version::v1;
  auto x = answer_of_reply(reply_of(200, "Content-Type: application/protobuf\r\n", "abc"), from);
  EXPECT_EQ(to_response(std::move(x), from.what.version).body,
      R"({"resultStatus":1000,"result":"YWJj"})");
}

TEST(BackendAnswer, OfALocalActorIsBoundedAsThatOfAServer) {
  auto memo = [](local_answer x) {
    auto out = answer_of_local(std::move(x), call{});
    EXPECT_EQ(out.what.code == result::success, out.what.memo.empty());
    return out.what.memo;
  };
  auto with = [](auto change) {
    auto x = local_answer{};
    x.body = "{}";
    change(x);
    return x;
  };
  constexpr auto most = http::response_limits{};
  EXPECT_EQ(memo(with([&](auto& x) { x.body.assign(most.body, '1'); })), "");
  constexpr auto too_large = "the backend's answer is too large";
  EXPECT_EQ(memo(with([&](auto& x) { x.body.assign(most.body + 1, '1'); })), too_large);
  EXPECT_EQ(memo(with([&](auto& x) {
    for (auto i = std::size_t{0}; i < most.fields; ++i)
      x.headers.emplace_back("X-" + std::to_string(i), "");
  })),
      "");
  EXPECT_EQ(memo(with([&](auto& x) { x.headers.assign(most.fields + 1, {"X", ""}); })), too_large);
  EXPECT_EQ(memo(with([&](auto& x) {
    x.headers = {{"X", std::string(most.header, 'x')}};
  })),
      too_large);
  EXPECT_EQ(memo(with([&](auto& x) { x.tips.assign(most.header + 1, 'x'); })), too_large);
}

TEST(Template, HasCodeTipsAndAResultOnlyWithSuccess) {
  auto x = answer_of_template(
      R"({"resultStatus":1000,"tips":"a","result":{"b":1}})", result::access_denied);
  EXPECT_EQ(x.what.code, result::success);
  EXPECT_EQ(x.what.result_data, R"({"b":1})");
  x = answer_of_template(
      R"({"resultStatus":"1002","tips":"busy","result":{"b":1}})", result::access_denied);
  EXPECT_EQ(x.what.code, result::limit_exceeded);
  EXPECT_EQ(x.what.tips, "busy");
  EXPECT_EQ(x.what.result_data, "");
  EXPECT_EQ(answer_of_template(R"({"tips":"a"})", result::access_denied).what.code,
      result::access_denied);
  EXPECT_EQ(answer_of_template("broken", result::access_denied).what.code, result::access_denied);
}

TEST(Tips, AreInTheCallersLanguage) {
  auto settings = app_settings{};
  settings.tips["4001"] = {{"en", "late"}, {"zh-CN", "chi"}};
  auto tips = [&](std::string_view accepted) {
    auto x = answer{};
    x.what.code = result::backend_timeout;
    put_tips(x, settings, accepted);
    return x.what.tips;
  };
  EXPECT_EQ(tips("zh-CN,en;q=0.5"), "chi");
  EXPECT_EQ(tips("zh-TW, en"), "late") << "the whole tag first";
  EXPECT_EQ(tips("fr, zh"), "chi");
  EXPECT_EQ(tips("zh;q=0.5, en"), "late") << "the dearer one";
  EXPECT_EQ(tips("en;q=0, zh;q=0.1"), "chi") << "one is refused";
  EXPECT_EQ(tips("fr"), "late");
  EXPECT_EQ(tips(""), "late");
}

TEST(Busy, TheAnswerIsTheRulesOwnIfItHasOne) {
  auto rule = limit_rule{};
  EXPECT_EQ(busy_answer(rule, "en").what.code, result::limit_exceeded);
  rule.default_response.text = R"({"resultStatus":1002,"tips":"wait"})";
  rule.i18n_responses["de"].text = R"({"resultStatus":1002,"tips":"warten"})";
  EXPECT_EQ(busy_answer(rule, "en").what.tips, "wait");
  EXPECT_EQ(busy_answer(rule, "de-AT").what.tips, "warten");
}

TEST(Jsonp, WrapsTheEnvelope) {
  auto x = answer{};
  x.what.result_data = "1";
  x.callback = "app.cb";
  auto out = to_response(std::move(x), mgw::rpc_version::v2);
  EXPECT_EQ(out.body, R"(/**/app.cb({"resultStatus":1000,"result":1});)");
  EXPECT_EQ(out.content_type, "application/javascript");
}

TEST(Cors, OnlyListedOriginsMayCall) {
  auto rule = cors_rule{};
  EXPECT_TRUE(may_call(rule, "https://any")) << "no rule";
  rule.origins = {"https://a"};
  EXPECT_TRUE(may_call(rule, "https://a"));
  EXPECT_FALSE(may_call(rule, "https://b"));
  EXPECT_EQ(preflight_answer(rule, "https://a").status, 204);
  auto refused = preflight_answer(rule, "https://b");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.headers, testing::Contains(testing::Pair("Result-Status", "8002")));
  EXPECT_THAT(refused.headers,
      testing::Not(testing::Contains(testing::Pair("Access-Control-Allow-Origin", testing::_))));
}

TEST(Cors, AStarIsNeverSaidWithCredentials) {
  auto rule = cors_rule{};
  rule.origins = {"*"};
  auto fields = header_list{};
  add_cors_headers(rule, "https://a", fields);
  EXPECT_EQ(header_of(fields, "Access-Control-Allow-Origin"), "*");
  rule.credentials = true;
  fields.clear();
  add_cors_headers(rule, "https://a", fields);
  EXPECT_EQ(header_of(fields, "Access-Control-Allow-Origin"), "https://a");
  EXPECT_EQ(header_of(fields, "Vary"), "Origin");
}

std::string unzipped(const std::string& bytes) {
  auto z = z_stream{};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
  auto out = std::string(1 << 20, '\0');
  auto in = bytes;
  z.next_in = reinterpret_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

TEST(Gzip, CompressesTextThatIsWorthIt) {
  auto body = std::string{};
  for (auto i = 0; i < 200; ++i)
    body += "{\"n\":" + std::to_string(i) + "},";
  for (auto round = 0; round < 2; ++round) {
    auto x = http::response{200, "application/json", {}, body};
    compress(x);
    EXPECT_LT(x.body.size(), body.size() / 2);
    EXPECT_EQ(unzipped(x.body), body);
    EXPECT_THAT(x.headers, testing::Contains(testing::Pair("Content-Encoding", "gzip")));
  }
  auto small = http::response{200, "application/json", {}, "{}"};
  compress(small);
  EXPECT_EQ(small.body, "{}");
  auto image = http::response{200, "image/png", {}, body};
  compress(image);
  EXPECT_EQ(image.body, body);
}

TEST(Authorizer, TheCallersIdentityIsWhatTheRuleNamesAndAllOfIt) {
  auto rule = authorizer_rule{};
  rule.sources = {{param_place::header, "Token"}, {param_place::cookie, "sid"}};
  auto headers = header_list{{"token", "t"}, {"Cookie", "a=1; sid=s2"}};
  auto who = identity_of(rule, headers);
  ASSERT_TRUE(who);
  EXPECT_EQ(*who, (identity{{"Token", "t"}, {"sid", "s2"}}));
  headers[1].second = "a=1; xsid=s2";
  EXPECT_FALSE(identity_of(rule, headers));
}

TEST(Authorizer, OnlyAClearYesIsOne) {
  auto said = [](std::string text) {
    auto x = mgw::answer{};
    x.result_data = std::move(text);
    return verdict_of(x);
  };
  EXPECT_EQ(said(R"({"authorized":true})").code, result::success);
  EXPECT_EQ(said(R"({"authorized":"true"})").code, result::unauthorized);
  EXPECT_EQ(said(R"({"authorized":false})").code, result::unauthorized);
  EXPECT_EQ(said(R"({"authorized":false,"resultStatus":2000})").code, result::not_logged_in);
  EXPECT_EQ(said("").code, result::unauthorized);
  EXPECT_EQ(said("[true]").code, result::unauthorized);
  auto failed = mgw::answer{};
  failed.code = result::backend_timeout;
  failed.result_data = R"({"authorized":true})";
  EXPECT_EQ(verdict_of(failed).code, result::unauthorized);
}

TEST(Authorizer, ThePrincipalBecomesHeadersButNoneThatFrameTheRequest) {
  auto x = mgw::answer{};
  x.result_data = R"({"authorized":true,"principal":{"X-Id":"7","level":3,"Host":"evil",
      "bad name":"x","X-Line":"a\r\nb"}})";
  EXPECT_THAT(verdict_of(x).principal,
      testing::UnorderedElementsAre(testing::Pair("X-Id", "7"), testing::Pair("level", "3")));
}

TEST(PrincipalCache, KeepsForItsTimeAndIsBounded) {
  auto cache = principal_cache{10};
  auto rule = authorizer_rule{};
  cache.keep("a", rule, {{"n", "1"}}, 0);
  EXPECT_FALSE(cache.find("a", 0)) << "the rule keeps nothing";
  rule.cache = true;
  rule.cache_ttl_s = 2;
  cache.keep("a", rule, {{"n", "1"}}, 0);
  EXPECT_TRUE(cache.find("a", 1999));
  EXPECT_FALSE(cache.find("a", 2000));
  for (auto i = 0; i < 100; ++i)
    cache.keep(std::to_string(i), rule, {}, 5000);
  EXPECT_LE(cache.size(), 10u);
}

TEST(Digest, ALineHasAllFieldsAndNobodyCanForgeAnother) {
  auto x = call{};
  x.what.operation = "com.shop.get";
  x.what.app = "shop";
  x.what.workspace = "test";
  x.what.user = "a,b\n2026";
  x.ip = "10.0.0.1";
  auto facts = digest_facts{};
  facts.at_ms = 1'760'000'000'123;
  facts.cost_us = 12'345;
  facts.backend_us = 11'000;
  facts.system = "orders";
  facts.trace_id = "t1";
  facts.request_bytes = 10;
  facts.response_bytes = 20;
  auto out = std::string{};
  append_digest(out, x, facts);
  EXPECT_EQ(out,
      "2025-10-09 08:53:20,123 - (/mgw.htm,response,Y,12,com.shop.get,orders,shop,test,1000,,,,a_b_"
      "2026,,,,10.0.0.1,HTTP,JSON,10,20,F,t1,F,,11,4,2.0)\n");
}

TEST(Entrance, ReadsPeersAndTraces) {
  EXPECT_EQ(without_port("127.0.0.1:80"), "127.0.0.1");
  EXPECT_EQ(without_port("[::1]:80"), "::1");
  auto good = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
  EXPECT_EQ(read_traceparent(good).first, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(read_traceparent(good).second, "0123456789abcdef");
  for (auto bad : {"", "00-xyz", "00-00000000000000000000000000000000-0123456789abcdef-01",
           "00-0123456789ABCDEF0123456789abcdef-0123456789abcdef-01",
           "00-0123456789abcdef0123456789abcdef-0000000000000000-01",
           "ff-0123456789abcdef0123456789abcdef-0123456789abcdef-01"})
    EXPECT_EQ(read_traceparent(bad).first, "") << bad;
}

} // namespace
} // namespace shoal::gateway
