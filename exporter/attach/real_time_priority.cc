#include "exporter/attach/real_time_priority.h"

namespace jemalloc_exporter {

// Without SCHED_RESET_ON_FORK, which only CAP_SYS_NICE could take back.
RealTimePriority::RealTimePriority() : saved_policy_(sched_getscheduler(0)) {
  sched_getparam(0, &saved_parameters_);
  sched_param parameters = {};
  parameters.sched_priority = sched_get_priority_min(SCHED_FIFO);
  is_granted_ = sched_setscheduler(0, SCHED_FIFO, &parameters) == 0;
}

RealTimePriority::~RealTimePriority() {
  sched_setscheduler(0, saved_policy_, &saved_parameters_);
}

}  // namespace jemalloc_exporter
