#include <atomic>
#include <deque>

#include <gtest/gtest.h>

#include "protocol/device.pb.h"
#include "protocol/tls/io_loop.hpp"
#include "protocol/tls/loop_service.hpp"
#include "tests/support/test_endpoint.hpp"
#include "tests/support/tls_client.hpp"
#include "tests/support/ws_client.hpp"

namespace shoal::test {
namespace {

using outcome = tls::device_calls::outcome;

struct call_table : testing::Test {
  boost::asio::io_context context;
  tls::alarm_clock clock{context};
  std::vector<std::uint64_t> late;
  tls::device_calls calls{clock, [this](std::uint64_t id) { late.push_back(id); }};

  std::uint32_t begin(std::uint64_t id, std::chrono::milliseconds deadline = {}) {
    auto ticket = std::uint32_t{0};
    EXPECT_EQ(calls.begin(id, deadline, ticket), outcome::begun);
    return ticket;
  }
};

TEST_F(call_table, gives_each_answer_to_its_own_call) {
  auto first = begin(7), second = begin(8);
  EXPECT_EQ(calls.finish(second), 8u);
  EXPECT_EQ(calls.finish(first), 7u);
  EXPECT_EQ(calls.finish(first), std::nullopt) << "answered twice";
  EXPECT_EQ(calls.under_way(), 0u);
}

TEST_F(call_table, refuses_an_id_that_is_under_way_and_takes_it_again_later) {
  auto ticket = begin(7);
  auto other = std::uint32_t{0};
  EXPECT_EQ(calls.begin(7, {}, other), outcome::known);
  calls.finish(ticket);
  EXPECT_NE(begin(7), ticket);
}

TEST_F(call_table, keeps_the_place_of_a_cancelled_call_until_its_work_is_done) {
  auto tickets = std::vector<std::uint32_t>{};
  for (auto id = 0u; id < tls::device_calls::most; ++id)
    tickets.push_back(begin(id));
  calls.cancel(3);
  auto other = std::uint32_t{0};
  EXPECT_EQ(calls.begin(100, {}, other), outcome::too_many);
  EXPECT_EQ(calls.finish(tickets[3]), std::nullopt) << "nobody wants it";
  begin(100);
}

TEST_F(call_table, tells_who_carries_a_call_out_that_it_is_given_up) {
  auto heard = std::string{};
  auto start = [&](std::uint64_t id, char name) {
    auto ticket = begin(id);
    calls.when_given_up(ticket, [&heard, name] { heard += name; });
    return ticket;
  };
  start(1, 'a');
  calls.cancel(1);
  EXPECT_EQ(heard, "a");
  auto done = start(2, 'b');
  calls.finish(done);
  calls.cancel(2);
  EXPECT_EQ(heard, "a") << "it was answered before";
  start(3, 'c');
  start(4, 'd');
  calls.give_all_up();
  EXPECT_EQ(heard, "acd");
  calls.when_given_up(done, [&] { heard += "now"; });
  EXPECT_EQ(heard, "acdnow");
}

TEST_F(call_table, gives_a_used_id_of_a_cancelled_call_to_the_new_one_only) {
  auto old = begin(7);
  calls.cancel(7);
  auto fresh = begin(7);
  EXPECT_EQ(calls.finish(old), std::nullopt);
  EXPECT_EQ(calls.finish(fresh), 7u);
}

TEST_F(call_table, tells_who_is_late_once_and_wants_no_answer_then) {
  auto slow = begin(7, std::chrono::milliseconds{1}), quick = begin(8, std::chrono::hours{1});
  while (late.empty())
    context.run_one();
  EXPECT_EQ(late, std::vector<std::uint64_t>{7});
  EXPECT_EQ(calls.finish(slow), std::nullopt);
  EXPECT_EQ(calls.finish(quick), 8u);
  calls.cancel(9); // of nobody
}

/// Answers "echo" at once, keeps "wait" for the test, and throws at "throw".
struct fake_gateway : tls::loop_service {
  struct kept {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::pair<tls::io_loop*, tls::call_responder>> waiting;
    std::vector<tls::device_call> seen;
  };

  fake_gateway(tls::io_loop& loop, kept& into) : loop_{loop}, kept_{into} {}

  bool serve(http::request&, const tls::local_responder&) override { return false; }

