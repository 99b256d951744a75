#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_WAIT_FOR_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_WAIT_FOR_H_

#include <chrono>
#include <thread>

namespace jemalloc_exporter {

// Calls `condition` every millisecond until it returns true; returns false if
// it did not within `timeout`. The default is far above what a loaded machine
// takes.
template <typename Condition>
bool WaitFor(Condition condition,
             std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_WAIT_FOR_H_
