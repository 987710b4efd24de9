// What a request is for: RFC 9112, section 3.2. A path with an optional query, alone or, as proxies
// get it, behind "http://host:port"; then that host counts and not the one in Host. The other forms
// (CONNECT's, "*") are not spoken here.
#pragma once

#include <optional>
#include <string_view>

namespace shoal::http {

/// A path with an optional query, of printable ASCII.
bool valid_target(std::string_view text);

/// As Host and :authority have it: a name or an address, perhaps a port, nothing about a user.
/// Empty is valid: whoever has no name for us says so.
bool valid_host(std::string_view text);

struct target {
  std::string_view host;  ///< empty: what Host says
  std::string_view path;  ///< starts with '/'
  std::string_view query; ///< behind '?'
};

/// Views into `text`; nothing if it is none of both forms.
std::optional<target> read_target(std::string_view text);

} // namespace shoal::http
