// A data folder with many streams, made without a server.
#pragma once

#include <cstddef>
#include <string>

namespace shoal::bench {

/// One op, one cursor and the stream's own row for users u0 … u<n-1> of the app's second biz ("OWN"
/// in every scenario).
void prepare_streams(const std::string& data_folder, std::size_t n);

/// The same in a child process, so that nothing of it stays in this one's memory or locks.
void prepare_streams_in_child(
    const std::string& data_folder, std::size_t n, const std::string& log);

/// Where the database is inside a data folder.
std::string store_folder(const std::string& data_folder);

} // namespace shoal::bench
