// gzip for answers, where the client takes it and it pays. Pure but for zlib's state, one per
// thread.
#pragma once

#include <string_view>

#include "protocol/http/message.hpp"

namespace shoal::gateway {

/// "gzip" is in an Accept-Encoding list, and not with q=0.
bool takes_gzip(std::string_view accepted);

/// Compresses the body if it is text of at least 1 KiB that is not encoded yet, and if it becomes
/// smaller.
void compress(http::response& x);

} // namespace shoal::gateway
