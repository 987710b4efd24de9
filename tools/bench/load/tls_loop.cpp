#include "tools/bench/load/tls_loop.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/load/clock.hpp"

namespace shoal::bench {

namespace {

constexpr auto source_addresses = 8u; // 127.0.0.1 … 127.0.0.8, so that ports do not run out
constexpr auto buffer_size = std::size_t{256} * 1024;

std::string tls_error() {
  auto text = std::array<char, 256>{};
  auto code = ERR_get_error();
  if (code == 0)
    return "connection closed";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

sockaddr_in loopback(std::uint32_t host, std::uint16_t port) {
  auto address = sockaddr_in{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(0x7f000000u | host);
  return address;
}

template <class T>
const sockaddr* raw(const T& x) {
  return reinterpret_cast<const sockaddr*>(&x);
}

} // namespace

struct tls_loop::slot : connection {
  enum class phase : std::uint8_t { unused, connecting, greeting, shaking, open };
  conversation* talk = nullptr;
  SSL* ssl = nullptr;
  int fd = -1;
  phase at = phase::unused;
  bool watches_write = false;
  bool reading = false; ///< `received` is running: do not flush inside
  std::string rest;     ///< received, not understood yet
};

void connection::flush() {
  auto& s = static_cast<tls_loop::slot&>(*this);
  if (!s.reading && s.at == tls_loop::slot::phase::open)
    loop->write(s);
}

void connection::close() { loop->release(static_cast<tls_loop::slot&>(*this)); }

tls_loop::tls_loop(tickets how)
    : context_{SSL_CTX_new(TLS_client_method())}, epoll_{::epoll_create1(EPOLL_CLOEXEC)},
      buffer_(buffer_size) {
  if (!context_ || epoll_ < 0)
    throw std::runtime_error{"cannot set up TLS or epoll"};
  // One suite for all, so that no server is judged by the cipher it happens to prefer.
  SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context_, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context_, 1); // one system call per read instead of two per record
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  if (how == tickets::ignore)
    return;
  SSL_CTX_set_session_cache_mode(
      context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_set_app_data(context_, this);
  SSL_CTX_sess_set_new_cb(context_, [](SSL* ssl, SSL_SESSION* ticket) {
    auto* self = static_cast<tls_loop*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    self->tickets_.push_back(ticket);
    return 1;
  });
}

tls_loop::~tls_loop() {
  for (auto& s : slots_)
    release(*s);
  for (auto* x : tickets_)
    SSL_SESSION_free(x);
  SSL_CTX_free(context_);
  ::close(epoll_);
}

connection& tls_loop::open(const dial_options& how, conversation& talk) {
  if (free_.empty()) {
    free_.push_back(slots_.size());
    slots_.push_back(std::make_unique<slot>());
  }
  auto index = free_.back();
  auto& s = *slots_[index];
  s.loop = this;
  s.index = index;
  s.talk = &talk;
  s.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s.fd < 0)
    throw std::runtime_error{std::string{"socket: "} + std::strerror(errno)};
  free_.pop_back();
  auto on = 1;
  ::setsockopt(s.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(s.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  auto source = loopback(1 + next_source_++ % source_addresses, 0);
  auto target = loopback(1, how.port);
  if (::bind(s.fd, raw(source), sizeof source) != 0 ||
      (::connect(s.fd, raw(target), sizeof target) != 0 && errno != EINPROGRESS))
    throw std::runtime_error{std::string{"connect: "} + std::strerror(errno)};
  s.ssl = SSL_new(context_);
  SSL_set_connect_state(s.ssl);
  SSL_set_fd(s.ssl, s.fd);
  if (!how.alpn.empty()) {
    auto list = std::string(1, static_cast<char>(how.alpn.size())) + how.alpn;
    SSL_set_alpn_protos(s.ssl, reinterpret_cast<const unsigned char*>(list.data()),
        static_cast<unsigned>(list.size()));
  }
  if (how.resume && !tickets_.empty()) {
    SSL_set_session(s.ssl, tickets_.back());
    SSL_SESSION_free(tickets_.back());
    tickets_.pop_back();
  }
  s.at = how.greeted_plain ? slot::phase::greeting : slot::phase::connecting;
  auto event = epoll_event{};
  event.events = how.greeted_plain ? EPOLLIN : EPOLLOUT;
  event.data.u64 = index;
  s.watches_write = !how.greeted_plain;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, s.fd, &event);
  return s;
}

void tls_loop::step(std::int64_t until_ns) {
  auto left = std::max<std::int64_t>(0, until_ns - now_ns());
  auto timeout = timespec{left / 1'000'000'000, left % 1'000'000'000};
  auto events = std::array<epoll_event, 256>{};
  auto n = ::epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
  for (auto i = 0; i < n; ++i) {
    auto& event = events[static_cast<std::size_t>(i)];
    advance(*slots_[event.data.u64], event.events);
  }
  free_.insert(free_.end(), released_.begin(), released_.end());
  released_.clear();
}

bool tls_loop::run_until(const std::function<bool()>& done, int timeout_s) {
  auto limit = now_ns() + timeout_s * std::int64_t{1'000'000'000};
  while (!done()) {
    if (now_ns() >= limit)
      return false;
    step(std::min(limit, now_ns() + 10'000'000));
  }
  return true;
}

void tls_loop::advance(slot& s, std::uint32_t events) {
  switch (s.at) {
  case slot::phase::unused:
    return;
  case slot::phase::greeting:
    if (!greet(s))
      return;
    [[fallthrough]];
  case slot::phase::connecting:
    s.at = slot::phase::shaking;
    [[fallthrough]];
  case slot::phase::shaking:
    return shake(s);
  case slot::phase::open:
    if (events & EPOLLOUT)
      write(s);
    if (s.at == slot::phase::open && (events & ~EPOLLOUT))
      read(s);
  }
}

bool tls_loop::greet(slot& s) {
  auto n = ::recv(s.fd, buffer_.data(), buffer_.size(), 0);
  if (n > 0 && buffer_[static_cast<std::size_t>(n) - 1] == '\n')
    return true;
  if (n == 0 || (n < 0 && errno != EAGAIN))
    drop(s, "no greeting");
  return false;
}

void tls_loop::shake(slot& s) {
  ERR_clear_error();
  auto result = SSL_do_handshake(s.ssl);
  if (result == 1) {
    s.at = slot::phase::open;
    resumed_ += SSL_session_reused(s.ssl) == 1 ? 1 : 0;
    watch(s, false);
    s.talk->opened(s);
    if (s.at == slot::phase::open)
      write(s);
    return;
  }
  switch (SSL_get_error(s.ssl, result)) {
  case SSL_ERROR_WANT_READ:
    return watch(s, false);
  case SSL_ERROR_WANT_WRITE:
    return watch(s, true);
  default:
    return drop(s, "handshake: " + tls_error());
  }
}

void tls_loop::read(slot& s) {
  s.reading = true;
  do {
    ERR_clear_error();
    auto n = SSL_read(s.ssl, buffer_.data(), static_cast<int>(buffer_.size()));
    if (n <= 0) {
      if (SSL_get_error(s.ssl, n) == SSL_ERROR_WANT_READ)
        break;
      return drop(s, "read: " + tls_error());
    }
    auto bytes = std::string_view{buffer_.data(), static_cast<std::size_t>(n)};
    if (!s.rest.empty())
      bytes = s.rest.append(bytes);
    auto used = s.talk->received(s, bytes);
    if (s.at != slot::phase::open)
      return;
    if (s.rest.empty())
      s.rest.assign(bytes.substr(used));
    else
      s.rest.erase(0, used);
  } while (SSL_has_pending(s.ssl));
  s.reading = false;
  write(s);
}

void tls_loop::write(slot& s) {
  auto done = std::size_t{0};
  while (done < s.out.size()) {
    ERR_clear_error();
    auto n = SSL_write(s.ssl, s.out.data() + done, static_cast<int>(s.out.size() - done));
    if (n <= 0) {
      if (SSL_get_error(s.ssl, n) != SSL_ERROR_WANT_WRITE)
        return drop(s, "write: " + tls_error());
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  s.out.erase(0, done);
  watch(s, !s.out.empty());
}

void tls_loop::watch(slot& s, bool write_too) {
  if (s.watches_write == write_too)
    return;
  s.watches_write = write_too;
  auto event = epoll_event{};
  event.events = EPOLLIN | (write_too ? EPOLLOUT : 0u);
  event.data.u64 = s.index;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, s.fd, &event);
}

void tls_loop::drop(slot& s, const std::string& why) {
  auto* talk = s.talk;
  release(s);
  talk->lost(why);
}

void tls_loop::release(slot& s) {
  if (s.at == slot::phase::unused)
    return;
  // RST instead of FIN: a run leaves no thousands of ports in TIME_WAIT behind.
  auto hard = linger{1, 0};
  ::setsockopt(s.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  // Without this OpenSSL would call the session broken and its ticket useless.
  SSL_set_shutdown(s.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(s.ssl);
  ::close(s.fd);
  s.fd = -1;
  s.ssl = nullptr;
  s.at = slot::phase::unused;
  s.reading = false;
  s.out.clear();
  s.rest.clear();
  released_.push_back(s.index);
}

} // namespace shoal::bench
