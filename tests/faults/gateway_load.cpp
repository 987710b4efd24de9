#include "tests/faults/gateway_load.hpp"

#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

namespace shoal::faults {

namespace {

constexpr auto thinking = std::chrono::milliseconds{3};
constexpr auto callers_of_a_kind = 2;

std::size_t length_in(std::string_view head) {
  constexpr auto field = std::string_view{"\r\nContent-Length: "};
  auto at = head.find(field);
  return at == head.npos ? 0 : std::stoul(std::string{head.substr(at + field.size(), 10)});
}

} // namespace

void echo_backend::serve(int fd) const {
  auto in = std::string{};
  while (server_.readable(fd)) {
    char buffer[4096];
    auto n = ::recv(fd, buffer, sizeof(buffer), 0);
    if (n <= 0)
      return;
    in.append(buffer, static_cast<std::size_t>(n));
    for (auto end = in.find("\r\n\r\n"); end != in.npos; end = in.find("\r\n\r\n")) {
      auto size = length_in(std::string_view{in}.substr(0, end + 2));
      if (in.size() < end + 4 + size)
        break;
      std::this_thread::sleep_for(thinking);
      auto sent =
          test::send_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: " +
                                 std::to_string(size) + "\r\n\r\n" + in.substr(end + 4, size));
      if (!sent)
        return;
      in.erase(0, end + 4 + size);
    }
  }
}

gateway_load::gateway_load(const std::vector<endpoint>& nodes, const std::string& own_host,
    const test_app& app, const std::string& name, std::uint64_t seed)
    : backend_{own_host} {
  define(nodes.front(), app);
  constexpr auto kinds =
      std::array<std::pair<const char*,
                     gateway_wire_ptr (*)(const endpoint&, const test_app&, const std::string&)>,
          3>{{{"http1", &wire_over_http_1}, {"http2", &wire_over_http_2},
          {"device", &wire_of_device}}};
  for (auto& [kind, make] : kinds)
    for (auto i = 0; i < callers_of_a_kind; ++i) {
      auto who = name + "-" + kind + "-" + std::to_string(i);
      auto wires = std::vector<gateway_wire_ptr>{};
      for (auto& at : nodes) // a device is at one node at a time, so there is one for each
        wires.push_back(make(at, app, who + "-" + std::to_string(wires.size())));
      names_.push_back(who);
      callers_.push_back(std::make_unique<gateway_caller>(std::move(wires), who, seed++));
    }
}

void gateway_load::define(const endpoint& at, const test_app& app) const {
  using nlohmann::json;
  auto admin = api_caller{at, app.admin};
  auto path = app.path("/gateway/apis/" + std::string{echo_operation});
  admin.must("PATCH", app.path("/gateway/settings"), R"({"enabled":true,"secret":"of the test"})");
  admin.must("PUT", app.path("/gateway/groups/echo"),
      json{{"upstreams", {{{"address", backend_.address()}}}}}.dump());
  admin.must("PUT", path,
      json{{"group", "echo"}, {"need_sign", false},
          {"backend", {{"method", "PUT"}, {"path", "/echo"}}}}
          .dump());
  admin.must("POST", path + "/online");
}

gateway_load::outcome gateway_load::finish() {
  auto out = outcome{};
  for (std::size_t i = 0; i < callers_.size(); ++i) {
    auto& x = *callers_[i];
    x.finish();
    out.calls += x.calls();
    out.repeated += x.repeated();
    out.errors.insert(out.errors.end(), x.errors().begin(), x.errors().end());
    if (x.calls() == 0)
      out.errors.push_back(names_[i] + " has not called");
  }
  return out;
}

} // namespace shoal::faults
