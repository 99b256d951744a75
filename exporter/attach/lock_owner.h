#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_LOCK_OWNER_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_LOCK_OWNER_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace jemalloc_exporter {

/// How long `IsDeadlock` looks before it returns true.
inline constexpr std::chrono::milliseconds kDeadlockExamination{45};

/// Whether a thread waits for ever for the lock at `futex`: the lock belongs to
/// the thread itself, or to a thread that sleeps outside of a lock; or to one
/// that waits for such a lock. False while an owner runs. A lock without a
/// known owner, such as a futex of the program's own, is never released in a
/// process that has no other thread.
///
/// Source: `__owner` of glibc's pthread_mutex_t, or the lock word of musl's,
/// and the states and calls of the owners in /proc, all of them 10 times.
bool IsDeadlock(pid_t pid, pid_t thread, std::uint64_t futex);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_LOCK_OWNER_H_
