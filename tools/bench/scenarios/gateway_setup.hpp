// The gateway as the scenarios `gateway` and `soak` set it up: one app, one group with one backend,
// three APIs, and the calls of them.
#pragma once

#include <string>

#include "tools/bench/contenders/shoal.hpp"
#include "tools/bench/load/http_tools.hpp"

namespace shoal::bench {

/// Defines `bench.small`, `bench.1k` (neither is checked) and `bench.signed` (signature and
/// limits).
void define_gateway(shoal_contender& shoal, std::uint16_t backend);

/// requestData with a text of that many bytes.
std::string gateway_data(std::size_t size);

/// Calls of an API at `url`, for one second.
http_work gateway_work(const std::string& url, const std::string& folder,
    const std::string& operation, std::size_t size);

/// Good for the hour.
void sign_work(http_work& x);

/// One call, so that a definition that does not work is not taken for speed. Throws.
void try_out(const http_work& x);

} // namespace shoal::bench