  bool call(tls::device_call&& x, const tls::call_responder& answer) override {
    auto operation = x.operation, data = x.data;
    {
      auto guard = std::lock_guard{kept_.mutex};
      kept_.seen.push_back(std::move(x));
      if (operation == "wait")
        kept_.waiting.emplace_back(&loop_, answer);
    }
    kept_.changed.notify_all();
    if (operation == "throw")
      throw std::runtime_error{"no"};
    if (operation == "echo")
      answer({1000, "", "", data, "text/plain", {{"k", "v"}}});
    if (operation == "huge")
      answer({1000, "", "", std::string(max_server_frame, 'x'), "text/plain", {}});
    return operation != "unknown";
  }

private:
  tls::io_loop& loop_;
  kept& kept_;
};

class device_calls : public testing::Test {
protected:
  /// Answers the oldest call that waits, as a backend does: on the loop's thread, later.
  void answer_oldest(std::string text) {
    auto guard = std::unique_lock{kept.mutex};
    ASSERT_TRUE(kept.changed.wait_for(
        guard, std::chrono::seconds{20}, [&] { return !kept.waiting.empty(); }));
    auto [loop, answer] = kept.waiting.front();
    kept.waiting.pop_front();
    loop->push(tls::task{[answer = answer, text] { answer({1000, "", "", text, "", {}}); }});
  }

  /// A device whom the loop knows.
  std::shared_ptr<recording_sink> identified(bool zstd = false) {
    auto sink = server.next_sink();
    sink->link.identify(std::make_shared<const tls::device_identity>(
        tls::device_identity{"shop", "d1", "u1", zstd}));
    sink->link.send(std::make_shared<const std::string>(encode_frame(frame_type::welcome, "")));
    return sink;
  }

  static std::string call(std::uint64_t id, const std::string& operation,
      const std::string& data = "[]", std::uint32_t deadline_ms = 0) {
    auto x = wire::Call{};
    x.set_id(id);
    x.set_operation(operation);
    x.set_data(data);
    (*x.mutable_headers())["Ts"] = "5";
    x.set_deadline_ms(deadline_ms);
    return x.SerializeAsString();
  }

  static std::string cancel(std::uint64_t id) {
    auto x = wire::CallCancel{};
    x.set_id(id);
    return x.SerializeAsString();
  }

  static wire::CallResult result(const std::optional<frame>& x) {
    auto out = wire::CallResult{};
    EXPECT_TRUE(x && x->type == frame_type::call_result && out.ParseFromString(x->body));
    return out;
  }

  static ec close_code(const std::optional<frame>& x) {
    auto out = wire::Close{};
    EXPECT_TRUE(x && x->type == frame_type::close && out.ParseFromString(x->body));
    return static_cast<ec>(out.code());
  }

