// Prints what one device receives: shoal-sdk-example HOST PORT KEY SECRET DEVICE USER TOKEN BIZ
#include <csignal>
#include <cstdio>

#include "tools/sdk/cpp/client.hpp"

int main(int argc, char** argv) {
  if (argc != 9)
    return std::fputs(
               "usage: shoal-sdk-example HOST PORT KEY SECRET DEVICE USER TOKEN BIZ\n", stderr),
           2;
  auto signals = sigset_t{};
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr); // so that only sigwait below sees it

  auto options = shoal::client_options{};
  options.host = argv[1];
  options.port = static_cast<std::uint16_t>(std::stoi(argv[2]));
  options.insecure = true; // development certificate; name a ca_file otherwise
  options.key = argv[3];
  options.secret = argv[4];
  options.device = argv[5];
  options.facts.os = "linux";
  options.positions = std::make_shared<shoal::file_positions>("shoal.positions");

  auto client = shoal::client{options};
  client.on_state([](auto& x) { std::printf("state %d %s\n", int(x.state), x.text.c_str()); });
  client.on_reset(
      [](auto& biz, auto to, auto) { std::printf("%s now at %ju\n", biz.c_str(), to.id); });
  client.bind(argv[6], [token = argv[7]](auto&) { return token; });
  client.subscribe(argv[8], [](const shoal::received_op& op) {
    std::printf("%s %ju %s\n", op.biz.c_str(), op.at.id, op.payload.c_str());
  });
  client.connect();
  auto received = 0;
  sigwait(&signals, &received); // until Ctrl-C
  client.stop();
}
