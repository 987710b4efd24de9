#include "tests/faults/web_attacks.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>
#include <sched.h>

#include "tests/faults/attack_pieces.hpp"
#include "tests/faults/websocket_attacks.hpp"
#include "tests/support/h2_client.hpp"

namespace shoal::faults {
namespace {

using namespace test;
using clock = std::chrono::steady_clock;

constexpr auto attackers = 2;

std::string head_of_call(const std::string& app, const std::string& operation) {
  return "POST /mgw.htm HTTP/1.1\r\nHost: h\r\nAppId: " + app +
         "\r\nWorkspaceId: default\r\nOperation-Type: " + operation +
         "\r\nContent-Type: application/json\r\n";
}

std::string call_of(const std::string& app, const std::string& operation) {
  return head_of_call(app, operation) + "Content-Length: 2\r\n\r\n[]";
}

// -- HTTP/1.1 -------------------------------------------------------------------------------------

void http_1(std::uint16_t port, std::string_view bytes) {
  auto x = tls_client{port, {.alpn = {"http/1.1"}}};
  x.send(bytes);
  x.read_to_end();
}

void one_call(std::uint16_t port, std::string_view bytes) {
  auto x = tls_client{port, {.alpn = {"http/1.1"}}};
  x.ask(bytes);
}

std::vector<attack> http_1_attacks(const std::string& app) {
  auto call = head_of_call(app, "small");
  auto end = [](std::string bytes) {
    return [bytes = std::move(bytes)](auto port) { http_1(port, bytes); };
  };
  auto dawdle = [](std::string bytes, std::string drip) {
    return [=](auto port) { hold(port, 20, {.alpn = {"http/1.1"}}, bytes, drip); };
  };
  // What must not be taken for a second request stands where one could be seen.
  auto hidden = "0\r\n\r\n" + call_of(app, "small");
  auto both = "Content-Length: " + std::to_string(hidden.size()) +
              "\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden;
  auto many_fields = std::string{};
  for (auto i = 0; i < 5'000; ++i)
    many_fields += "x" + std::to_string(i) + ": y\r\n";
  return {
      {"HTTP/1.1 CL.TE", end(call + both)},
      {"HTTP/1.1 TE.CL", end(call + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
                                    "2\r\n[]\r\n0\r\n\r\n")},
      {"HTTP/1.1 two lengths",
          end(call + "Content-Length: 2\r\nContent-Length: 40\r\n\r\n[]" + hidden)},
      {"HTTP/1.1 chunked, disguised",
          end(call + "Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\n[]")},
      {"HTTP/1.1 folded lines", end(call + "X: a\r\n b\r\nContent-Length: 2\r\n\r\n[]")},
      {"HTTP/1.1 bare line feeds", end("GET /v1/time HTTP/1.1\nHost: h\n\n")},
      {"HTTP/1.1 bare line feed in chunks",
          end(call + "Transfer-Encoding: chunked\r\n\r\n2\n[]\n0\n\n")},
      {"HTTP/1.1 endless line", end("GET /" + std::string(64'000, 'y'))},
      {"HTTP/1.1 endless field",
          end("GET / HTTP/1.1\r\nHost: h\r\nx: " + std::string(64'000, 'y'))},
      {"HTTP/1.1 thousands of fields", end("GET / HTTP/1.1\r\nHost: h\r\n" + many_fields)},
      {"HTTP/1.1 announced giant", end(call + "Content-Length: 99999999999\r\n\r\n[]")},
      {"HTTP/1.1 giant chunk",
          end(call + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n[]")},
      {"HTTP/1.1 endless chunk extension",
          end(call + "Transfer-Encoding: chunked\r\n\r\n2;x=" + std::string(64'000, 'y'))},
      {"HTTP/1.1 slow heads (slowloris)", dawdle("GET /v1/time HTTP/1.1\r\nHo", "x")},
      {"HTTP/1.1 slow bodies", dawdle(call + "Content-Length: 60000\r\n\r\n[", " ")},
      {"HTTP/1.1 slow reads",
          [calls = repeated(call_of(app, "large"), 100)](auto port) {
            hold(port, 20, {.alpn = {"http/1.1"}, .receive_buffer = 4096}, calls, {});
          }},
  };
}

// -- HTTP/2 ---------------------------------------------------------------------------------------

constexpr std::string_view h2_begin{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33};

/// Frames made by number, a thousand of them.
void http_2(std::uint16_t port, const std::function<std::string(std::uint32_t)>& frames) {
  auto x = tls_client{port, {.alpn = {"h2"}}};
  auto bytes = std::string{h2_begin};
  for (auto i = 0u; i < 1'000; ++i)
    bytes += frames(i);
  x.send(bytes);
  x.read_to_end();
}

std::string reset_at_once(std::uint32_t i) {
  auto id = 1 + 2 * i;
  return h2_frame(1, 0x5, id, h2_get()) + h2_frame(3, 0, id, std::string("\0\0\0\x8", 4));
}

std::string head_without_end(std::uint32_t i) {
  return i == 0 ? h2_frame(1, 0, 1, h2_get())
                : h2_frame(9, 0, 1, h2_literal("x", std::string(100, 'y')));
}

/// A field of 4 KB in the table, then 12,000 times one byte that means it.
std::string bomb(std::uint32_t i) {
  auto head = h2_get() + std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4'000, 'y') +
              std::string(12'000, '\xbe');
  return i < 20 ? h2_frame(1, 0x5, 1 + 2 * i, head) : h2_frame(4, 0, 0);
}

/// Calls for large answers, and no window to send them.
std::string calls_without_window(const std::string& app) {
  auto out =
      std::string{h2_begin.substr(0, 24)} + h2_frame(4, 0, 0, std::string("\0\4\0\0\0\0", 6));
  for (auto i = 0u; i < 100; ++i)
    out += h2_frame(1, 0x4, 1 + 2 * i,
               h2_literal(":method", "POST") + h2_literal(":scheme", "https") +
                   h2_literal(":authority", "x") + h2_literal(":path", "/mgw.htm") +
                   h2_literal("appid", app) + h2_literal("workspaceid", "default") +
                   h2_literal("operation-type", "large") +
                   h2_literal("content-type", "application/json")) +
           h2_frame(0, 0x1, 1 + 2 * i, "[]");
  return out;
}

std::vector<attack> http_2_attacks(const std::string& app) {
  auto flood = [](auto frames) { return [frames](auto port) { http_2(port, frames); }; };
  return {
      {"HTTP/2 rapid reset", flood(reset_at_once)},
      {"HTTP/2 CONTINUATION flood", flood(head_without_end)},
      {"HTTP/2 SETTINGS flood", flood([](auto) { return h2_frame(4, 0, 0); })},
      {"HTTP/2 PING flood", flood([](auto) { return h2_frame(6, 0, 0, "12345678"); })},
      {"HTTP/2 HPACK bomb", flood(bomb)},
      {"HTTP/2 slow reads",
          [calls = calls_without_window(app)](
              auto port) { hold(port, 10, {.alpn = {"h2"}, .receive_buffer = 4096}, calls, {}); }},
  };
}

// -- the honest caller ----------------------------------------------------------------------------

using durations = std::vector<std::int64_t>;

durations ask_for(std::chrono::milliseconds time, std::uint16_t port, std::string_view request,
    std::int64_t& failed) {
  auto out = durations{};
  auto x = tls_client{port, {.alpn = {"http/1.1"}}};
  for (auto end = clock::now() + time; clock::now() < end;) {
    auto begin = clock::now();
    auto answer = x.ask(request);
    auto good = answer.head.find("Result-Status: 1000\r\n") != std::string::npos;
    failed += good ? 0 : 1;
    auto took = clock::now() - begin;
    out.push_back(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
    if (answer.status == 0)
      break; // every further call would fail as well
  }
  std::ranges::sort(out);
  return out;
}

/// Attackers have machines of their own: what they compute must not keep the server and the honest
/// caller from these processors, only what the server does for them may.
void take_idle_time_only() {
  auto none = sched_param{};
  sched_setscheduler(0, SCHED_IDLE, &none); // of this thread
}

} // namespace

void define_mocks(api_caller& admin, const test_app& app) {
  using nlohmann::json;
  admin.must("PATCH", app.path("/gateway/settings"), R"({"enabled":true,"secret":"of the test"})");
  admin.must(
      "PUT", app.path("/gateway/groups/none"), R"({"upstreams":[{"address":"127.0.0.1:9"}]})");
  for (auto& [name, size] : {std::pair{"small", 40}, std::pair{"large", 32'000}}) {
    auto data =
        json{{"resultStatus", 1000}, {"result", std::string(static_cast<std::size_t>(size), 'x')}};
    auto path = app.path(std::string{"/gateway/apis/"} + name);
    admin.must("PUT", path,
        json{{"group", "none"}, {"need_sign", false}, {"backend", {{"path", "/"}}},
            {"mock", {{"enabled", true}, {"percentage", 100}, {"data", data}}}}
            .dump());
    admin.must("POST", path + "/online");
  }
}

std::vector<attack> web_attacks(const std::string& app) {
  auto out = std::vector<attack>{{"(a connection for each call)",
      [bytes = call_of(app, "small")](auto port) { one_call(port, bytes); }}};
  for (auto&& more :
      {http_1_attacks(app), http_2_attacks(app), websocket_attacks(), tunnel_attacks()})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

attack_outcome endure(
    const server& node, const test_app& app, const attack* what, std::chrono::milliseconds time) {
  auto out = attack_outcome{};
  auto before = node.rss();
  auto over = std::atomic<bool>{false};
  auto rounds = std::atomic<std::int64_t>{0};
  auto wrong = std::mutex{}; // guards out.wrong
  auto threads = std::vector<std::thread>{};
  for (auto i = 0; what && i < attackers; ++i)
    threads.emplace_back([&] {
      take_idle_time_only();
      try {
        do {
          what->round(node.port());
          ++rounds;
        } while (!over);
      } catch (const std::exception& e) {
        auto guard = std::lock_guard{wrong};
        out.wrong = e.what();
      }
    });
  auto seen = ask_for(time, node.port(), call_of(app.id, "small"), out.failed);
  over = true;
  for (auto& x : threads)
    x.join();
  out.calls = static_cast<std::int64_t>(seen.size());
  out.p50_us = seen[seen.size() / 2];
  out.p99_us = seen[seen.size() * 99 / 100];
  out.rounds = rounds;
  out.growth = node.rss() - before;
  return out;
}

} // namespace shoal::faults
