#include "jemalloc_exporter/heap_reader.h"

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <mutex>

#include "collector/jemalloc/heap_refresh.h"

namespace jemalloc_exporter {
namespace {

// The refresh under way in this process, and the result of the last one.
struct Refresh {
  std::mutex mutex;
  Mallctl* under_way = nullptr;  // Of which jemalloc; null when none is.
  HeapReading last;
  Mallctl* last_of = nullptr;
  // Counts the finished refreshes. Not a condition variable: the child of a
  // fork cannot use one that a thread of the parent waits on.
  std::atomic<std::uint32_t> finished{0};
};

constinit Refresh refresh;

// The thread that refreshes does not exist in a forked child.
const int kForkHandlersAdded =
    pthread_atfork([] { refresh.mutex.lock(); }, [] { refresh.mutex.unlock(); },
                   [] {
                     refresh.under_way = nullptr;
                     refresh.mutex.unlock();
                   });

HeapReading Lead(Mallctl* mallctl) {
  const HeapReading reading = RefreshHeap(mallctl);
  {
    const std::lock_guard lock(refresh.mutex);
    refresh.last = reading;
    refresh.last_of = mallctl;
    refresh.under_way = nullptr;
    ++refresh.finished;
  }
  refresh.finished.notify_all();
  return reading;
}

HeapReading Join(Mallctl* mallctl, std::uint32_t finished) {
  refresh.finished.wait(finished);
  {
    const std::lock_guard lock(refresh.mutex);
    if (refresh.last_of == mallctl) return refresh.last;
  }
  // Meanwhile another jemalloc was read: there may be several in a process.
  return RefreshHeap(mallctl);
}

}  // namespace

HeapReading ReadHeap(Mallctl* mallctl) noexcept {
  if (mallctl == nullptr) return {};
  std::unique_lock lock(refresh.mutex);
  if (refresh.under_way == nullptr) {
    refresh.under_way = mallctl;
    lock.unlock();
    return Lead(mallctl);
  }
  const bool same = refresh.under_way == mallctl;
  const std::uint32_t finished = refresh.finished;
  lock.unlock();
  return same ? Join(mallctl, finished) : RefreshHeap(mallctl);
}

}  // namespace jemalloc_exporter
