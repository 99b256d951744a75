#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_SIGNAL_RECORDER_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_SIGNAL_RECORDER_H_

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>

namespace jemalloc_exporter {

/// A child process that records when it received which signal. It is in the
/// process group and the control group of this process, so that a signal which
/// both receive was sent to the group, and one that only this process receives
/// was sent to it alone. Signal information does not show the difference.
class SignalRecorder {
 public:
  /// Without memory or a process, `Received` is always false.
  SignalRecorder();
  SignalRecorder(const SignalRecorder&) = delete;
  SignalRecorder& operator=(const SignalRecorder&) = delete;

  /// Whether the child received the signal, too, between 100 ms before `since`
  /// and 100 ms after this call. Service managers signal one process of a
  /// control group after the other.
  bool Received(int signal, std::chrono::steady_clock::time_point since) const;

 private:
  struct Times {
    std::atomic<std::int64_t> nanoseconds[NSIG];
  };

  Times* times_ = nullptr;  // Shared by both processes.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_SIGNAL_RECORDER_H_
