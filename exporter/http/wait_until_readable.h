#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_WAIT_UNTIL_READABLE_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_WAIT_UNTIL_READABLE_H_

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>

namespace jemalloc_exporter {

/// Waits until read(2) or recvmsg(2) would not wait: for data, an end of the
/// stream or an error. Returns false at `deadline` at the latest with errno
/// EAGAIN, otherwise with that of poll(2). A signal does not end the wait. A
/// `deadline` in the past is a test of the descriptor.
inline bool WaitUntilReadable(int descriptor,
                              std::chrono::steady_clock::time_point deadline) {
  using std::chrono::milliseconds;
  constexpr std::int64_t kMaxTimeout = 1 << 30;  // poll(2) takes an int.
  for (;;) {
    const auto rest = std::chrono::ceil<milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ready = {descriptor, POLLIN, 0};
    const int count = poll(&ready, 1,
                           static_cast<int>(std::clamp<std::int64_t>(
                               rest.count(), 0, kMaxTimeout)));
    if (count > 0) return true;
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = EAGAIN;
    return false;
  }
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_WAIT_UNTIL_READABLE_H_
