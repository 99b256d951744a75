// Instead of all other files, where the processor is not x86-64.
#include "exporter/attach/attach.h"
#include "exporter/attach/attach_error.h"
#include "exporter/attach/one_shot.h"

namespace jemalloc_exporter {
namespace {

[[noreturn]] void Refuse(pid_t pid) {
  throw AttachError(std::to_string(pid) + ": not on this processor");
}

}  // namespace

OneShotReading ReadHeapOnce(pid_t pid) { Refuse(pid); }

Attachment Attach(pid_t pid, const std::string& /*agent*/) { Refuse(pid); }

Attachment Detach(pid_t pid) { Refuse(pid); }

}  // namespace jemalloc_exporter
