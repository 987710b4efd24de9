// Self-signed certificates, for development nodes and tests.
#pragma once

#include <string>
#include <vector>

namespace shoal::tls {

/// Writes a new P-256 key (readable by its owner only) and a certificate for `names` (DNS names or
/// IP addresses), good for ten years. Existing files are replaced. Throws std::runtime_error with a
/// sentence.
void write_self_signed(const std::string& certificate_file, const std::string& key_file,
    const std::vector<std::string>& names);

} // namespace shoal::tls
