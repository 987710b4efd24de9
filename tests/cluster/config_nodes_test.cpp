#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/config_nodes.hpp"

namespace shoal::cluster {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Line 1 is [cluster]; n2's link is on line 23.
constexpr auto three = R"([cluster]
name = "c1"
meta = "etcd"
[etcd]
endpoints = ["https://127.0.0.1:2379", "https://[::1]:2380"]
ca = "ca.pem"
[link]
ca = "ca.pem"
certificate = "{node}/{node}.pem"
key = "{node}/{node}.key"
[listen]
certificate = "devices.pem"
key = "devices.key"
[[nodes]]
name = "n1"
address = "0.0.0.0:8443"
link = "10.0.0.1:7001"
admin = "127.0.0.1:9464"
data_dir = "/var/lib/shoal"
[[nodes]]
name = "n2"
address = "0.0.0.0:8443"
link = "10.0.0.2:7001"
admin = "127.0.0.1:9464"
[[nodes]]
name = "n3"
address = "[::1]:8443"
link = "[fd00::3]:7001"
admin = "localhost:0"
)";

config parsed(std::string_view text = three) { return parse_config(text, "cluster.toml"); }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

std::string problem_of(std::string_view text) {
  try {
    parsed(text);
  } catch (const config_error& e) {
    return e.what();
  }
  return "(none)";
}

std::string problem_with(std::string_view from, std::string_view to) {
  return problem_of(replaced(three, from, to));
}

TEST(config_nodes, makes_one_file_the_configuration_of_each_node) {
  auto n1 = for_node(parsed(), "n1");
  EXPECT_EQ(n1.node.name, "n1");
  EXPECT_EQ(n1.node.data_dir, "/var/lib/shoal");
  EXPECT_EQ(n1.listen.address, "0.0.0.0");
  EXPECT_EQ(n1.listen.port, 8443);
  EXPECT_EQ(n1.listen.admin_address, "127.0.0.1");
  EXPECT_EQ(n1.listen.admin_port, 9464);
  EXPECT_EQ(n1.link.certificate, "n1/n1.pem");
  EXPECT_EQ(n1.link.key, "n1/n1.key");
  auto n3 = for_node(parsed(), "n3");
  EXPECT_EQ(n3.node.data_dir, "shoal-data/n3");
  EXPECT_EQ(n3.listen.address, "::1");
  EXPECT_EQ(n3.listen.admin_port, 0);
  EXPECT_EQ(n3.link.certificate, "n3/n3.pem");
}

TEST(config_nodes, tells_peers_and_how_to_reach_them) {
  auto x = for_node(parsed(), "n2");
  EXPECT_EQ(
      peers_of(x), (std::vector<peer_address>{{"n1", "10.0.0.1", 7001}, {"n3", "fd00::3", 7001}}));
  auto links = links_of(x);
  EXPECT_EQ(links.cluster, "c1");
  EXPECT_EQ(links.self, "n2");
  EXPECT_EQ(links.listen_host, "10.0.0.2");
  EXPECT_EQ(links.listen_port, 7001);
  EXPECT_EQ(links.ca, "ca.pem");
  EXPECT_EQ(links.certificate, "n2/n2.pem");
  EXPECT_EQ(links.key, "n2/n2.key");
}

TEST(config_nodes, tells_how_to_reach_etcd) {
  auto x = parsed();
  auto found = etcd_of(x);
  EXPECT_EQ(found.endpoints, x.etcd.endpoints);
  EXPECT_EQ(found.prefix, "/shoal/c1/");
  EXPECT_EQ(found.ca, "ca.pem");
  x.etcd.prefix = "/mine";
  EXPECT_EQ(etcd_of(x).prefix, "/mine/");
  EXPECT_TRUE(etcd_of(config{}).endpoints.empty());
}

TEST(config_nodes, knows_how_many_copies_there_are) {
  EXPECT_EQ(replicas_of(config{}), 1u);
  EXPECT_EQ(replicas_of(parsed()), 3u);
  EXPECT_EQ(replicas_of(parsed(replaced(three, "[cluster]", "[cluster]\nreplicas = 2"))), 2u);
}

