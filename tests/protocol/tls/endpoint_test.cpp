#include <atomic>
#include <ctime>
#include <deque>
#include <fstream>
#include <future>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include "protocol/device.pb.h"
#include "protocol/tls/endpoint.hpp"
#include "tests/support/device_frames.hpp"
#include "tests/support/test_endpoint.hpp"
#include "tests/support/tls_client.hpp"

namespace shoal::test {
namespace {

constexpr std::string_view get = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";

client_options http_client() { return {.alpn = {"http/1.1"}}; }

TEST(endpoint, gives_frames_to_the_sink_and_sends_what_the_link_is_told) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port()};
  ASSERT_TRUE(client.connected());
  client.send_frame(frame_type::hello, "abc");
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(1));
  EXPECT_EQ(sink->frames()[0].type, frame_type::hello);
  EXPECT_EQ(sink->frames()[0].body, "abc");
  sink->link.send(share(encode_frame(frame_type::welcome, "def")));
  auto answer = client.read_frame();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, frame_type::welcome);
  EXPECT_EQ(answer->body, "def");
}

TEST(endpoint, answers_http_on_the_same_port) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port(), http_client()};
  EXPECT_EQ(client.alpn(), "http/1.1");
  for (auto i = 0; i < 3; ++i) {
    auto answer = client.ask(get);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "GET /a?b=c\n");
  }
  EXPECT_EQ(server->stats().http_requests, 3u);
  EXPECT_EQ(server->stats().handshakes, 1u);
}

TEST(endpoint, leaves_pings_to_a_sink_that_has_not_spoken) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port()};
  client.send_frame(frame_type::hello, "abc");
  client.send_frame(frame_type::ping, "");
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(2));
  EXPECT_EQ(sink->frames()[1].type, frame_type::ping);
  sink->link.send(share(encode_frame(frame_type::welcome, "")));
  auto first = client.read_frame();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, frame_type::welcome) << "nothing overtakes it";
  client.send_frame(frame_type::ping, "");
  auto second = client.read_frame();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->type, frame_type::pong);
}

TEST(endpoint, answers_pings_without_the_sink) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port()};
  auto sink = server.next_sink();
  ASSERT_TRUE(sink);
  sink->link.send(share(encode_frame(frame_type::welcome, "")));
  ASSERT_TRUE(client.read_frame());
  auto ping = wire::Ping{};
  ping.set_number(7);
  client.send_frame(frame_type::ping, ping.SerializeAsString());
  auto answer = client.read_frame();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, frame_type::pong);
  auto pong = wire::Pong{};
  ASSERT_TRUE(pong.ParseFromString(answer->body));
  EXPECT_EQ(pong.number(), 7u);
  EXPECT_GT(pong.server_time_ms(), 1'700'000'000'000);
  EXPECT_TRUE(sink->frames().empty());
}

TEST(endpoint, closes_a_link_after_its_last_frame) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port()};
  auto sink = server.next_sink();
  ASSERT_TRUE(sink);
  sink->link.close(share(encode_frame(frame_type::close, "bye")), ec::kicked);
  auto last = client.read_frame();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->body, "bye");
  EXPECT_FALSE(client.read_frame());
  ASSERT_TRUE(sink->wait_closed());
  EXPECT_EQ(sink->why(), ec::kicked);
}

TEST(endpoint, speaks_tls_1_2_and_1_3_and_nothing_older) {
  auto server = test_endpoint{};
  for (auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto client = tls_client{server.port(), {.version = version}};
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(SSL_version(client.ssl()), version);
    EXPECT_EQ(client.alpn(), "shoal/1");
  }
  EXPECT_FALSE((tls_client{server.port(), {.version = TLS1_1_VERSION}}.connected()));
}

TEST(endpoint, chooses_by_alpn_and_speaks_http_without_it) {
  auto server = test_endpoint{};
  EXPECT_EQ((tls_client{server.port(), {.alpn = {"h3", "http/1.1"}}}.alpn()), "http/1.1");
  EXPECT_EQ((tls_client{server.port(), {.alpn = {"http/1.1", "shoal/1"}}}.alpn()), "shoal/1");
  auto silent = tls_client{server.port(), {.alpn = {}}};
  EXPECT_EQ(silent.ask(get).status, 200);
}

TEST(endpoint, ends_the_handshake_if_it_knows_no_name_of_the_alpn_list) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port(), {.alpn = {"h3", "imap"}}};
  EXPECT_FALSE(client.connected());
  EXPECT_NE(client.error().find("no application protocol"), std::string::npos) << client.error();
  EXPECT_TRUE(eventually([&] { return server->stats().handshake_failures == 1; }));
}

