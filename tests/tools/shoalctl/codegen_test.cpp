#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"
#include "tools/shoalctl/codegen/generators.hpp"

namespace shoal::codegen {
namespace {

std::string read(const std::filesystem::path& file) {
  auto in = std::ifstream{file, std::ios::binary};
  EXPECT_TRUE(in) << file;
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string golden(const std::string& name) {
  return read(std::filesystem::path{SHOAL_GOLDEN_FILES} / name);
}

definitions shop() { return read_definitions(golden("shop.json")); }

std::string problem(const std::string& text) {
  try {
    read_definitions(text);
    return "none";
  } catch (const bad_definitions& x) {
    return x.why;
  }
}

std::string problem_of_fields(const std::string& fields) {
  return problem(R"({"name":"Shop","apis":[{"operationType":"a.b"}],"models":{)"
                 R"("Item":{"fields":{}},"Order":{"fields":{)" +
                 fields + "}}}}");
}

std::string problem_of_api(const std::string& api) {
  return problem(R"({"name":"Shop","apis":[)" + api + "]}");
}

TEST(codegen, writes_these_files) {
  EXPECT_EQ(typescript(shop()), golden("shop.ts"));
  EXPECT_EQ(kotlin(shop()), golden("Shop.kt"));
  EXPECT_EQ(swift(shop()), golden("Shop.swift"));
  EXPECT_EQ(openapi(shop()), golden("shop.openapi.json"));
}

struct program_result {
  int status = -1;
  std::string said;
};

program_result run(const std::string& command) {
  auto out = program_result{};
  auto* pipe = ::popen((command + " 2>&1").c_str(), "r");
  auto text = std::string(8192, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), pipe));
  out.said = text;
  out.status = ::pclose(pipe);
  return out;
}

TEST(codegen, writes_typescript_that_is_strict_and_does_what_it_says) {
  if (run("command -v tsc").status != 0)
    GTEST_SKIP() << "tsc is not installed (tools/dev setup)";
  auto dir = test::temp_dir{};
  auto folder = std::string{dir.path()};
  std::ofstream{folder + "/shop.ts"} << typescript(shop());
  auto compiled = run("tsc --strict --noImplicitReturns --noUnusedLocals --target es2020 --module "
                      "commonjs --outDir " +
                      folder + " " + folder + "/shop.ts");
  ASSERT_EQ(compiled.status, 0) << compiled.said;
  std::ofstream{folder + "/use.js"} << R"(
    const { ShopClient, MgwError } = require("./shop.js");
    const said = [];
    const answers = [{ resultStatus: 1000, result: { id: "o1" } }, { resultStatus: 1000 },
      { resultStatus: 1002, tips: "busy" }];
    const client = new ShopClient({
      send: async (operation, data) => { said.push(operation + data); return answers.shift(); } });
    (async () => {
      said.push((await client.orderCreate({ id: "o1" })).id);
      said.push(await client.orderGet("o2", 3));
      try { await client.cartClear(); } catch (e) {
        said.push(e instanceof MgwError, e.resultStatus, e.tips); }
      console.log(JSON.stringify(said));
    })();
  )";
  auto used = run("node " + folder + "/use.js");
  EXPECT_EQ(used.said,
      R"(["com.shop.order.create[{\"_requestBody\":{\"id\":\"o1\"}}]","o1",)"
      R"("com.shop.order.get[{\"id\":\"o2\",\"in\":3}]",null,"com.shop.cart.clear[{}]",true,1002,"busy"])"
      "\n");
}

TEST(codegen, writes_typescript_whose_batches_have_the_types_of_their_calls) {
  if (run("command -v tsc").status != 0)
    GTEST_SKIP() << "tsc is not installed (tools/dev setup)";
  auto dir = test::temp_dir{};
  auto folder = std::string{dir.path()};
  std::ofstream{folder + "/shop.ts"} << typescript(shop());
  std::ofstream{folder + "/use.ts"} << R"(
    import { ShopClient, ShopApi, Order } from "./shop";
    declare const console: { log(text: string): void };
    const said: unknown[] = [];
    const answers = [{ resultStatus: 1000, result: { id: "o1" } }, { resultStatus: 1002, tips: "busy" }];
    const send = async (operation: string, data: string) => {
      said.push(operation + data);
      return answers[0]!;
    };
    async function use(order: Order): Promise<void> {
      const calls = [ShopApi.orderCreate(order), ShopApi.orderGet("o2", 3), ShopApi.cartClear()] as const;
      const [made, got, cleared] = await new ShopClient({ send, sendBatch: async (calls) => {
        said.push(calls.map((x) => x.operationType + x.requestData));
        return answers;
      } }).batch(calls);
      if (made.status === "fulfilled") {
        const id: string = made.value.id;
        // @ts-expect-error an Order is no number
        const wrong: number = made.value;
        said.push(id, wrong === undefined);
      }
      // @ts-expect-error there may be no order
      if (got.status === "fulfilled") said.push(got.value.id);
      if (got.status === "rejected") said.push(got.reason.resultStatus, got.reason.tips);
      if (cleared.status === "rejected") said.push(cleared.reason.tips);
      const many = await new ShopClient({ send }).batch(["a", "b"].map((x) => ShopApi.orderGet(x, 1)));
      const all: (Order | null)[] = many.flatMap((x) => (x.status === "fulfilled" ? [x.value] : []));
      said.push(all.length);
      console.log(JSON.stringify(said));
    }
    void use({ id: "o1" } as Order);
  )";
  auto compiled = run("tsc --strict --target es2020 --module commonjs --outDir " + folder + " " +
                      folder + "/use.ts");
  ASSERT_EQ(compiled.status, 0) << compiled.said;
  EXPECT_EQ(run("node " + folder + "/use.js").said,
      R"([["com.shop.order.create[{\"_requestBody\":{\"id\":\"o1\"}}]",)"
      R"("com.shop.order.get[{\"id\":\"o2\",\"in\":3}]","com.shop.cart.clear[{}]"],)"
      R"("o1",false,1002,"busy","no answer",)"
      R"("com.shop.order.get[{\"id\":\"a\",\"in\":1}]","com.shop.order.get[{\"id\":\"b\",\"in\":1}]",2])"
      "\n");
}

TEST(codegen, names_functions_by_the_last_two_words) {
  auto x = read_definitions(
      R"({"name":"Shop","apis":[{"operationType":"com.shop.Order-item/add"},{"operationType":"get"}]})");
  EXPECT_EQ(x.apis[0].function, "itemAdd");
  EXPECT_EQ(x.apis[1].function, "get");
}

TEST(codegen, tells_what_is_wrong_with_a_document) {
  EXPECT_EQ(problem("{"), "this is not JSON");
  EXPECT_EQ(problem("[]"), "definitions: must be an object");
  EXPECT_EQ(
      problem(R"({"name":"shop","apis":[]})"), "name: must be a word with a capital, such as Shop");
  EXPECT_EQ(problem(R"({"name":"Shop"})"), "apis: must be a list of at least one API");
  EXPECT_EQ(problem(R"({"name":"Shop","apis":[],"x":1})"), "definitions: unknown member x");
}

TEST(codegen, tells_what_is_wrong_with_a_model) {
  EXPECT_EQ(problem_of_fields(R"("a":"Nobody")"), "models.Order.a: unknown type Nobody");
  EXPECT_EQ(problem_of_fields(R"("a":"string[")"), "models.Order.a: unknown type string[");
  EXPECT_EQ(problem_of_fields(R"("a":"string??")"), "models.Order.a: unknown type string?");
  EXPECT_EQ(problem_of_fields(R"("a":1)"), "models.Order.a: must be an object");
  EXPECT_EQ(problem_of_fields(R"("a":"Item?")"), "none");
  for (auto bad : {"a-b", "1a", "", "self", "mgwX", "component1", "a b", "\\\"", "\u00e9"})
    EXPECT_NE(problem_of_fields("\"" + std::string{bad} + "\":\"int\"").find("cannot be used"),
        std::string::npos)
        << bad;
  EXPECT_EQ(problem_of_fields(R"("a":"int","a":"int")"), "none") << "the JSON library keeps one";
  EXPECT_EQ(problem(R"({"name":"Shop","apis":[{"operationType":"a"}],"models":{"String":{}}})"),
      "models.String: this name cannot be used");
  EXPECT_EQ(problem(R"({"name":"Shop","apis":[{"operationType":"a"}],"models":{"ShopApi":{}}})"),
      "models.ShopApi: this name cannot be used");
  EXPECT_EQ(problem(R"({"name":"Shop","apis":[{"operationType":"a"}],"models":{"A":{}}})"),
      "models.A: must have either fields or values");
  for (auto bad : {R"([])", R"([1])", R"(["A","A"])", R"(["a b"])", R"({})", R"(["name"])"})
    EXPECT_NE(problem(R"({"name":"Shop","apis":[{"operationType":"a"}],"models":{"A":{"values":)" +
                      std::string{bad} + "}}}")
                  .find("models.A.values"),
        std::string::npos)
        << bad;
}

TEST(codegen, refuses_values_without_end) {
  EXPECT_EQ(
      problem_of_fields(R"("a":"Order?")"), "models.Order.a: makes Order hold itself; a list may");
  EXPECT_EQ(problem_of_fields(R"("a":"Order[]")"), "none");
  EXPECT_EQ(
      problem(R"({"name":"Shop","apis":[{"operationType":"a"}],"models":{)"
              R"("A":{"fields":{"b":"B"}},"B":{"fields":{"c":"C"}},"C":{"fields":{"b":"B"}}}})"),
      "models.C.b: makes B hold itself; a list may");
}

TEST(codegen, tells_what_is_wrong_with_an_api) {
  EXPECT_EQ(problem_of_api("1"), "apis: must be an object");
  EXPECT_EQ(problem_of_api(R"({"operationType":"a b"})"),
      "apis.a b: operationType is missing or no name of an operation");
  EXPECT_EQ(
      problem_of_api(R"({"operationType":"a"},{"operationType":"a"})"), "apis.a: is there twice");
  EXPECT_EQ(problem_of_api(R"({"operationType":"a.b"},{"operationType":"x.a.b"})"),
      "apis.x.a.b: another API has the function aB already; give it another");
  for (auto bad : {"toString", "batch", "Upper", "a b", "mgwCall", ""})
    EXPECT_EQ(problem_of_api(R"({"operationType":"a","function":")" + std::string{bad} + "\"}"),
        "apis.a: give it a function, such as createOrder")
        << bad;
  EXPECT_EQ(problem_of_api(R"({"operationType":"..."})"),
      "apis....: give it a function, such as createOrder");
  EXPECT_EQ(problem_of_api(R"({"operationType":"a","body":"int","parameters":{"body":"int"}})"),
      "apis.a.parameters.body: there is a body already");
  EXPECT_EQ(
      problem_of_api(R"({"operationType":"a","body":"int?"})"), "apis.a.body: cannot be optional");
  EXPECT_EQ(problem_of_api(R"({"operationType":"a","parameters":{"x":"int?"},"rest":"GET /{x}"})"),
      "apis.a.rest: x is no parameter that is always there");
  for (auto bad : {"GET", "GET orders", "HEAD /a", "get /a", "GET /a b", "GET /a\\\""})
    EXPECT_EQ(problem_of_api(R"({"operationType":"a","rest":")" + std::string{bad} + "\"}"),
        "apis.a.rest: must be like POST /orders/{id}")
        << bad;
}

TEST(source, lets_no_text_out_of_its_comment) {
  auto to = source{2};
  to.in().comment("//", "a\nb\r\n\nc\u2028d\te*/").line("code").out();
  EXPECT_EQ(to.take(), "  // a\n  // b\n  // \n  // \n  // c d e*/\n  code\n");
}

} // namespace
} // namespace shoal::codegen
