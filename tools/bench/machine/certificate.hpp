// P-256 certificates for localhost, made at start.
#pragma once

#include <string>
#include <vector>

namespace shoal::bench {

struct certificate_files {
  std::string certificate, key; ///< paths of PEM files
};

/// A self-signed one: every server of a run uses the same pair. Throws std::runtime_error if it
/// cannot be written.
certificate_files make_certificate(const std::string& folder);

/// ca.pem, and NAME.pem with NAME.key for each node, signed by it. Throws like the other.
void make_cluster_certificates(const std::string& folder, const std::vector<std::string>& nodes);

} // namespace shoal::bench