TEST(config_nodes, of_the_same_node_again_changes_nothing) {
  auto once = for_node(parsed(), "n3");
  EXPECT_EQ(for_node(once, "n3"), once);
  EXPECT_EQ(parse_config(dump(once), "dump"), once);
}

TEST(config_nodes, need_a_name_if_there_are_several) {
  auto problem = [](const config& x, const std::string& name) {
    try {
      for_node(x, name);
    } catch (const config_error& e) {
      return std::string{e.what()};
    }
    return std::string{"(none)"};
  };
  EXPECT_EQ(problem(parsed(), ""), "which node is this? Give --node with one of n1, n2, n3");
  EXPECT_EQ(problem(parsed(), "n4"), "node 'n4' is not one of the [[nodes]]: n1, n2, n3");
  EXPECT_THAT(problem(config{}, "n4"), HasSubstr("there are no [[nodes]]"));
  EXPECT_EQ(problem(config{}, "n1"), "(none)");
  auto one = parsed("[[nodes]]\nname = \"a\"\naddress = \"h:1\"\nlink = \"h:2\"\nadmin = \"h:3\"");
  EXPECT_EQ(for_node(one, "").node.name, "a");
}

TEST(config_nodes, keep_the_file_of_a_lonely_node_working) {
  auto x = parsed("[node]\nname = \"alone\"\ndata_dir = \"a{node}\"\n[listen]\nport = 1");
  EXPECT_EQ(for_node(x, ""), x);
  EXPECT_TRUE(peers_of(x).empty());
}

TEST(config_nodes, tell_which_etcd_names_instances_of_groups) {
  auto x = for_node(parsed(), "n1");
  x.etcd.certificate = "c.pem";
  auto found = discovery_etcd_of(x);
  EXPECT_EQ(found.endpoints, x.etcd.endpoints);
  EXPECT_EQ(found.prefix, "") << "not that of the cluster's own keys";
  EXPECT_EQ(found.ca, "ca.pem");
  EXPECT_EQ(found.certificate, "c.pem");
  x.gateway.discovery_etcd = {"http://e:1"};
  x.gateway.discovery_etcd_prefix = "/sd";
  found = discovery_etcd_of(x);
  EXPECT_EQ(found.endpoints, x.gateway.discovery_etcd);
  EXPECT_EQ(found.prefix, "/sd");
  EXPECT_EQ(found.ca + found.certificate, "") << "what is shown to one etcd is not for the other";
  EXPECT_TRUE(discovery_etcd_of(config{}).endpoints.empty());
}

TEST(config_nodes, refuse_what_cannot_be_an_etcd_of_groups) {
  EXPECT_THAT(problem_of("[gateway]\ndiscovery_etcd = [\"e:1\"]"),
      HasSubstr("line 2: [gateway] discovery_etcd: 'e:1' must be http"));
  EXPECT_THAT(problem_of("[gateway]\ndiscovery_etcd_key = \"k.pem\""),
      HasSubstr("discovery_etcd_key must be given together"));
}

TEST(config_nodes, name_file_line_key_and_what_was_expected) {
  EXPECT_EQ(problem_with("link = \"10.0.0.2:7001\"", "link = \"10.0.0.2\""),
      "cluster.toml: line 23: [[nodes]] number 2: link must be host:port in quotes, like "
      "\"127.0.0.1:8443\"");
  EXPECT_EQ(problem_with("\nlink = \"10.0.0.2:7001\"", ""),
      "cluster.toml: line 20: [[nodes]] number 2: link must be host:port in quotes, like "
      "\"127.0.0.1:8443\"");
  EXPECT_EQ(problem_with("link = \"10.0.0.2:7001\"", "lnk = \"10.0.0.2:7001\""),
      "cluster.toml: line 23: unknown option 'lnk' in [[nodes]], did you mean link?");
  EXPECT_EQ(problem_with("endpoints = [\"https://127.0.0.1:2379\",", "endpoints = [7,"),
      "cluster.toml: not TOML: Arrays must be homogeneous at line 5");
  EXPECT_EQ(problem_with("endpoints = [\"https://127.0.0.1:2379\", \"https://[::1]:2380\"]",
                "endpoints = \"e\""),
      "cluster.toml: line 5: [etcd] endpoints must be a list of texts in quotes, like [\"one\", "
      "\"two\"]");
  EXPECT_THAT(problem_of("[nodes]\nname = \"a\""), HasSubstr("line 1: nodes must be given as"));
  EXPECT_THAT(problem_of("[[node]]\nname = \"a\""), HasSubstr("[node] must be a section"));
}

