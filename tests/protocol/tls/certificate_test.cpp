#include <fstream>
#include <memory>

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "protocol/tls/certificate.hpp"
#include "protocol/tls/context.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::tls {
namespace {

using namespace std::chrono_literals;
using owned_x509 = std::unique_ptr<X509, decltype(&X509_free)>;

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

class authority_test : public certificate_test {
public:
  pem_files ca{path("ca.pem"), path("ca.key")};
  pem_files node{path("n1.pem"), path("n1.key")};

  owned_x509 read(const std::string& file) {
    auto* in = std::fopen(file.c_str(), "r");
    auto out = owned_x509{in ? PEM_read_X509(in, nullptr, nullptr, nullptr) : nullptr, X509_free};
    if (in)
      std::fclose(in);
    return out;
  }

  /// What a TLS peer would say about the node's certificate when it trusts only `root`.
  int verdict(const std::string& file, const std::string& root, int purpose) {
    auto certificate = read(file);
    auto trusted = read(root);
    auto* store = X509_STORE_new();
    X509_STORE_add_cert(store, trusted.get());
    auto* context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, certificate.get(), nullptr);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_verify_cert(context);
    auto out = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return out;
  }
};

TEST_F(authority_test, signs_nodes_for_both_ends_of_a_link) {
  write_authority(ca, "cluster c1");
  write_signed(node, {"n1", "127.0.0.1"}, ca);
  EXPECT_EQ(verdict(node.certificate, ca.certificate, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
  EXPECT_EQ(verdict(node.certificate, ca.certificate, X509_PURPOSE_SSL_SERVER), X509_V_OK);
  EXPECT_EQ(X509_check_host(read(node.certificate).get(), "n1", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(read(node.certificate).get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(complaint(node.certificate, node.key), "");
}

TEST_F(authority_test, is_not_mistaken_for_another_of_the_same_name) {
  write_authority(ca, "cluster c1");
  write_signed(node, {"n1"}, ca);
  auto other = pem_files{path("other.pem"), path("other.key")};
  write_authority(other, "cluster c1");
  EXPECT_NE(verdict(node.certificate, other.certificate, X509_PURPOSE_SSL_SERVER), X509_V_OK);
}

TEST_F(authority_test, keeps_all_keys_from_others) {
  write_authority(ca, "cluster c1");
  write_signed(node, {"n1"}, ca);
  using std::filesystem::perms;
  for (auto& file : {ca.key, node.key})
    EXPECT_EQ(std::filesystem::status(file).permissions() & (perms::group_all | perms::others_all),
        perms::none);
}

TEST_F(authority_test, says_why_it_cannot_sign) {
  auto problem = [&](const std::vector<std::string>& names) {
    try {
      write_signed(node, names, ca);
    } catch (const std::runtime_error& error) {
      return std::string{error.what()};
    }
    return std::string{"(none)"};
  };
  EXPECT_NE(problem({"n1"}).find("ca.pem cannot be read"), std::string::npos);
  write_authority(ca, "cluster c1");
  EXPECT_NE(problem({}).find("no name"), std::string::npos);
  EXPECT_NE(problem({"a,DNS:b"}).find("bad name"), std::string::npos);
  std::filesystem::rename(ca.key, path("hidden"));
  write_signed({path("x.pem"), path("ca.key")}, {"n1"}, {ca.certificate, path("hidden")});
  EXPECT_NE(problem({"n1"}).find("is not the key of"), std::string::npos);
  std::ofstream{ca.key} << "noise";
  EXPECT_NE(problem({"n1"}).find("holds no private key"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(node.certificate));
}

} // namespace
} // namespace shoal::tls
