// A self-signed P-256 certificate for localhost, made at start: every server of a run uses the same
// pair.
#pragma once

#include <string>

namespace shoal::bench {

struct certificate_files {
  std::string certificate, key; ///< paths of PEM files
};

/// Throws std::runtime_error if it cannot be written.
certificate_files make_certificate(const std::string& folder);

} // namespace shoal::bench
