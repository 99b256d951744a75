#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_GLIBC_COMPAT_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_GLIBC_COMPAT_H_

#include <pthread.h>
#include <semaphore.h>

/// Lets the agent be loaded where libc is older than the one it was built with,
/// or is none of GNU's: a loader that misses a symbol or a version refuses the
/// program. To be included where these functions are called, which is only
/// where there is jemalloc and with it a library of threads.
///
/// What pthread_atfork(3) is in glibc alone; weak, so that it may be missing.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
[[gnu::weak]] int __register_atfork(void (*prepare)(), void (*parent)(),
                                    void (*child)(), void* library) noexcept;
}
// NOLINTEND(bugprone-reserved-identifier)

// The first version of each of these, from before glibc 2.34 made one library
// of two; weak, because the other one may not be loaded.
#ifdef __x86_64__
#define JEMALLOC_EXPORTER_FIRST_GLIBC "GLIBC_2.2.5"
#else
#define JEMALLOC_EXPORTER_FIRST_GLIBC "GLIBC_2.17"  // 64-bit Arm.
#endif
#define JEMALLOC_EXPORTER_OLD(function)                                        \
  __asm__(".symver " #function "," #function "@" JEMALLOC_EXPORTER_FIRST_GLIBC \
          "\n.weak " #function)
#ifdef __GLIBC__
JEMALLOC_EXPORTER_OLD(pthread_attr_setstacksize);
JEMALLOC_EXPORTER_OLD(pthread_create);
JEMALLOC_EXPORTER_OLD(pthread_join);
JEMALLOC_EXPORTER_OLD(pthread_key_create);
JEMALLOC_EXPORTER_OLD(pthread_mutex_trylock);
JEMALLOC_EXPORTER_OLD(pthread_mutex_unlock);
JEMALLOC_EXPORTER_OLD(pthread_self);
JEMALLOC_EXPORTER_OLD(pthread_setspecific);
JEMALLOC_EXPORTER_OLD(pthread_sigmask);
JEMALLOC_EXPORTER_OLD(sem_init);
JEMALLOC_EXPORTER_OLD(sem_post);
JEMALLOC_EXPORTER_OLD(sem_wait);
#endif
#undef JEMALLOC_EXPORTER_OLD

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_GLIBC_COMPAT_H_
