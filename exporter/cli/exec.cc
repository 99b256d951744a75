#include "exporter/cli/exec.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "exporter/agent/protocol.h"
#include "exporter/cli/exec_command.h"
#include "exporter/cli/exec_parent.h"
#include "exporter/cli/exec_server.h"
#include "exporter/cli/exec_tree.h"
#include "exporter/cli/log.h"
#include "exporter/cli/preload.h"
#include "exporter/cli/process_exit.h"
#include "exporter/cli/profile_conf.h"

namespace jemalloc_exporter {
namespace {

// If the caller closed stdin, stdout or stderr, the next descriptor opened here
// would get its number. Close-on-exec: for the command it stays closed.
void OccupyStandardStreams() {
  int null = -1;
  do {
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (null >= 0 && null <= STDERR_FILENO);
  if (null >= 0) close(null);
}

// Orphans become children of such a process. So would the detached exporter.
bool AdoptsOrphans() {
  int is_subreaper = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
  return getpid() == 1 || is_subreaper != 0;
}

// ASan in a shared library terminates a program in which it is not the first
// library. Behind the agent, which has no symbol, it works the same.
void AllowAgentBeforeAsan() {
  std::string options = "verify_asan_link_order=0";
  const char* const inherited = std::getenv("ASAN_OPTIONS");
  if (inherited != nullptr && *inherited != '\0') {
    options.append(":").append(inherited);
  }
  setenv("ASAN_OPTIONS", options.c_str(), 1);
}

// Inherited by all processes of the command.
void SetEnvironment(const ExecOptions& options) {
  // A jemalloc in front would replace the malloc of ASan.
  if (!options.with_jemalloc) AllowAgentBeforeAsan();
  if (!options.agent.empty()) setenv(kAgentVariable, options.agent.c_str(), 1);
  if (!options.agent_fork.empty()) {
    setenv(kAgentForkVariable, options.agent_fork.c_str(), 1);
  }
  if (options.profile_sample_bytes) {
    const char* const inherited = std::getenv("MALLOC_CONF");
    setenv("MALLOC_CONF",
           ProfileConf(*options.profile_sample_bytes,
                       inherited == nullptr ? "" : inherited)
               .c_str(),
           1);
  }
  if (options.agent_exclude.empty()) return;
  const char* const inherited = std::getenv(kAgentExcludeVariable);
  std::string names = options.agent_exclude;
  // The option itself may come from the variable.
  if (inherited != nullptr && names != inherited) {
    names = std::string(inherited) + "," + names;
  }
  setenv(kAgentExcludeVariable, names.c_str(), 1);
}

}  // namespace

int RunExec(const ExecOptions& options,
            const std::function<int(const ExecScope&)>& serve) {
  OccupyStandardStreams();
  std::string hint;
  const std::string preload = Preload({.command = options.command,
                                       .with_jemalloc = options.with_jemalloc,
                                       .agent_path = options.agent_path},
                                      &hint);
  if (!hint.empty()) PrintWarning(hint);

  SetEnvironment(options);
  ExecTree tree = ExecTree::MarkThisProcess();
  if (!options.report_path.empty() || AdoptsOrphans()) {
    return RunAsParent(options, preload, tree, serve);
  }
  tree.set_root(getpid());
  int failed[2] = {-1, -1};
  if (pipe2(failed, O_CLOEXEC) == 0) {
    StartServer({.tree = tree,
                 .command = options.command.front(),
                 .with_jemalloc = options.with_jemalloc,
                 .pidfd = OpenPidfd(getpid()),
                 .exec_failed = failed[0]},
                serve);
  } else {
    PrintError(std::string("cannot serve: ") + std::strerror(errno));
  }
  const int error = ExecCommand(options.command, preload);
  // One byte: the exporter exits without a message.
  if (failed[1] >= 0 && write(failed[1], "", 1) < 0) {
    PrintError(std::strerror(errno));
  }
  return CannotStart(options.command.front(), error);
}

}  // namespace jemalloc_exporter
