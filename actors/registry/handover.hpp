// What CAF promises, said to ThreadSanitizer: whoever handles a message sees what its sender did
// before sending it, and one handler of an actor ends before the next begins.
//
// The CAF library is not instrumented, so the sanitizer does not see how it keeps that promise and
// would report every message. Ordinary builds compile this to nothing.
#pragma once

#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
#endif

namespace shoal {

inline void hand_over([[maybe_unused]] void* x) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(x);
#endif
}

inline void take_over([[maybe_unused]] void* x) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(x);
#endif
}

} // namespace shoal
