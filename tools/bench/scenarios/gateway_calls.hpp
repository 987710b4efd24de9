// The part of the scenario `gateway` that calls on device connections.
#pragma once

#include <string>

#include "tools/bench/contenders/shoal.hpp"

namespace shoal::bench {

/// Calls per second of 1,000 devices, each with one under way all the time.
double device_call_rate(shoal_contender& shoal, const options& wishes, const std::string& operation,
    const std::string& data, std::size_t seconds);

} // namespace shoal::bench
