// gzip for answers, where it pays. Whether the client takes it: accepted.hpp. Pure but for zlib's
// state, one per thread.
#pragma once

#include "protocol/http/message.hpp"

namespace shoal::gateway {

/// Compresses the body if it is text of at least 1 KiB that is not encoded yet, and if it becomes
/// smaller.
void compress(http::response& x);

} // namespace shoal::gateway
