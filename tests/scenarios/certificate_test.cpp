// A certificate is replaced while the node serves: write the files, send SIGHUP.
#include <csignal>
#include <fstream>

#include "protocol/tls/certificate.hpp"
#include "tests/scenarios/real_node.hpp"

namespace shoal::faults {
namespace {

class certificate : public testing::Test {
protected:
  void SetUp() override {
    renew();
    std::ofstream{config_file()} << "[listen]\ncertificate = \"" << file("chain.pem")
                                 << "\"\nkey = \"" << file("key.pem") << "\"\n";
    node = std::make_unique<server>(
        find_shoald(), folder.path().string(), std::vector<std::string>{"--config", config_file()});
    node->start();
  }

  void TearDown() override { node->stop(); }

  std::string file(const std::string& name) const { return (folder.path() / name).string(); }
  std::string config_file() const { return file("shoal.toml"); }
  void renew() { tls::write_self_signed(file("chain.pem"), file("key.pem"), {"localhost"}); }
  void hang_up() { ASSERT_EQ(::kill(node->pid(), SIGHUP), 0); }

  std::string serial() const { return test::tls_client{node->port()}.serial(); }

  std::string log() const {
    auto in = std::ifstream{node->log_file()};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  /// A connection for HTTP, so that it can be asked whether it is alive.
  static bool answers(test::tls_client& x) {
    return x.ask("GET /v1/openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200;
  }

  test::temp_dir folder;
  std::unique_ptr<server> node;
};

TEST_F(certificate, is_read_again_on_sighup_and_connections_stay) {
  auto old = serial();
  auto live = test::tls_client{node->port(), {.alpn = {"http/1.1"}}};
  ASSERT_TRUE(answers(live));
  auto ticket = live.session();
  renew();
  EXPECT_EQ(serial(), old) << "nobody said that the files are complete";
  hang_up();
  ASSERT_TRUE(wait_until(10'000, [&] { return serial() != old; })) << "the old one is served";
  EXPECT_TRUE(answers(live));
  EXPECT_EQ(live.serial(), old);
  auto resumed = test::tls_client{node->port(), {.alpn = {"http/1.1"}, .resume = ticket.get()}};
  EXPECT_TRUE(resumed.reused()) << "a new certificate ends no session";
  EXPECT_TRUE(answers(resumed));
}

TEST_F(certificate, stays_when_the_new_one_is_broken_and_the_log_says_so) {
  auto old = serial();
  auto live = test::tls_client{node->port(), {.alpn = {"http/1.1"}}};
  ASSERT_TRUE(answers(live));
  std::ofstream{file("chain.pem")} << "half a cert";
  hang_up();
  auto said = [&] { return log().find("certificate not reloaded") != std::string::npos; };
  ASSERT_TRUE(wait_until(10'000, said)) << log();
  EXPECT_NE(log().find(file("chain.pem")), std::string::npos) << "which file: " << log();
  EXPECT_EQ(serial(), old);
  EXPECT_TRUE(answers(live));
  renew();
  hang_up();
  EXPECT_TRUE(wait_until(10'000, [&] { return serial() != old; })) << "a good one later is taken";
}

TEST_F(certificate, stays_when_the_key_belongs_to_another) {
  auto old = serial();
  tls::write_self_signed(file("chain.pem"), file("other.pem"), {"localhost"});
  hang_up();
  auto said = [&] { return log().find("certificate not reloaded") != std::string::npos; };
  ASSERT_TRUE(wait_until(10'000, said)) << log();
  EXPECT_EQ(serial(), old);
}

} // namespace
} // namespace shoal::faults
