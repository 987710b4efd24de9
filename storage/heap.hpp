// The process's heap, as far as it concerns more than one place: giving back what is free.
//
// Programs may be linked with jemalloc (shoald is, see tools/shoald/heap.cpp); then both heaps are
// asked, since OpenSSL's memory stays with the C library's.
#pragma once

namespace shoal::storage {

/// Gives whole free pages back to the system. Takes milliseconds: for quiet moments.
void give_memory_back();

} // namespace shoal::storage