TEST(endpoint, survives_bytes_that_are_not_tls) {
  auto server = test_endpoint{};
  auto random = std::mt19937{7};
  for (auto i = 0; i < 50; ++i) {
    auto noise = std::string(1 + random() % 3000, 'x');
    for (auto& c : noise)
      c = static_cast<char>(random());
    if (i % 2)
      noise.replace(0, 3, "\x16\x03\x01");
    auto client = tls_client{server.port(), {.tls = false}};
    client.send(noise);
    ::shutdown(client.fd(), SHUT_WR);
    client.read_to_end();
  }
  EXPECT_EQ((tls_client{server.port(), http_client()}.ask(get).status), 200);
  EXPECT_EQ(server->stats().handshakes, 1u);
}

TEST(endpoint, bounds_the_time_of_a_handshake) {
  auto server = test_endpoint{{.handshake_timeout = std::chrono::seconds{1}}};
  auto client = tls_client{server.port(), {.tls = false}};
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(server->stats().handshake_failures, 1u);
}

/// Enough of a ClientHello to begin a handshake with.
constexpr std::string_view half_a_hello{"\x16\x03\x01\x02\x00\x01", 6};

/// What a client says first, as bytes.
std::string client_hello() {
  auto context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>{
      SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  auto ssl = std::unique_ptr<SSL, decltype(&SSL_free)>{SSL_new(context.get()), SSL_free};
  auto* said = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), said);
  SSL_connect(ssl.get());
  auto out = std::string(4096, '\0');
  out.resize(static_cast<std::size_t>(std::max(0, BIO_read(said, out.data(), 4096))));
  return out;
}

TEST(endpoint, does_not_let_a_handshake_that_stands_still_keep_others_waiting) {
  auto server = test_endpoint{{.loops = 1, .handshakes_per_loop = 1}};
  auto stuck = tls_client{server.port(), {.tls = false}};
  stuck.send(half_a_hello);
  auto client = tls_client{server.port(), {.patience_s = 5}};
  EXPECT_TRUE(client.connected());
}

TEST(endpoint, gives_no_place_to_who_says_nothing) {
  auto server = test_endpoint{{.loops = 1, .handshakes_per_loop = 1}};
  auto silent = std::deque<tls_client>{};
  for (auto i = 0; i < 10; ++i)
    silent.emplace_back(server.port(), client_options{.tls = false});
  auto client = tls_client{server.port(), {.patience_s = 5}};
  EXPECT_TRUE(client.connected());
}

TEST(endpoint, bounds_the_time_until_the_turn_of_a_handshake_comes) {
  auto server =
      test_endpoint{{.handshakes_per_loop = 0, .handshake_timeout = std::chrono::seconds{1}}};
  EXPECT_FALSE(tls_client{server.port()}.connected());
  EXPECT_EQ(server->stats().handshake_failures, 1u);
}

TEST(endpoint, does_not_begin_a_handshake_with_who_has_given_up) {
  auto server = test_endpoint{{.loops = 1, .handshakes_per_loop = 1}};
  auto stuck = tls_client{server.port(), {.tls = false}};
  stuck.send(half_a_hello);
  auto gone = tls_client{server.port(), {.tls = false}};
  gone.send(client_hello());
  ::shutdown(gone.fd(), SHUT_WR);
  EXPECT_EQ(gone.read_to_end(), "");
  EXPECT_EQ(server->stats().handshake_failures, 1u);
}

TEST(endpoint, bounds_the_time_until_a_heartbeat_is_agreed_whatever_is_sent) {
  auto server = test_endpoint{{.handshake_timeout = std::chrono::seconds{1}}};
  auto client = tls_client{server.port()};
  client.send_frame(frame_type::hello, "never good enough");
  EXPECT_EQ(close_code(client.read_frame()), ec::handshake_timeout);
  EXPECT_EQ(client.read_to_end(), "");
  auto sink = server.next_sink();
  ASSERT_TRUE(sink->wait_closed());
  EXPECT_EQ(sink->why(), ec::handshake_timeout);
}

