#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_SECCOMP_FILTER_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_SECCOMP_FILTER_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// Runs a program of a seccomp filter, see seccomp(2); returns its action and
/// data. Absent for an instruction that the kernel does not accept there.
std::optional<std::uint32_t> RunFilter(const std::vector<sock_filter>& program,
                                       const seccomp_data& data);

/// The filters of a thread that the caller has stopped with ptrace(2). Absent
/// where they cannot be read, which needs CAP_SYS_ADMIN.
std::optional<std::vector<std::vector<sock_filter>>> ReadFilters(pid_t thread);

/// The name of the first system call of the agent for which one of the filters
/// kills, traps or notifies; empty if all are allowed or fail with an error.
/// Evaluated with the agent's arguments where they are constants; addresses,
/// sizes and descriptors are taken to be 0.
std::string_view FindForbiddenCall(
    const std::vector<std::vector<sock_filter>>& filters);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_SECCOMP_FILTER_H_
