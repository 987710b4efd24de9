// shoal-link-node: a process with nothing but node links, for tests that stop, kill and cut off
// processes. Sends numbered frames to every peer that is up, from 0 at each `up`, and judges what
// it hears in the same way. Lines on stdout:
//
//   port 12345
//   up n1 <incarnation>
//   down n1 <why>
//   mixed <what was heard>        a frame that does not follow the one before: must never happen
#include <cstdio>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include <CLI/CLI.hpp>

#include "cluster/node_links.hpp"

namespace {

using namespace shoal::cluster;

/// What was said and heard since each peer's last `up`.
class talk {
public:
  link_handlers handlers() {
    return {
        [this](const peer_info& from, traffic, std::string body) { hear(from, body); },
        [this](const peer_info& x) { rise(x); },
        [this](const peer_info& x, const std::string& why) { fall(x, why); },
    };
  }

  /// One frame to each peer that has room for it.
  void say(node_links& links) {
    auto lock = std::lock_guard{mutex_};
    for (auto& [name, x] : peers_)
      if (x.up && links.send(name, traffic::feeds, std::to_string(x.said)))
        ++x.said;
  }

private:
  struct peer {
    bool up = false;
    std::uint64_t incarnation = 0;
    std::uint64_t said = 0, heard = 0;
  };

  void hear(const peer_info& from, const std::string& body) {
    auto lock = std::lock_guard{mutex_};
    auto& x = peers_[from.name];
    if (!x.up || x.incarnation != from.incarnation || body != std::to_string(x.heard))
      std::printf(
          "mixed %s instead of %llu\n", body.c_str(), static_cast<unsigned long long>(x.heard));
    ++x.heard;
  }
  void rise(const peer_info& from) {
    auto lock = std::lock_guard{mutex_};
    peers_[from.name] = {true, from.incarnation, 0, 0};
    std::printf(
        "up %s %llu\n", from.name.c_str(), static_cast<unsigned long long>(from.incarnation));
  }
  void fall(const peer_info& from, const std::string& why) {
    auto lock = std::lock_guard{mutex_};
    peers_[from.name].up = false;
    std::printf("down %s %s\n", from.name.c_str(), why.c_str());
  }

  std::mutex mutex_;
  std::map<std::string, peer> peers_;
};

peer_address parse(const std::string& text) {
  auto equals = text.find('='), colon = text.rfind(':');
  return {text.substr(0, equals), text.substr(equals + 1, colon - equals - 1),
      static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1)))};
}

} // namespace

int main(int argc, char** argv) try {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  auto app = CLI::App{"Node links and nothing else, for tests"};
  auto x = link_options{};
  auto peers = std::vector<std::string>{};
  auto dead_after = 1000;
  x.cluster = "test";
  x.incarnation = std::random_device{}();
  x.heartbeat = std::chrono::milliseconds{100};
  x.redial = std::chrono::milliseconds{50};
  app.add_option("--name", x.self)->required();
  app.add_option("--listen", x.listen_host);
  app.add_option("--port", x.listen_port);
  app.add_option("--certificate", x.certificate)->required();
  app.add_option("--key", x.key)->required();
  app.add_option("--ca", x.ca)->required();
  app.add_option("--peer", peers, "name=host:port");
  app.add_option("--dead-after", dead_after, "ms");
  CLI11_PARSE(app, argc, argv);
  x.dead_after = std::chrono::milliseconds{dead_after};
  auto talking = talk{};
  auto links = make_node_links(x, talking.handlers());
  std::printf("port %u\n", links->port());
  auto addresses = std::vector<peer_address>{};
  for (auto& text : peers)
    addresses.push_back(parse(text));
  links->set_peers(addresses);
  for (;;) {
    talking.say(*links);
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
