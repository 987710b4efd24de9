#include "tools/bench/contenders/shoal.hpp"

#include <ctime>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "protocol/user_token.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/names.hpp"
#include "tools/bench/wire/shoal_device.hpp"

namespace shoal::bench {

namespace {

using json = nlohmann::json;

constexpr auto start_timeout_ms = 60000;
constexpr auto token_secret = "bench-token-secret-bench-token-secret";
constexpr auto token_lifetime_s = 24 * 3600;

/// "ready port=1 admin_port=2 …" as a map.
std::map<std::string, std::string> parse_ready(const std::string& line) {
  auto result = std::map<std::string, std::string>{};
  auto in = std::istringstream{line};
  for (auto word = std::string{}; in >> word;) {
    if (auto at = word.find('='); at != std::string::npos)
      result[word.substr(0, at)] = word.substr(at + 1);
  }
  return result;
}

std::string first_line_of(const std::string& file) {
  auto in = std::ifstream{file};
  auto line = std::string{};
  std::getline(in, line);
  return line;
}

} // namespace

void shoal_contender::start() {
  auto program = around_.wishes.bin_dir + "/shoald";
  server_ =
      child{{program, "--data-dir", around_.folder + "/data", "--port", "0", "--admin-port", "0"},
          around_.folder + "/log", true};
  auto line = server_.read_line(start_timeout_ms);
  while (line && !line->starts_with("ready "))
    line = server_.read_line(start_timeout_ms);
  if (!line)
    throw std::runtime_error{program + " does not get ready: " + log_tail(around_.folder)};
  auto facts = parse_ready(*line);
  port_ = static_cast<std::uint16_t>(std::stoul(facts["port"]));
  operator_ = {facts["operator_key"], first_line_of(facts["operator_secret_file"])};
}

void shoal_contender::prepare(tls_loop& loop, const plan& p) {
  plan_ = p;
  auto app = std::string{"/v1/apps/"} + shoal_app;
  auto made = json::parse(call(loop, operator_, "POST", "/v1/apps", R"({"id":"bench"})"));
  admin_ = {made["admin_key"]["id"], made["admin_key"]["secret"]};
  device_ = {made["device_key"]["id"], made["device_key"]["secret"]};
  call(loop, admin_, "PUT", app + "/users-auth",
      json{{"mode", "hmac"}, {"secret", token_secret}}.dump());
  auto biz = [&](const std::string& name, json settings) {
    settings["payload_max"] = std::max<std::size_t>(4096, p.payload);
    call(loop, admin_, "PUT", app + "/biz/" + name, settings.dump());
    call(loop, admin_, "POST", app + "/biz/" + name + "/online", "");
  };
  biz(shoal_biz_all, {{"scope", "global"}, {"target", "device"}});
  biz(shoal_biz_own, {{"scope", "targeted"}, {"target", "user"}});
}

std::string shoal_contender::call(tls_loop& loop, const api_key& key, const std::string& method,
    const std::string& path, const std::string& body, std::size_t node) {
  auto t = tally{};
  auto api = shoal_api{key, 1, t};
  auto& line = loop.open(publisher_dial(node), api);
  auto limit = around_.wishes.timeout_s;
  wait_for(loop, t, limit, "connecting to the API", [&] { return api.capacity() > 0; });
  auto result = std::string{};
  api.call(line, method, path, body, [&](int status, std::string_view answer) {
    if (status / 100 != 2)
      t.fail(std::to_string(status) + " " + std::string{answer});
    result = answer;
  });
  wait_for(loop, t, limit, method + " " + path, [&] { return api.capacity() > 0; });
  line.close();
  return result;
}

std::unique_ptr<device> shoal_contender::make_device(std::size_t i, tally& t) {
  auto who = shoal_identity{device_.id, device_.secret, numbered("d", i), {}, {}, {}};
  if (plan_.whom == audience::own) {
    who.user = numbered("u", i);
    who.token = make_user_token(token_secret, who.user, {}, std::time(nullptr) + token_lifetime_s);
    who.biz = shoal_biz_own;
  } else if (plan_.whom == audience::everybody) {
    who.biz = shoal_biz_all;
  }
  return std::make_unique<shoal_device>(std::move(who), t);
}

std::unique_ptr<publisher> shoal_contender::make_publisher(std::size_t, tally& t) {
  return std::make_unique<shoal_api>(admin_, plan_.single_calls ? 1 : plan_.in_flight, t);
}

std::unique_ptr<contender> make_shoal(surroundings s) {
  return std::make_unique<shoal_contender>(std::move(s));
}

} // namespace shoal::bench