TEST(config_nodes, refuse_several_nodes_that_could_not_agree) {
  EXPECT_THAT(problem_with("meta = \"etcd\"", "meta = \"local\""),
      AllOf(HasSubstr("line 3: [cluster] meta must be \"etcd\" for more than one node")));
  EXPECT_THAT(problem_with("[link]\nca = \"ca.pem\"\ncertificate = \"{node}/{node}.pem\"\nkey = "
                           "\"{node}/{node}.key\"\n",
                  ""),
      HasSubstr("[link] ca, certificate and key must be given for more than one node"));
  EXPECT_THAT(problem_with("key = \"{node}/{node}.key\"\n", ""),
      HasSubstr("line 8: [link] ca, certificate and key must be given together"));
  EXPECT_THAT(problem_with("endpoints", "#"), HasSubstr("line 4: [etcd] endpoints must name"));
}

TEST(config_nodes, refuse_what_cannot_be_an_endpoint_of_etcd) {
  for (auto text : {"127.0.0.1:2379", "ftp://127.0.0.1:2379", "https://127.0.0.1",
           "https://127.0.0.1:0", "https://127.0.0.1:2379/", "https://a b:1", "https://:1"})
    EXPECT_THAT(problem_with("https://127.0.0.1:2379", text),
        HasSubstr("must be http://host:port or https://host:port"))
        << text;
}

TEST(config_nodes, refuse_entries_that_contradict_each_other) {
  EXPECT_THAT(problem_with("name = \"n2\"", "name = \"n1\""),
      HasSubstr("line 21: [[nodes]] number 2: name 'n1' must be given once only"));
  EXPECT_THAT(problem_with("10.0.0.2:7001", "10.0.0.1:7001"),
      HasSubstr("line 23: [[nodes]] number 2: link '10.0.0.1:7001' is that of another node"));
  EXPECT_THAT(problem_with("10.0.0.2:7001", "0.0.0.0:7001"), HasSubstr("other nodes can reach"));
  EXPECT_THAT(problem_with("10.0.0.2:7001", "10.0.0.2:0"), HasSubstr("with a fixed port"));
  EXPECT_THAT(problem_with("[cluster]", "[cluster]\nreplicas = 4"),
      HasSubstr("line 2: [cluster] replicas must not be more than the 3 [[nodes]]"));
}

TEST(config_nodes, have_names_that_fit_into_certificates_paths_and_keys) {
  for (auto name : {"a", "n1", "eu-west-1a", "0"})
    EXPECT_TRUE(is_node_name(name)) << name;
  for (auto name : {"", "-a", "a-", "A", "a.b", "a/b", "../a", "a b", "\xc3\xbc"})
    EXPECT_FALSE(is_node_name(name)) << name;
  EXPECT_TRUE(is_node_name(std::string(63, 'a')));
  EXPECT_FALSE(is_node_name(std::string(64, 'a')));
  EXPECT_THAT(problem_with("name = \"n2\"", "name = \"../n2\""), HasSubstr("lower case letters"));
}

TEST(config_nodes, read_hosts_and_ports) {
  auto x = host_port{};
  EXPECT_TRUE(from_string("a-b.example:65535", x));
  EXPECT_EQ(x, (host_port{"a-b.example", 65535}));
  EXPECT_TRUE(from_string("[::1]:0", x));
  EXPECT_EQ(x, (host_port{"::1", 0}));
  for (auto text : {"", ":", "a", ":1", "a:", "a:65536", "a:-1", "a:+1", "a:1 ", "a b:1", "::1:1",
           "[]:1", "[a]:1", "[::1]", "a:b", "a:00x", "[::1:1"})
    EXPECT_FALSE(from_string(text, x)) << text;
}

} // namespace
} // namespace shoal::cluster
