#include "exporter/cli/attach.h"

#include <chrono>
#include <iomanip>
#include <sstream>
#include <string>

#include "exporter/attach/attach.h"
#include "exporter/cli/log.h"
#include "exporter/cli/preload.h"

namespace jemalloc_exporter {
namespace {

std::string Describe(const Attachment& attachment) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  std::ostringstream stopped;
  stopped << "; thread " << attachment.thread << " was stopped for "
          << std::fixed << std::setprecision(2)
          << Milliseconds(attachment.stopped_time).count() << " ms";
  switch (attachment.action) {
    case Attachment::Action::kLoaded:
      return "loaded the agent" + stopped.str();
    case Attachment::Action::kStarted:
      return "started the agent again" + stopped.str();
    case Attachment::Action::kStopped:
      return "the agent has ended";
    case Attachment::Action::kNone:
      break;
  }
  return "the agent is running already";
}

void Report(pid_t pid, const Attachment& attachment,
            const std::string& action) {
  PrintNotice(std::to_string(pid) + " (" + attachment.comm + "): " + action);
}

}  // namespace

int RunAttach(const AttachOptions& options) {
  const std::string agent =
      options.agent_path.empty() ? FindAgent() : options.agent_path;
  const Attachment attachment = Attach(options.pid, agent);
  Report(options.pid, attachment, Describe(attachment));
  return 0;
}

int RunDetach(pid_t pid) {
  const Attachment attachment = Detach(pid);
  Report(pid, attachment,
         attachment.action == Attachment::Action::kNone
             ? "the agent is not running"
             : Describe(attachment));
  return 0;
}

}  // namespace jemalloc_exporter
