#include "tools/shoald/heap.hpp"

#include <malloc.h>
#include <openssl/crypto.h>

#ifdef SHOAL_JEMALLOC
// Read by jemalloc before main. Two arenas for two or more busy threads are enough and waste less
// than its default of four per processor; what is free for a second goes back to the system.
extern "C" const char* malloc_conf;
const char* malloc_conf = "narenas:2,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_realloc(void* block, std::size_t size);
extern "C" void __libc_free(void* block);
#endif

namespace shoal {

void choose_heaps() {
#ifdef SHOAL_JEMALLOC
  CRYPTO_set_mem_functions([](std::size_t n, const char*, int) { return __libc_malloc(n); },
      [](void* x, std::size_t n, const char*, int) { return __libc_realloc(x, n); },
      [](void* x, const char*, int) { __libc_free(x); });
#endif
  // Big blocks (memtables above all) go back to the system when they are freed. Left alone, the
  // C library learns from the first one that is freed to keep the others.
  mallopt(M_MMAP_THRESHOLD, 512 * 1024);
}

} // namespace shoal
