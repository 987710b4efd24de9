#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/config_check.hpp"
#include "cluster/config_nodes.hpp"
#include "protocol/tls/certificate.hpp"
#include "tests/support/temp_dir.hpp"

namespace shoal::cluster {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class config_check : public ::testing::Test {
public:
  config_check() {
    tls::write_authority(ca, "ca");
    tls::write_signed(node, {"n1"}, ca);
    x.nodes = {{"n1", "0.0.0.0:8443", "10.0.0.1:7001", "127.0.0.1:9464", path("data")},
        {"n2", "0.0.0.0:8443", "10.0.0.2:7001", "127.0.0.1:9464", path("data")},
        {"n3", "0.0.0.0:8443", "10.0.0.3:7001", "127.0.0.1:9464", path("data")}};
    x.cluster.meta = "etcd";
    x.etcd.endpoints = {"https://10.0.0.1:2379"};
    x.etcd.ca = ca.certificate;
    x.link = {ca.certificate, path("{node}.pem"), path("{node}.key")};
  }

  std::string path(const std::string& name) const { return dir.path() / name; }
  explanation explained(const std::string& name = "n1") const { return explain(for_node(x, name)); }

  test::temp_dir dir;
  tls::pem_files ca{path("ca.pem"), path("ca.key")};
  tls::pem_files node{path("n1.pem"), path("n1.key")};
  config x;
};

TEST_F(config_check, tells_who_this_node_is_and_who_the_others_are) {
  auto found = explained();
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_THAT(found.facts, Contains("This is node 'n1' of cluster 'shoal'."));
  EXPECT_THAT(found.facts, Contains("Its peers are n2 at 10.0.0.2:7001, n3 at 10.0.0.3:7001."));
  EXPECT_THAT(found.facts, Contains("It listens for them at 10.0.0.1:7001."));
  EXPECT_THAT(found.facts,
      Contains("Each of the 64 partitions has 3 copies: 1 of their nodes may be lost at a time."));
  EXPECT_THAT(found.facts,
      Contains("Who owns what is kept in etcd at https://10.0.0.1:2379, under /shoal/shoal/."));
  EXPECT_FALSE(std::filesystem::exists(path("data")));
}

TEST_F(config_check, tells_that_a_lonely_node_needs_nothing) {
  auto found = explain(config{});
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_THAT(found.facts, Contains("It is alone, and leads all 64 partitions."));
}

TEST_F(config_check, names_files_that_cannot_be_read) {
  auto found = explained("n2");
  EXPECT_THAT(found.problems,
      ElementsAre(HasSubstr("n2.pem cannot be read: No such file"), HasSubstr("n2.key cannot be")));
  x.etcd.ca = dir.path();
  EXPECT_THAT(explained().problems, ElementsAre(HasSubstr("is not a file")));
}

TEST_F(config_check, sees_what_the_other_nodes_would_refuse) {
  tls::write_signed({path("n2.pem"), path("n2.key")}, {"n1"}, ca);
  EXPECT_THAT(explained("n2").problems, ElementsAre(HasSubstr("does not hold the name 'n2'")));
  tls::write_authority(ca, "ca");
  EXPECT_THAT(explained().problems, ElementsAre(HasSubstr("was not signed by")));
}

TEST_F(config_check, sees_keys_that_do_not_fit_or_are_open_to_everybody) {
  tls::write_signed({path("x.pem"), path("n1.key")}, {"n1"}, ca);
  EXPECT_THAT(explained().problems, ElementsAre(HasSubstr("is the key of another certificate")));
  tls::write_signed(node, {"n1"}, ca);
  std::filesystem::permissions(
      node.key, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  EXPECT_THAT(explained().problems, ElementsAre(HasSubstr("read by everybody")));
  std::ofstream{node.key} << "noise";
  EXPECT_THAT(explained().problems, Contains(HasSubstr("holds no private key")));
  std::ofstream{node.certificate} << "noise";
  EXPECT_THAT(explained().problems, Contains(HasSubstr("holds no certificate")));
}

TEST_F(config_check, sees_a_data_folder_that_is_none) {
  std::ofstream{path("data")} << "a file";
  EXPECT_THAT(explained().problems, ElementsAre(HasSubstr("data is not a folder")));
}

TEST_F(config_check, looks_at_the_certificate_for_devices) {
  x.listen.certificate = path("d.pem");
  x.listen.key = path("d.key");
  EXPECT_EQ(explained().problems.size(), 2u);
  tls::write_self_signed(x.listen.certificate, x.listen.key, {"localhost"});
  EXPECT_THAT(explained().problems, IsEmpty());
}

TEST_F(config_check, looks_at_the_etcd_of_gateway_groups) {
  x.gateway.discovery_etcd = {"https://e1:2379", "https://e2:2379"};
  EXPECT_THAT(
      explained().facts, Contains(HasSubstr("in etcd at https://e1:2379, https://e2:2379")));
  EXPECT_THAT(explained().problems, IsEmpty());
  x.gateway.discovery_etcd_ca = path("none.pem");
  EXPECT_THAT(explained().problems, ElementsAre(HasSubstr("[gateway] discovery_etcd_ca: ")));
}

} // namespace
} // namespace shoal::cluster
