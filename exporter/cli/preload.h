#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PRELOAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PRELOAD_H_

#include <string>

#include "exporter/cli/exec.h"

namespace jemalloc_exporter {

/// The value of LD_PRELOAD that gives a command the agent, and jemalloc where
/// that is asked for, before what is preloaded already. Where the command will
/// not show up in spite of it, `hint` says why on one line: no agent to be
/// found, a static or a setuid program.
std::string Preload(const ExecOptions& options, std::string* hint);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PRELOAD_H_
