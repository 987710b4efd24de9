// What several attacks of web_attacks.hpp are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/tls_client.hpp"

namespace shoal::faults {

/// `count` connections that say `bytes` and leave the rest for later: for a moment they say `drip`
/// now and then, or nothing, and read nothing. Then they break.
void hold(std::uint16_t port, std::size_t count, const test::client_options& options,
    std::string_view bytes, std::string_view drip);

std::string repeated(std::string_view x, int n);

} // namespace shoal::faults
