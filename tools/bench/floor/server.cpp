#include "tools/bench/floor/server.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <rocksdb/db.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/device.pb.h"
#include "protocol/frame.hpp"

namespace shoal::bench {

namespace {

constexpr auto page_ops = 64;
constexpr auto own_biz = "OWN";

struct peer {
  SSL* ssl = nullptr;
  int fd = -1;
  bool shaken = false;
  bool follows_all = false;
  std::uint32_t user = floor_all;
  std::string in, out;
};

std::string encoded(frame_type type, const google::protobuf::MessageLite& m) {
  return encode_frame(type, m.SerializeAsString());
}

std::string store_key(std::uint32_t user, std::uint64_t id) {
  auto key = std::string(12, '\0');
  for (auto i = 0u; i < 4; ++i)
    key[i] = static_cast<char>(user >> (24 - 8 * i));
  for (auto i = 0u; i < 8; ++i)
    key[4 + i] = static_cast<char>(id >> (56 - 8 * i));
  return key;
}

class floor_server {
public:
  floor_server(std::uint16_t port, const certificate_files& certificate, std::string folder)
      : folder_{std::move(folder)}, context_{SSL_CTX_new(TLS_server_method())},
        epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
    SSL_CTX_use_certificate_chain_file(context_, certificate.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_, certificate.key.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    listen_on(port);
  }

  [[noreturn]] void run() {
    auto events = std::array<epoll_event, 256>{};
    while (true) {
      auto n = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (auto i = 0; i < n; ++i) {
        auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listener_)
          accept_all();
        else if (auto found = peers_.find(event.data.fd); found != peers_.end())
          advance(*found->second);
      }
    }
  }

private:
  void listen_on(std::uint16_t port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    auto on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto address = sockaddr_in{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 4096) != 0)
      throw std::runtime_error{"the floor server cannot listen"};
    watch(listener_, EPOLL_CTL_ADD, EPOLLIN);
  }