TEST(endpoint, closes_who_misses_the_heartbeat_and_nobody_else) {
  auto server = test_endpoint{};
  auto silent = tls_client{server.port()};
  auto silent_sink = server.next_sink();
  auto lively = tls_client{server.port()};
  auto lively_sink = server.next_sink();
  silent_sink->link.set_heartbeat(std::chrono::seconds{1});
  lively_sink->link.set_heartbeat(std::chrono::seconds{1});
  auto stop = std::atomic<bool>{false};
  auto talk = std::thread{[&] {
    // Waiting for the answer with the socket's own timeout keeps the pace without a sleep.
    auto wait = timeval{0, 200'000};
    ::setsockopt(lively.fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    while (!stop) {
      lively.send_frame(frame_type::ack);
      lively.read_some();
    }
  }};
  EXPECT_EQ(close_code(silent.read_frame()), ec::heartbeat_missed);
  EXPECT_TRUE(silent_sink->wait_closed());
  EXPECT_EQ(silent_sink->why(), ec::heartbeat_missed);
  EXPECT_EQ(lively_sink->times_closed(), 0);
  stop = true;
  talk.join();
  EXPECT_EQ(server->stats().heartbeats_missed, 1u);
}

TEST(endpoint, refuses_bad_frames_with_their_code) {
  struct {
    std::string bytes;
    ec code;
  } cases[] = {
      {std::string("\0\0\0\1\1\0", 6), ec::bad_frame},
      {std::string("\0\0\0\2\1\2", 6), ec::bad_frame},
      {std::string("\0\1\0\1", 4), ec::frame_too_large},
      {std::string("\xff\xff\xff\xff", 4), ec::frame_too_large},
      {std::string("\0\0\0\6\1\1zzzz", 10), ec::bad_frame},
      {encode_frame(frame_type::ping, "\xff\xff\xff"), ec::bad_message},
  };
  auto server = test_endpoint{};
  for (auto& x : cases) {
    auto client = tls_client{server.port()};
    client.send(encode_frame(frame_type::hello, "first") + x.bytes);
    EXPECT_EQ(close_code(client.read_frame()), x.code);
    EXPECT_EQ(client.read_to_end(), "");
    auto sink = server.next_sink();
    ASSERT_TRUE(sink->wait_closed());
    EXPECT_EQ(sink->why(), x.code);
    EXPECT_EQ(sink->frames().size(), 1u);
  }
}

TEST(endpoint, closes_a_device_that_nobody_wants_to_hear) {
  auto options = tls::endpoint_options{};
  auto dir = temp_dir{};
  options.certificate_file = dir.path() / "c";
  options.key_file = dir.path() / "k";
  tls::write_self_signed(options.certificate_file, options.key_file, {"localhost"});
  auto unwilling = tls::endpoint{options, {}};
  auto client = tls_client{unwilling.port()};
  EXPECT_EQ(close_code(client.read_frame()), ec::overloaded);
  EXPECT_EQ((tls_client{unwilling.port(), http_client()}.ask(get).status), 404);
  auto failing =
      tls::endpoint{options, {.on_device = [](auto, auto&) -> std::shared_ptr<tls::link_sink> {
                                throw std::runtime_error{"no"};
                              },
                                 .on_request = [](auto, auto) { throw std::runtime_error{"no"}; }}};
  auto second = tls_client{failing.port()};
  EXPECT_EQ(close_code(second.read_frame()), ec::overloaded);
  EXPECT_EQ((tls_client{failing.port(), http_client()}.ask(get).status), 500);
}

TEST(endpoint, echoes_many_frames_in_order) {
  auto server = test_endpoint{};
  server.reaction = echo;
  auto client = tls_client{server.port()};
  auto random = std::mt19937{3};
  auto sizes = std::vector<std::size_t>{};
  for (auto i = 0; i < 2000; ++i)
    sizes.push_back(random() % (i % 50 == 0 ? 60'000 : 600));
  auto writer = std::thread{[&] {
    for (auto size : sizes)
      client.send_frame(frame_type::ops, std::string(size, 'x'));
  }};
  // One SSL object must not be used by two threads at a time, so the answers are read when all is
  // sent; the server holds them meanwhile (fewer bytes than its write limit).
  writer.join();
  for (auto size : sizes) {
    auto x = client.read_frame();
    ASSERT_TRUE(x);
    ASSERT_EQ(x->body.size(), size);
  }
}

TEST(endpoint, stops_reading_when_the_sink_does_not_keep_up) {
  auto server = test_endpoint{{.unhandled_frames = 8}};
  auto client = tls_client{server.port()};
  auto bytes = std::string{};
  for (auto i = 0; i < 1000; ++i)
    bytes += encode_frame(frame_type::ack, std::to_string(i));
  client.send(bytes);
  auto sink = server.next_sink();
  ASSERT_TRUE(sink->wait_frames(8));
  // Another connection's full round trip on each loop shows that the loops are not just late.
  for (auto i = 0; i < 4; ++i)
    EXPECT_EQ((tls_client{server.port(), http_client()}.ask(get).status), 200);
  EXPECT_EQ(sink->frames().size(), 8u);
  sink->link.consumed(3);
  for (auto i = 0; i < 4; ++i)
    EXPECT_EQ((tls_client{server.port(), http_client()}.ask(get).status), 200);
  EXPECT_EQ(sink->frames().size(), 8u);
  sink->link.consumed(1);
  ASSERT_TRUE(sink->wait_frames(12));
  for (auto got = std::size_t{12}; got < 1000; got = sink->frames().size()) {
    sink->link.consumed(4);
    ASSERT_TRUE(sink->wait_frames(std::min<std::size_t>(got + 4, 1000)));
  }
  auto frames = sink->frames();
  for (auto i = 0; i < 1000; ++i)
    ASSERT_EQ(frames[static_cast<std::size_t>(i)].body, std::to_string(i));
}

TEST(endpoint, ends_a_slow_consumer_with_a_whole_close_frame) {
  auto server = test_endpoint{{.write_limit = 256 * 1024}};
  auto slow = tls_client{server.port(), {.receive_buffer = 4096}};
  auto fast = tls_client{server.port()};
  auto slow_sink = server.next_sink();
  auto fast_sink = server.next_sink();
  auto bytes = share(encode_frame(frame_type::ops, std::string(10'000, 'x')));
  auto sent = 0;
  while (slow_sink->times_closed() == 0 && sent < 5000) {
    slow_sink->link.send(bytes);
    ++sent;
  }
  ASSERT_TRUE(slow_sink->wait_closed());
  EXPECT_EQ(slow_sink->why(), ec::slow_consumer);
  auto last = std::optional<frame>{};
  for (auto x = slow.read_frame(); x; x = slow.read_frame()) {
    if (x->type == frame_type::ops) {
      ASSERT_EQ(x->body.size(), 10'000u);
    }
    last = std::move(x);
  }
  EXPECT_EQ(close_code(last), ec::slow_consumer);
  fast_sink->link.send(bytes);
  EXPECT_TRUE(fast.read_frame());
  EXPECT_EQ(server->stats().slow_consumers, 1u);
}

TEST(endpoint, takes_a_burst_above_the_limit_if_the_device_reads) {
  auto server = test_endpoint{{.write_limit = 64 * 1024}};
  auto client = tls_client{server.port()};
  auto sink = server.next_sink();
  // One frame may be larger than the limit; it waits alone.
  sink->link.send(share(encode_frame(frame_type::ops, std::string(1'000'000, 'x'))));
  auto x = client.read_frame();
  ASSERT_TRUE(x);
  EXPECT_EQ(x->body.size(), 1'000'000u);
  EXPECT_EQ(sink->times_closed(), 0);
}

TEST(endpoint, sends_to_all_links_and_skips_those_that_are_gone) {
  auto server = test_endpoint{};
  auto clients = std::vector<std::unique_ptr<tls_client>>{};
  auto links = std::vector<tls::link>{};
  for (auto i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<tls_client>(server.port()));
    links.push_back(server.next_sink()->link);
  }
  auto gone = std::make_unique<tls_client>(server.port());
  auto gone_sink = server.next_sink();
  gone.reset();
  ASSERT_TRUE(gone_sink->wait_closed());
  links.insert(links.begin(), gone_sink->link);
  links.emplace_back();
  send_all(links, share(encode_frame(frame_type::ops, "to all")));
  for (auto& x : clients) {
    auto got = x->read_frame();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->body, "to all");
  }
}

TEST(endpoint, does_not_reach_the_next_owner_of_a_slot) {
  auto server = test_endpoint{{.loops = 1}};
  auto old = std::make_unique<tls_client>(server.port());
  auto stale = server.next_sink();
  old.reset();
  ASSERT_TRUE(stale->wait_closed());
  ASSERT_TRUE(eventually([&] { return server->stats().device_connections == 0; }));
  auto fresh = tls_client{server.port()};
  auto sink = server.next_sink();
  EXPECT_NE(stale->link, sink->link);
  stale->link.send(share(encode_frame(frame_type::ops, "for the old one")));
  stale->link.close(nullptr, ec::kicked);
  sink->link.send(share(encode_frame(frame_type::ops, "for the new one")));
  auto got = fresh.read_frame();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->body, "for the new one");
}

TEST(endpoint, resumes_sessions_also_after_one_change_of_the_key_but_not_after_two) {
  auto server = test_endpoint{};
  server.reaction = echo;
  for (auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE("version " + std::to_string(version));
    auto connect = [&](SSL_SESSION* session) {
      return std::make_unique<tls_client>(
          server.port(), client_options{.version = version, .resume = session});
    };
    // TLS 1.3 sends the ticket after the handshake, so something must be read before it is taken.
    auto ticket_of = [](tls_client& x) {
      x.send_frame(frame_type::ack);
      EXPECT_TRUE(x.read_frame());
      return x.session();
    };
    auto first = connect(nullptr);
    EXPECT_FALSE(first->reused());
    auto ticket = ticket_of(*first);
    EXPECT_TRUE(connect(ticket.get())->reused());
    server->rotate_ticket_key();
    auto second = connect(ticket.get());
    EXPECT_TRUE(second->reused());
    auto renewed = ticket_of(*second);
    server->rotate_ticket_key();
    auto late = connect(ticket.get());
    EXPECT_TRUE(late->connected());
    EXPECT_FALSE(late->reused());
    EXPECT_TRUE(connect(renewed.get())->reused());
  }
  EXPECT_TRUE(eventually([&] { return server->stats().resumed == 6; }));
}

TEST(endpoint, serves_a_replaced_certificate_after_reload_and_keeps_old_connections) {
  auto server = test_endpoint{};
  server.reaction = echo;
  auto old = tls_client{server.port()};
  tls::write_self_signed(server.certificate_file(), server.key_file(), {"localhost"});
  auto before = tls_client{server.port()};
  EXPECT_EQ(before.serial(), old.serial());
  EXPECT_EQ(server->reload_certificate(), "");
  auto after = tls_client{server.port()};
  EXPECT_NE(after.serial(), old.serial());
  old.send_frame(frame_type::ack, "still here");
  EXPECT_TRUE(old.read_frame());
}

TEST(endpoint, keeps_the_certificate_if_the_new_one_is_unusable) {
  auto server = test_endpoint{};
  auto serial = tls_client{server.port()}.serial();
  std::ofstream{server.certificate_file()} << "no certificate";
  EXPECT_NE(
      server->reload_certificate().find("cannot read a certificate chain from"), std::string::npos);
  EXPECT_EQ(tls_client{server.port()}.serial(), serial);
}

TEST(endpoint, says_why_it_cannot_start) {
  auto server = test_endpoint{};
  auto options = tls::endpoint_options{};
  options.tls = false;
  options.port = server.port();
  try {
    const auto second = tls::endpoint{options, {}};
    FAIL() << "two endpoints share port " << second.port();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string{error.what()},
        "cannot listen on 127.0.0.1:" + std::to_string(server.port()) + ": Address already in use");
  }
  options.address = "not an address";
  EXPECT_THROW((tls::endpoint{options, {}}), std::runtime_error);
  options = {};
  options.certificate_file = "/nowhere/cert.pem";
  EXPECT_THROW((tls::endpoint{options, {}}), std::runtime_error);
}

TEST(endpoint, refuses_connections_above_its_limit) {
  auto server = test_endpoint{{.max_connections = 2}};
  auto one = std::make_unique<tls_client>(server.port());
  auto two = tls_client{server.port()};
  EXPECT_FALSE(tls_client{server.port()}.connected());
  EXPECT_EQ(server->stats().refused, 1u);
  one.reset();
  EXPECT_TRUE(eventually([&] { return tls_client{server.port()}.connected(); }));
}

TEST(endpoint, waits_without_spinning_while_the_process_has_no_file_left) {
  auto server = test_endpoint{};
  auto before = rlimit{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  auto lowest = ::dup(0);
  ::close(lowest);
  auto tight =
      rlimit{static_cast<rlim_t>(lowest) + 1, before.rlim_max}; // one more: the client's socket
  ::setrlimit(RLIMIT_NOFILE, &tight);
  auto client = tls_client{server.port(), {.tls = false}};
  auto begin = std::clock();
  auto wait = pollfd{client.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 400), 0);
  EXPECT_LT(std::clock() - begin, CLOCKS_PER_SEC / 5);
  EXPECT_EQ(server->stats().accepted, 0u);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(eventually([&] { return server->stats().accepted == 1; }));
}

TEST(endpoint, serves_others_while_one_connection_floods_it) {
  auto server = test_endpoint{{.loops = 1}};
  server.reaction = [](tls::link x, frame) { x.consumed(1); };
  auto stop = std::atomic<bool>{false};
  auto flood = std::thread{[&] {
    auto client = tls_client{server.port()};
    auto bytes = std::string{};
    for (auto i = 0; i < 100; ++i)
      bytes += encode_frame(frame_type::ack, std::string(1000, 'x'));
    while (!stop && client.send(bytes)) {
    }
  }};
  ASSERT_TRUE(server.next_sink()->wait_frames(1000));
  auto begin = std::chrono::steady_clock::now();
  for (auto i = 0; i < 20; ++i)
    EXPECT_EQ((tls_client{server.port(), http_client()}.ask(get).status), 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{10});
  stop = true;
  flood.join();
}

TEST(endpoint, drains_all_devices_with_a_last_frame_for_each) {
  auto server = test_endpoint{};
  auto clients = std::vector<std::unique_ptr<tls_client>>{};
  auto sinks = std::vector<std::shared_ptr<recording_sink>>{};
  for (auto i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<tls_client>(server.port()));
    sinks.push_back(server.next_sink());
  }
  auto readers = std::vector<std::thread>{};
  auto bodies = std::vector<std::string>(10);
  for (auto i = 0u; i < 10; ++i)
    readers.emplace_back([&, i] {
      auto x = clients[i]->read_frame();
      bodies[i] = x ? x->body : "";
      clients[i]->close();
    });
  server->drain(
      [](std::size_t i) { return share(encode_frame(frame_type::close, std::to_string(i))); },
      std::chrono::seconds{20});
  EXPECT_EQ(server->stats().device_connections, 0u);
  for (auto& x : readers)
    x.join();
  std::ranges::sort(bodies);
  EXPECT_EQ(bodies, (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  for (auto& x : sinks) {
    EXPECT_EQ(x->times_closed(), 1);
    EXPECT_EQ(x->why(), ec::going_away);
  }
  EXPECT_THROW(tls_client{server.port()}, std::runtime_error);
}

TEST(endpoint, drains_no_longer_than_its_patience) {
  auto server = test_endpoint{};
  auto stubborn = tls_client{server.port(), {.receive_buffer = 4096}};
  auto sink = server.next_sink();
  auto idle_http = tls_client{server.port(), http_client()};
  EXPECT_EQ(idle_http.ask(get).status, 200);
  auto half = tls_client{server.port(), {.tls = false}};
  sink->link.send(share(encode_frame(frame_type::ops, std::string(3'000'000, 'x'))));
  auto begin = std::chrono::steady_clock::now();
  server->drain([](auto) { return nullptr; }, std::chrono::milliseconds{300});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{10});
  EXPECT_TRUE(sink->wait_closed());
  EXPECT_EQ(idle_http.read_to_end(), "");
  EXPECT_EQ(half.read_to_end(), "");
}

TEST(endpoint, answers_requests_under_way_before_it_drains) {
  auto server = test_endpoint{};
  auto held = std::promise<http::responder>{};
  server.on_request = [&](http::request, http::responder x) { held.set_value(std::move(x)); };
  auto client = tls_client{server.port(), http_client()};
  client.send(get);
  auto answer = held.get_future().get();
  auto drain = std::thread{[&] { server->drain({}, std::chrono::seconds{20}); }};
  EXPECT_TRUE(eventually([&] {
    try {
      tls_client{server.port(), {.tls = false}};
      return false;
    } catch (const std::runtime_error&) {
      return true; // nothing is accepted any more
    }
  }));
  answer({200, "text/plain", {}, "done"});
  auto got = client.read_answer();
  EXPECT_EQ(got.body, "done");
  EXPECT_EQ(client.read_to_end(), "");
  client.close();
  drain.join();
}

TEST(endpoint, tells_its_sinks_when_it_stops) {
  auto server = std::make_unique<test_endpoint>();
  auto client = tls_client{server->port()};
  auto sink = server->next_sink();
  (*server)->stop();
  EXPECT_EQ(sink->times_closed(), 1);
  EXPECT_EQ(sink->why(), ec::going_away);
  // All of this must do nothing, and return.
  sink->link.send(share("x"));
  sink->link.close(nullptr, ec::kicked);
  (*server)->drain({}, std::chrono::milliseconds{100});
  (*server)->stop_accepting();
  (*server)->stop();
}

TEST(endpoint, lets_a_responder_outlive_it) {
  auto kept = http::responder{};
  {
    auto server = test_endpoint{};
    auto held = std::promise<http::responder>{};
    server.on_request = [&](http::request, http::responder x) { held.set_value(std::move(x)); };
    auto client = tls_client{server.port(), http_client()};
    client.send(get);
    kept = held.get_future().get();
  }
  kept({200, "text/plain", {}, "too late"});
}

TEST(endpoint, calls_on_closed_exactly_once_however_connections_end) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto server = test_endpoint{{.unhandled_frames = 4}};
  server.reaction = echo;
  auto sinks = std::vector<std::shared_ptr<recording_sink>>{};
  for (auto round = 0; round < 150; ++round) {
    auto client = tls_client{server.port()};
    auto sink = server.next_sink();
    ASSERT_TRUE(sink);
    sinks.push_back(sink);
    for (auto i = random() % 20; i > 0; --i)
      client.send_frame(frame_type::ops, std::string(random() % 2000, 'x'));
    switch (random() % 6) {
    case 0:
      client.reset();
      break;
    case 1:
      client.close();
      break;
    case 2:
      client.send("\xff\xff\xff\xff");
      break;
    case 3:
      sink->link.close(share(encode_frame(frame_type::close, "")), ec::kicked);
      break;
    case 4:
      sink->link.close(nullptr, ec::kicked);
      sink->link.close(nullptr, ec::replaced);
      client.reset();
      break;
    case 5:
      ::shutdown(client.fd(), SHUT_RDWR);
      break;
    }
  }
  for (auto& x : sinks)
    ASSERT_TRUE(x->wait_closed());
  EXPECT_TRUE(eventually([&] { return server->stats().device_connections == 0; }));
  server->stop();
  for (auto& x : sinks) {
    EXPECT_EQ(x->times_closed(), 1);
    EXPECT_FALSE(x->heard_after_close());
  }
}

TEST(endpoint, serves_plain_http_when_told_to) {
  auto server = test_endpoint{{.loops = 1, .tls = false}};
  auto client = tls_client{server.port(), {.tls = false}};
  EXPECT_EQ(client.ask(get).body, "GET /a?b=c\n");
  EXPECT_EQ(client.ask(get).status, 200);
  EXPECT_NE(server->reload_certificate(), "");
}

class http_endpoint : public ::testing::Test {
public:
  http_answer ask(std::string_view bytes) {
    return tls_client{server.port(), http_client()}.ask(bytes);
  }

  test_endpoint server{{.max_http_body = 100'000,
      .handshake_timeout = std::chrono::seconds{1},
      .http_idle_timeout = std::chrono::seconds{1}}};
};

TEST_F(http_endpoint, answers_pipelined_requests_in_order_one_at_a_time) {
  auto running = std::atomic<int>{0}, most = std::atomic<int>{0};
  auto workers = std::vector<std::thread>{};
  server.on_request = [&](http::request x, http::responder answer) {
    most = std::max(most.load(), ++running);
    workers.emplace_back([&running, x, answer] {
      --running;
      answer({200, "text/plain", {}, x.path});
    });
  };
  auto client = tls_client{server.port(), http_client()};
  auto bytes = std::string{};
  for (auto i = 0; i < 50; ++i)
    bytes += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(bytes);
  for (auto i = 0; i < 50; ++i)
    ASSERT_EQ(client.read_answer().body, std::string{"/"}.append(std::to_string(i)));
  EXPECT_EQ(most, 1);
  server->stop();
  for (auto& x : workers)
    x.join();
}

TEST_F(http_endpoint, answers_head_without_a_body) {
  auto client = tls_client{server.port(), http_client()};
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  auto head = client.read_answer(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_NE(head.head.find("Content-Length: 9"), std::string::npos);
  EXPECT_EQ(client.ask(get).body, "GET /a?b=c\n");
}

TEST_F(http_endpoint, tells_the_sender_to_continue) {
  auto client = tls_client{server.port(), http_client()};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read_some(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.ask("abc").body, "POST /?\nabc");
}

TEST_F(http_endpoint, closes_when_the_client_or_the_handler_says_so) {
  auto client = tls_client{server.port(), http_client()};
  auto answer = client.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.head.find("Connection: close"), std::string::npos);
  EXPECT_EQ(client.read_to_end(), "");
  auto hasty = test_endpoint{};
  hasty.on_request = [](http::request, http::responder x) {
    x({200, "text/plain", {{"Connection", "close"}}, "bye"});
  };
  auto other = tls_client{hasty.port(), http_client()};
  EXPECT_EQ(other.ask(get).body, "bye");
  EXPECT_EQ(other.read_to_end(), "");
}

TEST_F(http_endpoint, answers_a_client_that_has_closed_its_sending_side) {
  auto plain = test_endpoint{{.tls = false}};
  auto client = tls_client{plain.port(), {.tls = false}};
  client.send(get);
  ::shutdown(client.fd(), SHUT_WR);
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(http_endpoint, refuses_smuggling_with_a_problem_and_closes) {
  auto client = tls_client{server.port(), http_client()};
  auto answer = client.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.head.find("application/problem+json"), std::string::npos);
  EXPECT_NE(answer.head.find("Connection: close"), std::string::npos);
  EXPECT_NE(answer.body.find("\"code\":\"invalid_argument\""), std::string::npos);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(server->stats().http_requests, 0u);
  EXPECT_EQ(server->stats().bad_requests, 1u);
}

TEST_F(http_endpoint, delivers_413_even_if_the_body_keeps_coming) {
  auto client = tls_client{server.port(), http_client()};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n");
  client.send(std::string(200'000, 'x'));
  EXPECT_EQ(client.read_answer().status, 413);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(http_endpoint, takes_and_gives_large_bodies) {
  auto big = std::string(100'000, 'x');
  auto answer = ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + big);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.size(), big.size() + 8);
  auto generous = test_endpoint{};
  generous.on_request = [](http::request, http::responder x) {
    x({200, "text/plain", {}, std::string(6'000'000, 'y')});
  };
  auto client = tls_client{generous.port(), http_client()};
  EXPECT_EQ(client.ask(get).body.size(), 6'000'000u);
}

TEST(endpoint, bounds_what_all_incomplete_requests_hold_together) {
  auto server = test_endpoint{{.loops = 1, .max_http_unfinished = 100'000}};
  auto clients = std::vector<std::unique_ptr<tls_client>>{};
  auto start =
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + std::string(40'000, 'x');
  for (auto i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<tls_client>(server.port(), http_client()));
    clients.back()->send(start);
  }
  auto third = tls_client{server.port(), http_client()};
  auto answer = third.ask(start);
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("overloaded"), std::string::npos);
  for (auto& x : clients)
    EXPECT_EQ(x->ask(std::string(10'000, 'x')).status, 200);
  EXPECT_EQ(
      (tls_client{server.port(), http_client()}.ask(start + std::string(10'000, 'x')).status), 200);
}

TEST_F(http_endpoint, answers_408_to_slow_heads_and_bodies) {
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost").status, 408);
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc").status, 408);
}

TEST_F(http_endpoint, is_not_kept_by_a_trickle_of_bytes) {
  auto client = tls_client{server.port(), http_client()};
  client.send("GET / HTTP/1.1\r\n");
  auto wait = timeval{0, 100'000};
  ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  auto got = std::string{};
  auto begin = std::chrono::steady_clock::now();
  while (got.empty() && std::chrono::steady_clock::now() - begin < std::chrono::seconds{10}) {
    client.send("X: y\r\n");
    got = client.read_some();
  }
  EXPECT_EQ(got.substr(0, 12), "HTTP/1.1 408");
}

TEST_F(http_endpoint, closes_idle_connections_without_a_word) {
  auto client = tls_client{server.port(), http_client()};
  EXPECT_EQ(client.ask(get).status, 200);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(http_endpoint, answers_504_when_the_handler_does_not) {
  auto held = std::promise<http::responder>{};
  server.on_request = [&](http::request, http::responder x) { held.set_value(std::move(x)); };
  auto answer = ask(get);
  EXPECT_EQ(answer.status, 504);
  EXPECT_NE(answer.body.find("outcome_unknown"), std::string::npos);
  held.get_future().get()({200, "text/plain", {}, "too late"});
}

TEST_F(http_endpoint, answers_500_when_the_handler_drops_the_request) {
  server.on_request = [](http::request, http::responder) {};
  EXPECT_EQ(ask(get).status, 500);
}

TEST_F(http_endpoint, tells_the_handler_who_asks) {
  server.on_request = [](http::request x, http::responder answer) {
    answer({200, "text/plain", {}, x.peer});
  };
  EXPECT_EQ(ask(get).body.substr(0, 10), "127.0.0.1:");
}

} // namespace
} // namespace shoal::test
