#include "cluster/config_check.hpp"

#include <cerrno>
#include <memory>
#include <system_error>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/config_nodes.hpp"

namespace shoal::cluster {

namespace {

struct free_any {
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
};
template <class T>
using owned = std::unique_ptr<T, free_any>;

std::string reason() { return std::generic_category().message(errno); }

std::string place(const host_port& x) {
  auto v6 = x.host.find(':') != x.host.npos;
  return (v6 ? '[' + x.host + ']' : x.host) + ':' + std::to_string(x.port);
}

/// Empty if the file can be read.
std::string unreadable(const std::string& file) {
  if (access(file.c_str(), R_OK) != 0)
    return file + " cannot be read: " + reason();
  struct stat x {};
  if (stat(file.c_str(), &x) != 0 || !S_ISREG(x.st_mode))
    return file + " is not a file";
  return {};
}

owned<X509> read_certificate(const std::string& file) {
  auto in = owned<BIO>{BIO_new_file(file.c_str(), "r")};
  return owned<X509>{in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr};
}

owned<EVP_PKEY> read_key(const std::string& file) {
  auto in = owned<BIO>{BIO_new_file(file.c_str(), "r")};
  // A key with a passphrase must not make the process ask for it.
  auto none = [](char*, int, int, void*) { return -1; };
  return owned<EVP_PKEY>{in ? PEM_read_bio_PrivateKey(in.get(), nullptr, none, nullptr) : nullptr};
}

class writer {
public:
  explicit writer(explanation& out) : out_{out} {}
  void fact(std::string text) { out_.facts.push_back(std::move(text)); }
  void problem(std::string text) { out_.problems.push_back(std::move(text)); }

  /// The certificate, if it can be read and is good today.
  owned<X509> certificate(const std::string& what, const std::string& file) {
    if (auto why = unreadable(file); !why.empty()) {
      problem(what + ": " + why + '.');
      return nullptr;
    }
    auto out = read_certificate(file);
    if (!out)
      problem(what + ": " + file + " holds no certificate in PEM form.");
    else if (X509_cmp_current_time(X509_get0_notBefore(out.get())) > 0)
      problem(what + ": the certificate in " + file + " is not valid yet.");
    else if (X509_cmp_current_time(X509_get0_notAfter(out.get())) < 0)
      problem(what + ": the certificate in " + file + " has expired.");
    return out;
  }

