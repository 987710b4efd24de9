#include "tools/bench/scenarios/gateway_setup.hpp"

#include <ctime>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "protocol/mgw/signature.hpp"

namespace shoal::bench {
namespace {

using json = nlohmann::json;

constexpr auto secret = "the bench's secret";

} // namespace

std::string gateway_data(std::size_t size) {
  return R"([{"_requestBody":{"text":")" + std::string(size, 'x') + "\"}}]";
}

http_work gateway_work(const std::string& url, const std::string& folder,
    const std::string& operation, std::size_t size) {
  return {url,
      {{"Operation-Type", operation}, {"AppId", "bench"}, {"WorkspaceId", "default"},
          {"Content-Type", "application/json"}},
      gateway_data(size), 1, folder};
}

void sign_work(http_work& x) {
  auto call = mgw::call{};
  call.operation = x.headers[0].second;
  call.data = x.body;
  call.ts = std::to_string(std::time(nullptr) * 1000);
  x.headers.emplace_back("Ts", call.ts);
  x.headers.emplace_back("SignType", "HMACSHA256");
  x.headers.emplace_back("Sign", mgw::sign_call(call, mgw::sign_type::hmac_sha256, secret));
}

void define_gateway(shoal_contender& shoal, std::uint16_t backend) {
  auto loop = tls_loop{tickets::keep};
  shoal.prepare(loop, {});
  auto put = [&](const std::string& method, const std::string& path, const json& body) {
    shoal.call(loop, shoal.admin(), method, "/v1/apps/bench/gateway" + path,
        body.is_null() ? "" : body.dump());
  };
  put("PATCH", "/settings",
      {{"enabled", true}, {"secret", secret}, {"timestamp_window_ms", 3'600'000},
          {"total_limit", {{"limit", 10'000'000}}}});
  put("PUT", "/groups/backend",
      {{"upstreams", {{{"address", "127.0.0.1:" + std::to_string(backend)}}}},
          {"max_connections", 256}});
  auto api = [&](const std::string& name, const std::string& path, bool checked) {
    auto x = json{{"group", "backend"}, {"need_sign", checked}, {"backend", {{"path", path}}}};
    if (checked)
      x["limits"] = {{{"limit", 10'000'000}}};
    put("PUT", "/apis/" + name, x);
    put("POST", "/apis/" + name + "/online", nullptr);
  };
  api("bench.small", "/small", false);
  api("bench.1k", "/1k", false);
  api("bench.signed", "/small", true);
}

void try_out(const http_work& work) {
  auto command = std::vector<std::string>{"curl", "-sik", "--http1.1", "-d", work.body};
  for (auto& [name, value] : work.headers) {
    command.push_back("-H");
    command.push_back(std::string{name}.append(": ").append(value));
  }
  command.push_back(work.url);
  auto said = output_of(command, work.folder + "/log", 10);
  if (said.find("Result-Status: 1000") == std::string::npos)
    throw std::runtime_error{"a call of the gateway fails: " + said};
}

} // namespace shoal::bench
