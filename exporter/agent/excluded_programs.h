#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_EXCLUDED_PROGRAMS_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_EXCLUDED_PROGRAMS_H_

#include <algorithm>
#include <cstddef>
#include <string_view>

/// The programs in which the agent never starts.
///
/// They change credentials, capabilities or namespaces step by step and then
/// execute another program. Under PR_SET_KEEPCAPS the kernel lets the main
/// thread keep capabilities that the agent's loses, and glibc aborts a process
/// whose threads get different results; unshare(2) and setns(2) refuse a
/// process with two threads.
namespace jemalloc_exporter {

/// Names with commas between them. Those of the first list execute a program as
/// another user.
inline constexpr std::string_view kUserChangingPrograms =
    "setpriv,su,runuser,sudo,doas,gosu,su-exec,capsh,chpst,setuidgid,"
    "s6-setuidgid,s6-applyuidgid,start-stop-daemon";
inline constexpr std::string_view kNamespaceChangingPrograms =
    "bwrap,unshare,nsenter,firejail,nsjail,minijail0,runc,crun";

/// Whether `name` is in `list`, which has commas between names.
constexpr bool ListContains(std::string_view list, std::string_view name) {
  for (const char *at = list.data(), *const limit = at + list.size();
       at < limit;) {
    const char *const end = std::find(at, limit, ',');
    if (name == std::string_view(at, static_cast<std::size_t>(end - at))) {
      return true;
    }
    at = end + 1;
  }
  return false;
}

/// Whether the agent does not start in a program of this name: one of
/// `excluded`, names with commas between them, or of the lists above.
constexpr bool IsExcluded(std::string_view program, std::string_view excluded) {
  return !program.empty() &&
         (ListContains(kUserChangingPrograms, program) ||
          ListContains(kNamespaceChangingPrograms, program) ||
          ListContains(excluded, program));
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_EXCLUDED_PROGRAMS_H_
