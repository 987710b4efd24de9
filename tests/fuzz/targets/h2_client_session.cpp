// What a backend sends on an HTTP/2 connection, in pieces: bounded, every stream ends at most once,
// and no answer holds what HTTP/1.1 could not carry.
#include "protocol/http/h2_client_session.hpp"

#include <algorithm>
#include <set>

#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

constexpr auto limits = http::h2_client_limits{8, 4, {2048, 20, 8192}};

bool plain(std::string_view x) { return x.find_first_of(std::string_view{"\r\n\0", 3}) == x.npos; }

void check(const http::reply& x) {
  fuzz::require(x.status >= 200 && x.status <= 999, "no status of a last answer");
  fuzz::require(x.body.size() <= limits.answer.body, "a body is larger than the limit");
  fuzz::require(x.fields() + x.trailers.size() <= limits.answer.fields, "too many fields");
  auto bytes = std::size_t{0};
  for (auto i = std::size_t{0}; i < x.fields(); ++i) {
    fuzz::require(plain(x.at(i).name) && plain(x.at(i).value), "a field holds a line end");
    fuzz::require(!x.at(i).name.starts_with(':'), "a field that is none of HTTP/1.1");
    bytes += x.at(i).name.size() + x.at(i).value.size();
  }
  for (auto& [name, value] : x.trailers) {
    fuzz::require(plain(name) && plain(value), "a trailer holds a line end");
    bytes += name.size() + value.size();
  }
  fuzz::require(bytes <= limits.answer.header, "a head is larger than the limit");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto get = std::string{"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"};
  static const auto post =
      "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n" + std::string(70'000, 'x');
  auto in = fuzz::text_of(data, size);
  auto piece = fuzz::take_byte(in) % 64 + 1;
  auto how = fuzz::take_byte(in);
  auto session = http::h2_client_session{limits, true};
  auto open = std::set<std::uint32_t>{};
  auto ask = [&](const std::string& request) {
    if (auto stream = session.ask(request); stream != 0)
      fuzz::require(open.insert(stream).second, "a stream was given twice");
  };
  auto hear = [&] {
    while (session.has_event()) {
      auto x = session.take();
      fuzz::require(open.erase(x.stream) == 1, "an end of a stream that is not open");
      if (x.what == http::h2_client_session::fate::answered)
        check(x.answer);
    }
  };
  ask(get);
  ask(post);
  auto lives = true;
  for (auto fed = std::size_t{0}; fed < in.size() && lives; fed += piece) {
    auto part = in.substr(fed, piece);
    lives = session.feed(part);
    hear();
    auto out = std::string{};
    lives = session.produce(out, 32 * 1024) && lives;
    hear(); // of requests that could not leave any more
    fuzz::require(out.size() <= 64 * 1024 + 64 * part.size(), "more is said than was asked");
    fuzz::require(session.streams() <= 8 && session.room() <= 8, "more streams than there may be");
    if (lives && session.room() > 0 && (how & 1) != 0)
      ask(get);
    if (lives && (how & 2) != 0 && open.size() > 1) {
      session.give_up(*open.begin());
      open.erase(open.begin());
    }
    if ((how & 4) != 0)
      session.ping();
  }
  return 0;
}
