// One request over plain HTTP to a port of 127.0.0.1: metrics of a node, keys of etcd.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shoal::bench {

/// The body of the answer; empty if nobody listens, the status is not 200, or it takes longer than
/// a second.
std::string ask(
    std::uint16_t port, std::string_view method, std::string_view path, std::string_view body = {});

} // namespace shoal::bench
