#include "tests/faults/gateway_wire.hpp"

#include <charconv>
#include <utility>

#include <poll.h>

#include "protocol/device.pb.h"
#include "protocol/signing.hpp"
#include "tests/support/h2_client.hpp"

namespace shoal::faults {
namespace {

using namespace test;

unsigned number(std::string_view text) {
  auto out = 0u;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

client_options options_of(const endpoint& at, std::string protocol) {
  return {.alpn = {std::move(protocol)}, .patience_s = wire_patience_s, .host = at.host};
}

/// The node has ended it, or died.
bool is_over(const tls_client& x) {
  auto asked = pollfd{x.fd(), POLLRDHUP, 0};
  return !x.connected() || ::poll(&asked, 1, 0) > 0;
}

/// Keeps its connection as long as answers come over it.
template <class Line>
class kept_wire : public gateway_wire {
public:
  explicit kept_wire(endpoint at) : at_{std::move(at)} {}

  answer call(const std::string& body) final {
    auto out = answer{};
    try {
      out = ask(body);
    } catch (const std::exception&) { // nobody listens
    }
    if (!out.came())
      line_.reset();
    return out;
  }

protected:
  virtual answer ask(const std::string& body) = 0;

  endpoint at_;
  std::unique_ptr<Line> line_;
};

// -- HTTP/1.1 -------------------------------------------------------------------------------------

class http_1_wire : public kept_wire<tls_client> {
public:
  http_1_wire(endpoint at, std::string app) : kept_wire{std::move(at)}, app_{std::move(app)} {}

private:
  answer ask(const std::string& body) override {
    if (!line_ || is_over(*line_))
      line_ = std::make_unique<tls_client>(at_.port, options_of(at_, "http/1.1"));
    auto data = "[{\"_requestBody\":" + body + "}]";
    auto said = line_->ask(
        "POST /mgw.htm HTTP/1.1\r\nHost: h\r\nAppId: " + app_ +
        "\r\nWorkspaceId: default\r\nOperation-Type: " + std::string{echo_operation} +
        "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(data.size()) +
        "\r\n\r\n" + data);
    if (said.status == 0)
      return {};
    if (said.head.find("Connection: close\r\n") != std::string::npos)
      line_.reset();
    constexpr auto field = std::string_view{"Result-Status: "};
    auto at = said.head.find(field);
    if (at == std::string::npos)
      return {static_cast<unsigned>(said.status), said.body};
    return {number(std::string_view{said.head}.substr(at + field.size())), said.body};
  }

  std::string app_;
};

// -- HTTP/2 ---------------------------------------------------------------------------------------

struct http_2_line {
  explicit http_2_line(const endpoint& at) : stream{at.port, options_of(at, "h2")} {}

  tls_client stream;
  h2_client session;
};

class http_2_wire : public kept_wire<http_2_line> {
public:
  http_2_wire(endpoint at, std::string app) : kept_wire{std::move(at)}, app_{std::move(app)} {}

private:
  answer ask(const std::string& body) override {
    if (!line_ || is_over(line_->stream) || !line_->session.goodbyes.empty())
      line_ = std::make_unique<http_2_line>(at_);
    auto id = line_->session.ask(h2_head("POST", "/mgw.htm",
                                     {{"appid", app_}, {"workspaceid", "default"},
                                         {"operation-type", std::string{echo_operation}},
                                         {"content-type", "application/json"}}),
        "[{\"_requestBody\":" + body + "}]");
    auto& said = line_->session.answers[id];
    while (!said.whole) {
      if (said.reset || !line_->stream.send(line_->session.take()))
        return {};
      auto bytes = line_->stream.read_some();
      if (bytes.empty() || !line_->session.give(bytes))
        return {};
    }
    auto out = answer{number(said.header("result-status")), said.body};
    if (!out.came())
      out.code = number(said.status());
    line_->session.answers.erase(id);
    return out;
  }

  std::string app_;
};

// -- a device connection --------------------------------------------------------------------------

class device_wire : public kept_wire<tls_client> {
public:
  device_wire(endpoint at, const test_app& app, std::string name)
      : kept_wire{std::move(at)}, key_{app.device}, name_{std::move(name)} {}

private:
  bool say_hello() {
    auto x = wire::Hello{};
    x.set_key(key_.id);
    x.set_device(name_);
    x.set_timestamp_ms(wall_ms());
    x.set_nonce(random_bytes(16));
    x.set_version(1);
    x.set_signature(
        hmac_sha256(key_.secret, hello_string(key_.id, name_, x.timestamp_ms(), x.nonce())));
    line_->send_frame(frame_type::hello, x.SerializeAsString());
    auto said = line_->read_frame();
    return said && said->type == frame_type::welcome;
  }

  answer ask(const std::string& body) override {
    if (!line_ || is_over(*line_)) {
      line_ = std::make_unique<tls_client>(at_.port, options_of(at_, "shoal/1"));
      if (!say_hello())
        return {};
    }
    auto x = wire::Call{};
    x.set_id(++last_);
    x.set_operation(std::string{echo_operation});
    x.set_data("[{\"_requestBody\":" + body + "}]");
    if (!line_->send_frame(frame_type::call, x.SerializeAsString()))
      return {};
    while (auto said = line_->read_frame()) {
      auto result = wire::CallResult{};
      if (said->type == frame_type::call_result && result.ParseFromString(said->body) &&
          result.id() == last_)
        return {result.code(), result.data()};
    }
    return {};
  }

  api_key key_;
  std::string name_;
  std::uint64_t last_ = 0;
};

} // namespace

gateway_wire_ptr wire_over_http_1(
    const endpoint& at, const test_app& app, const std::string& /*name*/) {
  return std::make_unique<http_1_wire>(at, app.id);
}

gateway_wire_ptr wire_over_http_2(
    const endpoint& at, const test_app& app, const std::string& /*name*/) {
  return std::make_unique<http_2_wire>(at, app.id);
}

gateway_wire_ptr wire_of_device(const endpoint& at, const test_app& app, const std::string& name) {
  return std::make_unique<device_wire>(at, app, name);
}

} // namespace shoal::faults
