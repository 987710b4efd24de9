#include <fstream>

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "protocol/tls/certificate.hpp"
#include "protocol/tls/context.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::tls {
namespace {

using namespace std::chrono_literals;

class certificate_test : public ::testing::Test {
public:
  std::string path(const char* name) { return dir.path() / name; }

  /// What make_context says; "" if it is content.
  std::string complaint(const std::string& certificate, const std::string& key) {
    try {
      make_context(certificate, key, keys);
      return {};
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  test::temp_dir dir;
  ticket_keys keys{1h, ticket_keys::time_point{}};
};

TEST_F(certificate_test, can_be_served_and_is_for_its_names) {
  write_self_signed(path("c"), path("k"), {"localhost", "127.0.0.1"});
  EXPECT_EQ(complaint(path("c"), path("k")), "");
  auto context = make_context(path("c"), path("k"), keys);
  auto* certificate = SSL_CTX_get0_certificate(context.get());
  EXPECT_EQ(X509_check_host(certificate, "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_host(certificate, "example.org", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
}

TEST_F(certificate_test, keeps_its_key_from_others) {
  std::ofstream{path("k")} << "old and open";
  write_self_signed(path("c"), path("k"), {"localhost"});
  using std::filesystem::perms;
  auto mode = std::filesystem::status(path("k")).permissions();
  EXPECT_EQ(mode & (perms::group_all | perms::others_all), perms::none);
}

TEST_F(certificate_test, refuses_names_that_would_become_two) {
  EXPECT_THROW(write_self_signed(path("c"), path("k"), {"a,DNS:b"}), std::runtime_error);
  EXPECT_THROW(write_self_signed(path("c"), path("k"), {""}), std::runtime_error);
}

TEST_F(certificate_test, says_which_file_cannot_be_written) {
  try {
    write_self_signed(path("no/such/c"), path("no/such/k"), {"a"});
    FAIL() << "wrote into a folder that is not there";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string{error.what()}.find("no/such/k: No such file"), std::string::npos)
        << error.what();
  }
}

TEST_F(certificate_test, make_context_says_what_is_wrong) {
  write_self_signed(path("c"), path("k"), {"a"});
  write_self_signed(path("c2"), path("k2"), {"a"});
  std::ofstream{path("noise")} << "noise";
  EXPECT_NE(complaint(path("missing"), path("k")).find("missing: No such file"), std::string::npos)
      << complaint(path("missing"), path("k"));
  EXPECT_NE(
      complaint(path("noise"), path("k")).find("cannot read a certificate"), std::string::npos);
  EXPECT_NE(
      complaint(path("c"), path("noise")).find("cannot use the private key"), std::string::npos);
  auto mixed = complaint(path("c"), path("k2"));
  EXPECT_NE(mixed.find("key"), std::string::npos) << mixed;
  EXPECT_NE(mixed.find("mismatch"), std::string::npos) << mixed;
}

} // namespace
} // namespace shoal::tls
