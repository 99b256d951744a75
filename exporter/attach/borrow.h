#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_BORROW_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_BORROW_H_

#include <memory>
#include <string>

#include "exporter/attach/borrowed_thread.h"
#include "exporter/attach/remote_code.h"
#include "exporter/attach/target_process.h"

namespace jemalloc_exporter {

/// Borrows a waiting thread, the main thread if possible. Tries for 2 s, then
/// throws AttachError. The arguments must outlive the result.
std::unique_ptr<BorrowedThread> Borrow(const TargetProcess& target,
                                       const RemoteCode& code);

/// Throws AttachError unless `result` is kReturned; `function` is named in it.
void RequireReturned(const TargetProcess& target, CallResult result,
                     const std::string& function);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_BORROW_H_
