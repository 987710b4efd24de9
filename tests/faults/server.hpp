// A real shoald as a child process that tests may treat badly, and a signed caller of its API.
//
// The port stays the same over restarts, as it does in production. Dies with the test.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/tls_client.hpp"
#include "tools/bench/machine/child.hpp"

namespace shoal::faults {

/// Where a node's API answers.
struct endpoint {
  std::uint16_t port = 0;
  std::string host = "127.0.0.1";
};

struct api_key {
  std::string id, secret;
};

/// All of a file; nothing if there is none.
std::string read_file(const std::string& path);

class server {
public:
  /// `program` is shoald; its log goes to `folder`/shoald.log, its data to `folder`/data.
  server(std::string program, std::string folder, std::vector<std::string> more = {});

  /// Starts it and waits until it serves. Throws std::runtime_error with its last words if not.
  void start();
  /// Starts it without waiting; `wait_ready` completes it.
  void launch();
  void wait_ready();
  /// kill -9, and reaped.
  void kill();
  /// SIGTERM, waits for the end.
  void stop() { child_.stop(); }

  bool running() { return child_.running(); }
  std::uint16_t port() const { return port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  const std::string& data_dir() const { return data_dir_; }
  const api_key& operator_key() const { return operator_key_; }
  std::int64_t rss() const { return child_.memory().rss; }
  pid_t pid() const { return child_.pid(); }
  std::string log_file() const { return folder_ + "/shoald.log"; }

  /// The value of a metric without labels; nothing if it is not there.
  std::optional<double> metric(const std::string& name) const;
  /// GET on the admin port; status 0 if it does not answer.
  test::http_answer admin(const std::string& path) const;

private:
  std::string program_, folder_, data_dir_;
  std::vector<std::string> more_;
  std::size_t log_begin_ = 0; ///< where the log of the present process begins
  bench::child child_;
  std::uint16_t port_ = 0, admin_port_ = 0;
  api_key operator_key_;
};

/// One keep-alive connection that is made again when it breaks. Not thread-safe.
class api_caller {
public:
  api_caller(endpoint at, api_key key, int patience_s = 10)
      : at_{std::move(at)}, key_{std::move(key)}, patience_s_{patience_s} {}
  api_caller(std::uint16_t port, api_key key) : api_caller{endpoint{port}, std::move(key)} {}

  /// Status 0: no answer, so nobody knows.
  test::http_answer call(std::string_view method, const std::string& path,
      const std::string& body = {}, const std::string& query = {});
  /// Sends without waiting; false if that failed. `receive` fetches the answer.
  bool send(std::string_view method, const std::string& path, const std::string& body = {},
      const std::string& query = {});
  test::http_answer receive();

  /// Throws std::runtime_error unless the status is 2xx; returns the body.
  std::string must(std::string_view method, const std::string& path, const std::string& body = {},
      const std::string& query = {});

  const api_key& key() const { return key_; }

private:
  endpoint at_;
  api_key key_;
  int patience_s_;
  std::unique_ptr<test::tls_client> wire_;
};

std::string signed_request(const api_key& key, std::string_view method, const std::string& path,
    const std::string& body, const std::string& query);

/// An app of a test: its keys, and the secret that user tokens are made with.
struct test_app {
  std::string id;
  api_key admin, device;
  std::string user_secret;

  std::string path(const std::string& rest) const { return "/v1/apps/" + id + rest; }
  std::string token(const std::string& user) const;
};

test_app create_app(const endpoint& at, const api_key& operator_key, const std::string& id);
inline test_app create_app(const server& at, const std::string& id) {
  return create_app({at.port()}, at.operator_key(), id);
}

/// Milliseconds since 1970.
std::int64_t wall_ms();
/// Waits until `done` or the time is over; returns `done()`.
bool wait_until(int timeout_ms, const std::function<bool()>& done);

/// shoald beside the running program, or what the environment variable SHOALD names.
std::string find_shoald();

} // namespace shoal::faults
