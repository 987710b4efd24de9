// Which heap serves what in shoald.
//
// Messages, rows and frames live for milliseconds and are often freed by another thread than took
// them: jemalloc is made for that. What OpenSSL keeps for a silent connection lives for hours and
// is two thirds of a device's memory: there the C library's denser packing counts, so OpenSSL stays
// with it.
#pragma once

namespace shoal {

/// Before anything uses OpenSSL.
void choose_heaps();

} // namespace shoal
