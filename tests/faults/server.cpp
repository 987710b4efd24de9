#include "tests/faults/server.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <nlohmann/json.hpp>

#include "protocol/signing.hpp"
#include "protocol/user_token.hpp"

namespace shoal::faults {

namespace fs = std::filesystem;

namespace {

constexpr auto start_patience_ms = 20'000;

// The value of "name=value" in the ready line.
std::string field(const std::string& line, const std::string& name) {
  auto at = line.find(" " + name + "=");
  if (at == std::string::npos)
    throw std::runtime_error{"the ready line has no " + name};
  at += name.size() + 2;
  return line.substr(at, line.find(' ', at) - at);
}

std::string last_words(const std::string& log) {
  auto text = read_file(log);
  return text.size() > 1000 ? text.substr(text.size() - 1000) : text;
}

} // namespace

std::string read_file(const std::string& path) {
  auto in = std::ifstream{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

server::server(std::string program, std::string folder, std::vector<std::string> more)
    : program_{std::move(program)}, folder_{std::move(folder)}, data_dir_{folder_ + "/data"},
      more_{std::move(more)}, port_{bench::free_port()}, admin_port_{bench::free_port()} {}

void server::launch() {
  auto command = std::vector<std::string>{program_, "--data-dir", data_dir_, "--port",
      std::to_string(port_), "--admin-port", std::to_string(admin_port_)};
  command.insert(command.end(), more_.begin(), more_.end());
  if (std::find(more_.begin(), more_.end(), "--log-level") == more_.end())
    command.insert(command.end(), {"--log-level", "warn"});
  auto none_yet = std::error_code{};
  auto size = fs::file_size(log_file(), none_yet);
  log_begin_ = none_yet ? 0 : size;
  child_ = bench::child{command, log_file()};
}

void server::wait_ready() {
  // Its output is a file: a pipe that nobody reads would stop a server that has much to say.
  auto line = std::string{};
  wait_until(start_patience_ms, [&] {
    auto ended = !child_.running();
    auto said = read_file(log_file()).substr(log_begin_);
    auto at = said.starts_with("ready ") ? 0 : said.find("\nready ") + 1;
    if (auto end = said.find('\n', at); at < said.size() && end != std::string::npos)
      line = said.substr(at, end - at);
    return ended || line.starts_with("ready ");
  });
  if (!line.starts_with("ready "))
    throw std::runtime_error{"shoald did not start: " + last_words(log_file())};
  operator_key_.id = field(line, "operator_key");
  operator_key_.secret = read_file(field(line, "operator_secret_file"));
  while (operator_key_.secret.ends_with('\n'))
    operator_key_.secret.pop_back();
}

void server::start() {
  launch();
  wait_ready();
}

void server::kill() {
  if (child_.pid() > 0)
    ::kill(child_.pid(), SIGKILL);
  while (child_.running())
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

test::http_answer server::admin(const std::string& path) const {
  try {
    auto wire = test::tls_client{admin_port_, {.tls = false}};
    return wire.ask("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  } catch (const std::exception&) {
    return {};
  }
}

std::optional<double> server::metric(const std::string& name) const {
  auto text = std::istringstream{admin("/metrics").body};
  for (auto line = std::string{}; std::getline(text, line);)
    if (line.starts_with(name + " "))
      return std::stod(line.substr(name.size() + 1));
  return std::nullopt;
}

std::string signed_request(const api_key& key, std::string_view method, const std::string& path,
    const std::string& body, const std::string& query) {
  auto proof = make_authorization(
      key.id, key.secret, method, path, query, body, wall_ms(), hex(random_bytes(12)));
  auto out = std::string{method} + " " + path + (query.empty() ? "" : "?" + query);
  out += " HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + proof;
  out += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  return out;
}

bool api_caller::send(std::string_view method, const std::string& path, const std::string& body,
    const std::string& query) {
  try {
    if (!wire_)
      wire_ = std::make_unique<test::tls_client>(at_.port,
          test::client_options{.alpn = {"http/1.1"}, .patience_s = patience_s_, .host = at_.host});
    if (wire_->connected() && wire_->send(signed_request(key_, method, path, body, query)))
      return true;
  } catch (const std::exception&) {
    // Nobody listens: the same as a connection that broke.
  }
  wire_.reset();
  return false;
}

test::http_answer api_caller::receive() {
  auto out = wire_ ? wire_->read_answer() : test::http_answer{};
  if (out.status == 0 || out.head.find("Connection: close") != std::string::npos)
    wire_.reset();
  return out;
}

test::http_answer api_caller::call(std::string_view method, const std::string& path,
    const std::string& body, const std::string& query) {
  return send(method, path, body, query) ? receive() : test::http_answer{};
}

std::string api_caller::must(std::string_view method, const std::string& path,
    const std::string& body, const std::string& query) {
  auto out = call(method, path, body, query);
  if (out.status / 100 != 2)
    throw std::runtime_error{std::string{method} + " " + path + " was answered with " +
                             std::to_string(out.status) + ": " + out.body.substr(0, 300)};
  return out.body;
}

std::string test_app::token(const std::string& user) const {
  return make_user_token(user_secret, user, "", wall_ms() / 1000 + 3600);
}

test_app create_app(const endpoint& at, const api_key& operator_key, const std::string& id) {
  auto caller = api_caller{at, operator_key};
  auto made = nlohmann::json::parse(caller.must("POST", "/v1/apps", R"({"id":")" + id + R"("})"));
  auto key = [&](const char* name) {
    return api_key{made[name]["id"].get<std::string>(), made[name]["secret"].get<std::string>()};
  };
  auto out = test_app{id, key("admin_key"), key("device_key"), {}};
  auto admin = api_caller{at, out.admin};
  auto auth = admin.must("PUT", out.path("/users-auth"), R"({"mode":"hmac"})");
  out.user_secret = nlohmann::json::parse(auth)["secret"].get<std::string>();
  return out;
}

std::int64_t wall_ms() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

bool wait_until(int timeout_ms, const std::function<bool()>& done) {
  auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds{timeout_ms};
  while (!done()) {
    if (std::chrono::steady_clock::now() >= limit)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return true;
}

std::string find_shoald() {
  if (auto* named = std::getenv("SHOALD"))
    return named;
  return (fs::read_symlink("/proc/self/exe").parent_path() / "shoald").string();
}

} // namespace shoal::faults
