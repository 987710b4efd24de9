// Certificates for those who have no authority to ask: self-signed ones for development nodes and
// tests, and a small authority of one's own for the nodes of a cluster.
//
// Keys are P-256 and readable by their owner only. Existing files are replaced. All functions throw
// std::runtime_error with a sentence.
#pragma once

#include <string>
#include <vector>

namespace shoal::tls {

struct pem_files {
  std::string certificate, key;
};

/// Writes a new key and a certificate for `names` (DNS names or IP addresses), good for ten years.
void write_self_signed(const std::string& certificate_file, const std::string& key_file,
    const std::vector<std::string>& names);

/// Writes a new authority, good for ten years. It signs nodes, not other authorities. Whoever has
/// its key can add nodes to the cluster.
void write_authority(const pem_files& out, const std::string& name);

/// Writes a new key and a certificate for `names`, signed by the authority, good for ten years, but
/// no longer than the authority; both for the server and for the client side of a connection. The
/// first name is also the subject.
void write_signed(
    const pem_files& out, const std::vector<std::string>& names, const pem_files& authority);

} // namespace shoal::tls
