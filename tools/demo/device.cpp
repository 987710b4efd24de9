// shoal-demo: one device of one user. Prints every op it receives, keeps its position in a file and
// acknowledges, until SIGTERM or Ctrl-C.
//
// It also makes its own user token, from the secret that a business server would share with Shoal:
// convenient for a demonstration, and the one thing a real app must never do.
#include <csignal>
#include <cstdio>
#include <ctime>

#include <CLI/CLI.hpp>

#include "protocol/user_token.hpp"
#include "tools/sdk/cpp/client.hpp"

namespace {

void say(const std::string& who, const std::string& what) {
  std::printf("%s %s\n", who.c_str(), what.c_str());
  std::fflush(stdout); // others read along
}

std::string describe(const shoal::state_change& x) {
  switch (x.state) {
  case shoal::client_state::connecting:
    return "connecting";
  case shoal::client_state::online:
    return "online";
  case shoal::client_state::waiting:
    return "waiting to reconnect";
  case shoal::client_state::stopped:
    return "stopped: " + x.text;
  }
  return {};
}

std::string token_for(const std::string& secret, const std::string& user) {
  return shoal::make_user_token(secret, user, "", std::time(nullptr) + 3600);
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"One device that prints what it receives."};
  shoal::client_options options;
  std::string user, user_secret, positions;
  std::vector<std::string> bizs;
  options.host = "localhost";
  app.add_option("--host", options.host, "Host of the node");
  app.add_option("--port", options.port, "TLS port of the node")->required();
  app.add_option("--ca", options.ca_file, "Certificate to trust (PEM)");
  app.add_option("--key", options.key, "Device key of the app")->required();
  app.add_option("--secret", options.secret, "Its secret")->envname("SHOAL_DEVICE_SECRET");
  app.add_option("--device", options.device, "Device id")->required();
  app.add_option("--user", user, "User to bind")->required();
  app.add_option("--user-secret", user_secret, "Secret that signs user tokens")
      ->envname("SHOAL_USER_SECRET");
  app.add_option("--positions", positions, "File that keeps the positions")->required();
  app.add_option("biz", bizs, "Business types to follow")->required();
  CLI11_PARSE(app, argc, argv);

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(
      SIG_BLOCK, &signals, nullptr); // before any thread, so that only sigwait sees them

  try {
    options.facts.os = "linux";
    options.positions = std::make_shared<shoal::file_positions>(positions);
    auto who = "device " + options.device + " (user " + user + ")";
    shoal::client client{options};
    client.on_state([&](const shoal::state_change& x) { say(who, describe(x)); });
    client.on_reset([&](const std::string& biz, shoal::position to, shoal::reset_why why) {
      say(who, biz + " reset to #" + std::to_string(to.id) +
                   (shoal::must_reload(why) ? ", reload" : ""));
    });
    client.on_subscribed([&](const std::string& biz, shoal::ec code, const std::string& text) {
      say(who, code == shoal::ec::none ? "follows " + biz : biz + " refused: " + text);
    });
    client.bind(user, [&](const std::string& name) { return token_for(user_secret, name); });
    for (const auto& biz : bizs)
      client.subscribe(biz, [&](const shoal::received_op& op) {
        say(who, op.biz + " #" + std::to_string(op.at.id) + " \"" + op.payload + "\"");
      });
    client.connect();
    int received = 0;
    sigwait(&signals, &received);
    client.stop();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "shoal-demo: %s\n", e.what());
    return 1;
  }
}
