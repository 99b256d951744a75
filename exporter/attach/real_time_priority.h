#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_REAL_TIME_PRIORITY_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_REAL_TIME_PRIORITY_H_

#include <sched.h>

namespace jemalloc_exporter {

/// Gives the calling thread the lowest real-time priority where that is
/// allowed: with CAP_SYS_NICE or RLIMIT_RTPRIO. The destructor restores its
/// scheduling policy. Only for the thread that created it.
class RealTimePriority {
 public:
  RealTimePriority();
  RealTimePriority(const RealTimePriority&) = delete;
  RealTimePriority& operator=(const RealTimePriority&) = delete;
  ~RealTimePriority();

  bool is_granted() const { return is_granted_; }

 private:
  int saved_policy_;
  sched_param saved_parameters_ = {};
  bool is_granted_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_REAL_TIME_PRIORITY_H_
