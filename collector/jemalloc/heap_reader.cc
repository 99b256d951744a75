#include "jemalloc_exporter/heap_reader.h"

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <mutex>

#include "collector/jemalloc/heap_snapshot.h"

namespace jemalloc_exporter {
namespace {

// The refresh in flight in this process, and the result of the last one.
struct SingleFlight {
  std::mutex mutex;
  Mallctl* in_flight = nullptr;  // The jemalloc that is read; null if none is.
  HeapSnapshot last;
  Mallctl* last_source = nullptr;
  // The number of finished refreshes. Not a condition variable: the child of a
  // fork cannot use one on which a thread of the parent waits.
  std::atomic<std::uint32_t> finished{0};
};

constinit SingleFlight flight;

// The thread of a refresh does not exist in a forked child.
const int kForkHandlersAdded =
    pthread_atfork([] { flight.mutex.lock(); }, [] { flight.mutex.unlock(); },
                   [] {
                     flight.in_flight = nullptr;
                     flight.mutex.unlock();
                   });

HeapSnapshot RunRefresh(Mallctl* mallctl) {
  const HeapSnapshot snapshot = TakeHeapSnapshot(mallctl);
  {
    const std::lock_guard lock(flight.mutex);
    flight.last = snapshot;
    flight.last_source = mallctl;
    flight.in_flight = nullptr;
    ++flight.finished;
  }
  flight.finished.notify_all();
  return snapshot;
}

HeapSnapshot AwaitRefresh(Mallctl* mallctl, std::uint32_t finished) {
  flight.finished.wait(finished);
  {
    const std::lock_guard lock(flight.mutex);
    if (flight.last_source == mallctl) return flight.last;
  }
  // Another jemalloc was read in between: a process can have several.
  return TakeHeapSnapshot(mallctl);
}

}  // namespace

HeapSnapshot ReadHeap(Mallctl* mallctl) noexcept {
  if (mallctl == nullptr) return {};
  std::unique_lock lock(flight.mutex);
  if (flight.in_flight == nullptr) {
    flight.in_flight = mallctl;
    lock.unlock();
    return RunRefresh(mallctl);
  }
  const bool same = flight.in_flight == mallctl;
  const std::uint32_t finished = flight.finished;
  lock.unlock();
  return same ? AwaitRefresh(mallctl, finished) : TakeHeapSnapshot(mallctl);
}

HeapSnapshot ReadHeapDetails(HeapDetailSets requested, HeapDetails* details,
                             Mallctl* mallctl) noexcept {
  return TakeHeapSnapshot(mallctl, requested, details);
}

}  // namespace jemalloc_exporter
