// What a path may not hold if it goes to a backend. Whoever reads it there may decode it, take "\"
// for "/" and resolve dots, so that "/items/%2e%2e/admin" is "/admin": then the API that was
// defined is not the one that is called. Such a path is refused and not mended: what was signed,
// limited and cached is then what the backend sees.
//
//   refused                                      because
//   %zz, %4, % at the end                        readers differ in what it is
//   %00 … %1f, %7f                               ends a string, or a line, in some of them
//   \ and %5c                                    a slash to some
//   a segment "." or "..", also before ";",      leads elsewhere
//   whatever of it is encoded ("%2e", "%2f")
//
// Decoded once: "%252e" is the text "%2e" and passes, and so do "%2f" within a name and "//".
#pragma once

#include <string_view>

namespace shoal::gateway {

/// "" or what is wrong with a path, or a part of one, as it stands in a request.
std::string_view path_flaw(std::string_view path);

} // namespace shoal::gateway
