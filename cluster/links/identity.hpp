// This node's certificate, and the rules for those of others: TLS 1.3, certificates of the
// cluster's CA on both ends, ALPN `shoal-node/1`, names compared with the DNS names in the
// certificate (no wildcards, no common name).
//
// Files that change are read again at the next connection; if they do not fit, the old ones stay.
// Used by one thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cluster/node_links.hpp"
#include "protocol/tls/context.hpp"

namespace shoal::cluster::links {

class identity {
public:
  /// Throws std::runtime_error with a sentence if the certificate is not of the CA, is not for both
  /// ends of a connection, has expired, or does not name this node.
  explicit identity(const link_options& options);

  tls::ssl_ptr for_accepting();

  /// The handshake fails unless the peer's certificate names it.
  tls::ssl_ptr for_dialing(const std::string& peer);

private:
  using stamps = std::vector<std::filesystem::file_time_type>;

  stamps read_stamps() const;
  void reload_if_changed();

  link_options options_;
  stamps stamps_;
  tls::context_ptr context_;
};

bool certificate_names(const SSL* ssl, const std::string& name);
bool speaks_node_protocol(const SSL* ssl);

/// Why a handshake failed, as far as this end knows; empty if it knows nothing.
std::string verification_error(const SSL* ssl);

} // namespace shoal::cluster::links
