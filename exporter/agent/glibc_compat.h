#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_GLIBC_COMPAT_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_GLIBC_COMPAT_H_

#include <pthread.h>
#include <semaphore.h>

/// Makes the agent loadable where libc is older than at build time, or is not
/// glibc: a loader that misses a symbol or a version refuses the program. To be
/// included where these functions are called, which is only in processes with
/// jemalloc, and thus with a library of threads.
///
/// glibc's function behind pthread_atfork(3); weak, because another libc has
/// none.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
[[gnu::weak]] int __register_atfork(void (*prepare)(), void (*parent)(),
                                    void (*child)(), void* library) noexcept;
}
// NOLINTEND(bugprone-reserved-identifier)

// The first version of each function. Before glibc 2.34 some belong to a
// library of their own; weak, because that may not be loaded.
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
