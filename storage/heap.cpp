#include "storage/heap.hpp"

#include <cstddef>

#include <malloc.h>

// Null in programs without jemalloc.
extern "C" int mallctl(const char* name, void* old, std::size_t* old_size, void* value,
    std::size_t value_size) __attribute__((weak));

namespace shoal::storage {

void give_memory_back() {
  if (mallctl != nullptr)
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0); // 4096: all arenas
  malloc_trim(0);
}

} // namespace shoal::storage
