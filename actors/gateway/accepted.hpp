// What a client takes, and how gladly: the elements of a list as in Accept, Accept-Encoding and
// Accept-Language (RFC 9110, 12.5). Pure. A weight that cannot be read counts as not given; commas
// inside quotes are not known, because no name that matters here has any.
#pragma once

#include <string_view>
#include <vector>

#include "actors/gateway/call.hpp"

namespace shoal::gateway {

struct accepted {
  std::string_view name;  ///< without parameters
  unsigned weight = most; ///< thousandths; 0: not wanted

  static constexpr unsigned most = 1000;
};

/// Takes the next element off the list; false if there is none.
bool next_accepted(std::string_view& list, accepted& out);

/// Those that are wanted, the dearest first, else in their order; of the first 32. Views of the
/// list.
std::vector<accepted> ranked(std::string_view list);

/// The format that an Accept list prefers: the greater weight, else the first that is named. A
/// range (`application/*`, `*/*`) weighs what is not named itself. `other` if the list decides
/// nothing: it names neither, or refuses both.
mgw::data_format preferred_format(std::string_view accept);

/// An Accept-Encoding list takes gzip, and not less gladly than no encoding.
bool takes_gzip(std::string_view accepted_encodings);

} // namespace shoal::gateway
