// Instead of all other files, where the processor is not x86-64.
#include "exporter/attach/attach_error.h"
#include "exporter/attach/one_shot.h"

namespace jemalloc_exporter {

OneShotReading ReadHeapOnce(pid_t pid) {
  throw AttachError(std::to_string(pid) + ": not on this processor");
}

}  // namespace jemalloc_exporter