  fake_gateway::kept kept;
  test_endpoint server{
      {}, [this](tls::io_loop& loop) { return std::make_unique<fake_gateway>(loop, kept); }};
};

TEST_F(device_calls, are_carried_out_for_who_the_connection_is) {
  auto client = tls_client{server.port()};
  auto sink = identified();
  ASSERT_EQ(client.read_frame()->type, frame_type::welcome);
  client.send_frame(frame_type::call, call(5, "echo", "[1]"));
  auto got = result(client.read_frame());
  EXPECT_EQ(got.id(), 5u);
  EXPECT_EQ(got.code(), 1000u);
  EXPECT_EQ(got.data(), "[1]");
  EXPECT_EQ(got.headers().at("k"), "v");
  auto& seen = kept.seen.at(0);
  EXPECT_EQ(seen.from->device, "d1");
  EXPECT_EQ(seen.from->user, "u1");
  EXPECT_FALSE(seen.in_websocket);
  EXPECT_TRUE(seen.peer.starts_with("127.0.0.1:"));
  EXPECT_EQ(seen.headers, (std::vector<std::pair<std::string, std::string>>{{"Ts", "5"}}));
  EXPECT_TRUE(sink->frames().empty()) << "the actor is not asked";
}

TEST_F(device_calls, go_by_websocket_too) {
  auto client = ws_client{server.port()};
  auto sink = identified();
  client.read_frame();
  client.send_frame(frame_type::call, call(5, "echo", "[1]"));
  EXPECT_EQ(result(client.read_frame()).data(), "[1]");
  EXPECT_TRUE(kept.seen.at(0).in_websocket);
}

TEST_F(device_calls, are_the_sinks_business_before_the_device_is_known) {
  auto client = tls_client{server.port()};
  auto sink = server.next_sink();
  client.send_frame(frame_type::call, call(5, "echo"));
  ASSERT_TRUE(sink->wait_frames(1));
  EXPECT_EQ(sink->frames()[0].type, frame_type::call);
}

TEST_F(device_calls, are_answered_in_any_order) {
  auto client = tls_client{server.port()};
  identified();
  client.read_frame();
  client.send_frame(frame_type::call, call(1, "wait"));
  client.send_frame(frame_type::call, call(2, "echo", "[2]"));
  EXPECT_EQ(result(client.read_frame()).id(), 2u);
  answer_oldest("late");
  auto got = result(client.read_frame());
  EXPECT_EQ(got.id(), 1u);
  EXPECT_EQ(got.data(), "late");
}

TEST_F(device_calls, end_at_their_deadline) {
  auto client = tls_client{server.port()};
  identified();
  client.read_frame();
  client.send_frame(frame_type::call, call(1, "wait", "[]", 30));
  auto got = result(client.read_frame());
  EXPECT_EQ(got.code(), 4001u);
  EXPECT_EQ(got.memo(), "deadline");
  answer_oldest("too late");
  client.send_frame(frame_type::call, call(2, "echo"));
  EXPECT_EQ(result(client.read_frame()).id(), 2u) << "the late answer is nobody's";
}

TEST_F(device_calls, that_are_cancelled_are_not_answered) {
  auto client = tls_client{server.port()};
  identified();
  client.read_frame();
  client.send_frame(frame_type::call, call(1, "wait"));
  client.send_frame(frame_type::call_cancel, cancel(1));
  client.send_frame(frame_type::call_cancel, cancel(99));
  client.send_frame(frame_type::call, call(1, "wait")); // its id is free again
  answer_oldest("cancelled");
  answer_oldest("wanted");
  EXPECT_EQ(result(client.read_frame()).data(), "wanted");
}

TEST_F(device_calls, are_bounded_and_the_one_too_many_is_told) {
  auto client = tls_client{server.port()};
  identified();
  client.read_frame();
  for (auto id = 0u; id <= tls::device_calls::most; ++id)
    client.send_frame(frame_type::call, call(id, "wait"));
  auto got = result(client.read_frame());
  EXPECT_EQ(got.id(), tls::device_calls::most);
  EXPECT_EQ(got.code(), 1002u);
  EXPECT_EQ(got.memo(), "calls under way");
  answer_oldest("room");
  EXPECT_EQ(result(client.read_frame()).id(), 0u);
  client.send_frame(frame_type::call, call(200, "echo"));
  EXPECT_EQ(result(client.read_frame()).id(), 200u);
}

TEST_F(device_calls, that_cannot_be_read_or_come_twice_end_the_connection) {
  auto many = wire::Call{};
  for (auto i = 0; i < 101; ++i)
    (*many.mutable_headers())["h" + std::to_string(i)] = "x";
  for (auto& bytes : {std::string{"\xff\xff"}, many.SerializeAsString()}) {
    auto client = tls_client{server.port()};
    identified();
    client.read_frame();
    client.send_frame(frame_type::call, bytes);
    EXPECT_EQ(close_code(client.read_frame()), ec::bad_message);
  }
  auto client = tls_client{server.port()};
  identified();
  client.read_frame();
  client.send_frame(frame_type::call, call(1, "wait"));
  client.send_frame(frame_type::call, call(1, "echo"));
  EXPECT_EQ(close_code(client.read_frame()), ec::bad_message);
  answer_oldest("to nobody");
}

TEST_F(device_calls, that_fail_inside_are_answered_all_the_same) {
  auto client = tls_client{server.port()};
  identified();
  client.read_frame();
  for (auto operation : {"throw", "unknown", "huge"}) {
    client.send_frame(frame_type::call, call(1, operation));
    EXPECT_EQ(result(client.read_frame()).code(), 5000u) << operation;
  }
}

TEST_F(device_calls, are_compressed_for_who_reads_that) {
  auto client = tls_client{server.port()};
  identified(true);
  client.read_frame();
  auto text = std::string(50'000, 'x');
  auto before = server->stats().bytes_out;
  client.send_frame(frame_type::call, call(1, "echo", text));
  EXPECT_EQ(result(client.read_frame()).data(), text);
  EXPECT_LT(server->stats().bytes_out - before, 1'000u);
}

TEST_F(device_calls, of_a_lost_connection_are_answered_to_nobody) {
  {
    auto client = tls_client{server.port()};
    identified();
    client.read_frame();
    client.send_frame(frame_type::call, call(1, "wait", "[]", 10'000));
    auto guard = std::unique_lock{kept.mutex};
    ASSERT_TRUE(kept.changed.wait_for(
        guard, std::chrono::seconds{20}, [&] { return !kept.waiting.empty(); }));
    client.reset();
  }
  EXPECT_TRUE(eventually([&] { return server->stats().device_connections == 0; }));
  answer_oldest("to nobody");
  auto client = tls_client{server.port()};
  identified();
  client.read_frame();
  client.send_frame(frame_type::call, call(1, "echo"));
  EXPECT_EQ(result(client.read_frame()).id(), 1u);
}

} // namespace
} // namespace shoal::test