  void watch(int fd, int how, std::uint32_t events) {
    auto event = epoll_event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, how, fd, &event);
  }

  void accept_all() {
    while (true) {
      auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0)
        return;
      auto on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto x = std::make_unique<peer>();
      x->fd = fd;
      x->ssl = SSL_new(context_);
      SSL_set_fd(x->ssl, fd);
      SSL_set_accept_state(x->ssl);
      watch(fd, EPOLL_CTL_ADD, EPOLLIN);
      peers_[fd] = std::move(x);
    }
  }

  void advance(peer& x) {
    if (!x.shaken) {
      auto result = SSL_do_handshake(x.ssl);
      if (result != 1)
        return SSL_get_error(x.ssl, result) == SSL_ERROR_WANT_READ ? void() : drop(x);
      x.shaken = true;
    }
    auto chunk = std::array<char, 16 * 1024>{};
    while (true) {
      auto n = SSL_read(x.ssl, chunk.data(), chunk.size());
      if (n <= 0) {
        if (SSL_get_error(x.ssl, n) != SSL_ERROR_WANT_READ)
          return drop(x);
        break;
      }
      x.in.append(chunk.data(), static_cast<std::size_t>(n));
    }
    take_frames(x);
    send(x, {});
  }

  void drop(peer& x) {
    if (auto i = devices_.find(x.user); i != devices_.end() && i->second == &x)
      devices_.erase(i);
    SSL_free(x.ssl);
    ::close(x.fd);
    peers_.erase(x.fd);
  }

  void take_frames(peer& x) {
    auto used = std::size_t{0};
    while (x.in.size() - used >= frame_header_size) {
      auto length = std::uint32_t{0};
      std::memcpy(&length, x.in.data() + used, 4);
      length = ntohl(length);
      if (x.in.size() - used < length + 4)
        break;
      auto body = x.in.substr(used + frame_header_size, length - 2);
      handle(x, static_cast<std::uint8_t>(x.in[used + 4]), body);
      used += length + 4;
    }
    if (used == x.in.size())
      x.in = std::string{}; // gives the memory back
    else
      x.in.erase(0, used);
  }

  void handle(peer& x, std::uint8_t type, const std::string& body) {
    if (type == floor_publish)
      return publish(x, body);
    switch (static_cast<frame_type>(type)) {
    case frame_type::hello: {
      auto hello = wire::Hello{};
      hello.ParseFromString(body);
      x.user = static_cast<std::uint32_t>(std::stoul(hello.device().substr(1)));
      devices_[x.user] = &x;
      return send(x, encoded(frame_type::welcome, wire::Welcome{}));
    }
    case frame_type::bind: {
      auto bound = wire::Bound{};
      bound.set_binding(1);
      return send(x, encoded(frame_type::bound, bound));
    }
    case frame_type::subscribe:
      return subscribe(x, body);
    default:
      return; // acknowledgements: nothing to do
    }
  }

  void subscribe(peer& x, const std::string& body) {
    auto wish = wire::Subscribe{};
    wish.ParseFromString(body);
    auto answer = wire::Subscribed{};
    answer.set_biz(wish.entries(0).biz());
    answer.mutable_position()->set_epoch(1);
    send(x, encoded(frame_type::subscribed, answer));
    x.follows_all = answer.biz() != own_biz;
    if (db_ && !x.follows_all)
      replay(x);
  }

  void replay(peer& x) {
    auto rows = std::unique_ptr<rocksdb::Iterator>{db_->NewIterator({})};
    auto out = std::string{};
    auto page = wire::Ops{};
    auto id = std::uint64_t{0};
    auto finish_page = [&] {
      if (page.ops_size() == 0)
        return;
      page.set_biz(own_biz);
      page.set_epoch(1);
      page.set_upto(id);
      out += encoded(frame_type::ops, page);
      page.Clear();
      page.set_after(id);
    };
    auto end = store_key(x.user + 1, 0);
    for (rows->Seek(store_key(x.user, 0)); rows->Valid() && rows->key().compare(end) < 0;
         rows->Next()) {
      auto* op = page.add_ops();
      op->set_id(++id);
      op->set_payload(rows->value().ToString());
      if (page.ops_size() == page_ops)
        finish_page();
    }
    finish_page();
    send(x, out);
  }

  void publish(peer& from, const std::string& body) {
    auto order = floor_order{};
    std::memcpy(&order, body.data(), std::min(body.size(), sizeof order));
    if (order.store != 0)
      store(order);
    else
      deliver(order);
    auto count = std::string(4, '\0');
    std::memcpy(count.data(), &order.count, 4);
    send(from, encode_frame(static_cast<frame_type>(floor_done), count));
  }

  void deliver(const floor_order& order) {
    auto batch = wire::Ops{};
    batch.set_biz(order.user == floor_all ? "ALL" : own_biz);
    batch.set_epoch(1);
    batch.set_after(last_);
    for (auto i = 0u; i < order.count; ++i) {
      auto* op = batch.add_ops();
      op->set_id(++last_);
      op->set_payload(std::string(order.size, 'x'));
    }
    batch.set_upto(last_);
    auto bytes = encoded(frame_type::ops, batch);
    if (order.user != floor_all) {
      if (auto i = devices_.find(order.user); i != devices_.end())
        send(*i->second, bytes);
      return;
    }
    for (auto& [user, x] : devices_) {
      if (x->follows_all)
        send(*x, bytes);
    }
  }

  void store(const floor_order& order) {
    if (!db_) {
      auto settings = rocksdb::Options{};
      settings.create_if_missing = true;
      rocksdb::DB* db = nullptr;
      if (!rocksdb::DB::Open(settings, folder_ + "/floor", &db).ok())
        throw std::runtime_error{"the floor server cannot open its database"};
      db_.reset(db);
    }
    auto rows = rocksdb::WriteBatch{};
    for (auto i = 0u; i < order.count; ++i)
      rows.Put(store_key(order.user, ++last_), std::string(order.size, 'x'));
    db_->Write({}, &rows);
  }

  void send(peer& x, std::string_view bytes) {
    if (!x.out.empty()) {
      x.out += bytes;
      bytes = x.out;
    }
    auto done = std::size_t{0};
    while (done < bytes.size()) {
      auto n = SSL_write(x.ssl, bytes.data() + done, static_cast<int>(bytes.size() - done));
      if (n <= 0)
        break;
      done += static_cast<std::size_t>(n);
    }
    auto left = std::string{bytes.substr(done)};
    if (left.empty() != x.out.empty() || !left.empty())
      watch(x.fd, EPOLL_CTL_MOD, left.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
    x.out = std::move(left);
  }

  std::string folder_;
  SSL_CTX* context_;
  int epoll_;
  int listener_ = -1;
  std::unordered_map<int, std::unique_ptr<peer>> peers_;
  std::unordered_map<std::uint32_t, peer*> devices_;
  std::unique_ptr<rocksdb::DB> db_;
  std::uint64_t last_ = 0;
};

} // namespace

void run_floor_server(
    std::uint16_t port, const certificate_files& certificate, const std::string& folder) {
  std::signal(SIGPIPE, SIG_IGN);
  floor_server{port, certificate, folder}.run();
}

} // namespace shoal::bench
