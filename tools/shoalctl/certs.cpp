// Certificates for the nodes of a cluster: made here, without a server.
#include <filesystem>

#include "cluster/config_nodes.hpp"
#include "protocol/tls/certificate.hpp"
#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {

namespace {

namespace fs = std::filesystem;
using kind = argument::kind;

void make_private_folder(const fs::path& folder) {
  auto error = std::error_code{};
  if (fs::create_directories(folder, error))
    fs::permissions(folder, fs::perms::owner_all, error);
  if (error)
    throw bad_usage{folder.string() + ": " + error.message()};
}

/// The authority in `folder`, made at the first call.
tls::pem_files authority_in(const fs::path& folder, const std::string& name) {
  auto out = tls::pem_files{folder / "ca.pem", folder / "ca.key"};
  auto has_certificate = fs::exists(out.certificate);
  if (has_certificate != fs::exists(out.key))
    throw bad_usage{"of " + out.certificate + " and " + out.key +
                    " one is missing; a new authority would not be trusted by the old nodes"};
  if (!has_certificate)
    tls::write_authority(out, name);
  return out;
}

int make_certificate(const given& values, session& s) {
  auto node = values.text("--node");
  if (!cluster::is_node_name(node) || node == "ca")
    throw bad_usage{"--node must be 1 to 63 lower case letters, digits and hyphens, and not ca"};
  auto folder = fs::path{values.text("--ca")};
  auto to = fs::path{values.text("--out", folder.string())};
  auto names = values.list("--host");
  names.insert(names.begin(), node);
  try {
    make_private_folder(folder);
    make_private_folder(to);
    auto authority = authority_in(folder, "Shoal cluster " + values.text("--cluster", "shoal"));
    auto files = tls::pem_files{to / (node + ".pem"), to / (node + ".key")};
    tls::write_signed(files, names, authority);
    s.emit(json{
        {"ca", authority.certificate}, {"certificate", files.certificate}, {"key", files.key}});
  } catch (const std::runtime_error& e) {
    throw bad_usage{e.what()};
  }
  return 0;
}

} // namespace

std::vector<command> certificate_commands() {
  return {{"certs",
      "Make the certificate of a cluster's node, and at the first call the authority that signs it",
      {{"--ca", "folder of the authority: ca.pem for all nodes, ca.key for nobody else", kind::text,
           true, false},
          {"--node", "name of the node, as in the configuration", kind::text, true, false},
          {"--host", "host names and addresses of the node, comma separated", kind::list, false,
              false},
          {"--out", "folder for the node's files; else that of the authority", kind::text, false,
              false},
          {"--cluster", "name of the cluster, for people who look at the authority", kind::text,
              false, false}},
      {}, "", make_certificate, false}};
}

} // namespace shoal::ctl
