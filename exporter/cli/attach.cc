#include "exporter/cli/attach.h"

#include <chrono>
#include <iomanip>
#include <iostream>

#include "exporter/attach/attach.h"
#include "exporter/cli/preload.h"

namespace jemalloc_exporter {
namespace {

void Report(pid_t pid, const Attachment& attachment) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  std::cerr << "jemalloc_exporter: " << pid << " (" << attachment.comm << "): ";
  switch (attachment.action) {
    case Attachment::Action::kNone:
      std::cerr << "the agent is running already\n";
      return;
    case Attachment::Action::kStopped:
      std::cerr << "the agent has ended\n";
      return;
    case Attachment::Action::kLoaded:
      std::cerr << "loaded the agent";
      break;
    case Attachment::Action::kStarted:
      std::cerr << "started the agent again";
      break;
  }
  std::cerr << "; thread " << attachment.thread << " was stopped for "
            << std::fixed << std::setprecision(2)
            << Milliseconds(attachment.stopped_time).count() << " ms\n";
}

}  // namespace

int RunAttach(const AttachOptions& options) {
  const std::string agent =
      options.agent_path.empty() ? FindAgent() : options.agent_path;
  Report(options.pid, Attach(options.pid, agent));
  return 0;
}

int RunDetach(pid_t pid) {
  const Attachment attachment = Detach(pid);
  if (attachment.action == Attachment::Action::kNone) {
    std::cerr << "jemalloc_exporter: " << pid << " (" << attachment.comm
              << "): the agent is not running\n";
  } else {
    Report(pid, attachment);
  }
  return 0;
}

}  // namespace jemalloc_exporter
