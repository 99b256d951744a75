#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_AGENT_CONDITIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_AGENT_CONDITIONS_H_

#include <string>
#include <string_view>
#include <vector>

#include "exporter/attach/target_process.h"

namespace jemalloc_exporter {

/// The reason for which the agent would not start in a process, by its
/// environment and its auxiliary vector as of execve(2); empty if there is
/// none. The agent has the same conditions: exporter/agent/start_conditions.h.
/// Checked outside, a program of the exclusion list does not even load it.
std::string FindAgentObstacle(const TargetProcess& target);

/// The same of the texts of /proc/PID/environ and /proc/PID/auxv. `names`: the
/// paths of the program, of which the last components count.
std::string FindAgentObstacle(std::string_view environment,
                              std::string_view auxiliary_vector,
                              const std::vector<std::string>& names);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_AGENT_CONDITIONS_H_