  void key(const std::string& what, const std::string& file, X509* certificate) {
    if (auto why = unreadable(file); !why.empty())
      return problem(what + ": " + why + '.');
    auto key = read_key(file);
    if (!key)
      return problem(
          what + ": " + file + " holds no private key in PEM form (without passphrase).");
    if (certificate != nullptr && X509_check_private_key(certificate, key.get()) != 1)
      problem(what + ": " + file + " is the key of another certificate.");
    struct stat x {};
    if (stat(file.c_str(), &x) == 0 && (x.st_mode & S_IRWXO) != 0)
      problem(what + ": " + file + " can be read by everybody on this machine (chmod 600).");
  }

private:
  explanation& out_;
};

void explain_self(const config& x, writer& out) {
  auto device = host_port{x.listen.address, x.listen.port};
  auto admin = host_port{x.listen.admin_address, x.listen.admin_port};
  out.fact("This is node '" + x.node.name + "' of cluster '" + x.cluster.name + "'.");
  out.fact("Devices and the server API connect to " + place(device) + ", metrics are at " +
           place(admin) + '.');
  struct stat folder {};
  auto exists = stat(x.node.data_dir.c_str(), &folder) == 0;
  out.fact(
      "Its data is in " + x.node.data_dir + (exists ? "." : ", which the first start will make."));
  if (exists && !S_ISDIR(folder.st_mode))
    out.problem("[node] data_dir: " + x.node.data_dir + " is not a folder.");
  else if (exists && access(x.node.data_dir.c_str(), W_OK | X_OK) != 0)
    out.problem("[node] data_dir: " + x.node.data_dir + " cannot be written: " + reason() + '.');
}

void explain_listen(const config& x, writer& out) {
  if (x.listen.certificate.empty())
    return out.fact("Devices are shown a self-signed development certificate from the data folder: "
                    "give [listen] certificate and key for anything but trying out.");
  auto certificate = out.certificate("[listen] certificate", x.listen.certificate);
  out.key("[listen] key", x.listen.key, certificate.get());
}

void explain_peers(const config& x, writer& out) {
  auto peers = peers_of(x);
  auto copies = replicas_of(x);
  auto partitions = std::to_string(x.cluster.partitions) + " partitions";
  if (peers.empty())
    return out.fact("It is alone, and leads all " + partitions + '.');
  auto names = std::string{};
  for (const auto& peer : peers)
    names += (names.empty() ? "" : ", ") + peer.name + " at " + place({peer.host, peer.port});
  out.fact("Its peers are " + names + '.');
  out.fact(
      "It listens for them at " + place({links_of(x).listen_host, links_of(x).listen_port}) + '.');
  out.fact("Each of the " + partitions + " has " + std::to_string(copies) + " copies: " +
           std::to_string((copies - 1) / 2) + " of their nodes may be lost at a time.");
  if (copies == 2)
    out.fact("With two copies nothing is lost with a node, but nothing is served without it: three "
             "are the least that go on alone.");
}

void explain_links(const config& x, writer& out) {
  if (x.link.certificate.empty())
    return;
  auto ca = out.certificate("[link] ca", x.link.ca);
  auto certificate = out.certificate("[link] certificate", x.link.certificate);
  out.key("[link] key", x.link.key, certificate.get());
  if (!certificate)
    return;
  if (X509_check_host(certificate.get(), x.node.name.data(), x.node.name.size(), 0, nullptr) != 1)
    out.problem("[link] certificate: " + x.link.certificate + " does not hold the name '" +
                x.node.name + "', so that the other nodes will refuse it.");
  if (ca && X509_verify(certificate.get(), X509_get0_pubkey(ca.get())) != 1)
    out.problem("[link] certificate: " + x.link.certificate + " was not signed by " + x.link.ca +
                ", so that the other nodes will refuse it.");
}

void explain_meta(const config& x, writer& out) {
  if (x.cluster.meta == "local")
    return out.fact("It keeps in its own folder what it owns; no other service is needed.");
  auto names = std::string{};
  auto plain = std::size_t{0};
  for (const auto& endpoint : x.etcd.endpoints) {
    names += (names.empty() ? "" : ", ") + endpoint;
    plain += endpoint.starts_with("http://") ? 1 : 0;
  }
  out.fact("Who owns what is kept in etcd at " + names + ", under " + etcd_prefix(x) + '.');
  if (plain != 0)
    out.fact("Anybody who reaches etcd over http:// can change who owns what: use https:// with "
             "certificates outside of one machine.");
  if (plain != x.etcd.endpoints.size() && x.etcd.ca.empty())
    out.fact("The certificates of etcd are checked against those that the system trusts, because "
             "[etcd] ca is not given.");
  if (!x.etcd.ca.empty())
    out.certificate("[etcd] ca", x.etcd.ca);
  if (x.etcd.certificate.empty())
    return;
  auto certificate = out.certificate("[etcd] certificate", x.etcd.certificate);
  out.key("[etcd] key", x.etcd.key, certificate.get());
}

void explain_discovery(const config& x, writer& out) {
  const auto& g = x.gateway;
  if (g.discovery_etcd.empty())
    return;
  auto names = std::string{};
  for (const auto& endpoint : g.discovery_etcd)
    names += (names.empty() ? "" : ", ") + endpoint;
  out.fact("Groups of the gateway with discovery \"etcd\" are looked up in etcd at " + names + '.');
  if (!g.discovery_etcd_ca.empty())
    out.certificate("[gateway] discovery_etcd_ca", g.discovery_etcd_ca);
  if (g.discovery_etcd_certificate.empty())
    return;
  auto certificate =
      out.certificate("[gateway] discovery_etcd_certificate", g.discovery_etcd_certificate);
  out.key("[gateway] discovery_etcd_key", g.discovery_etcd_key, certificate.get());
}

} // namespace

explanation explain(const config& x) {
  auto out = explanation{};
  auto to = writer{out};
  explain_self(x, to);
  explain_peers(x, to);
  explain_meta(x, to);
  explain_listen(x, to);
  explain_links(x, to);
  explain_discovery(x, to);
  ERR_clear_error(); // what was looked at and refused must not show up in somebody's later call
  return out;
}

} // namespace shoal::cluster
