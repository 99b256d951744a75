#include "exporter/connector/capabilities.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace jemalloc_exporter {
namespace {

constexpr uid_t kOverflowUser = 65534;

constexpr CapabilitySet Bit(int capability) {
  return CapabilitySet{1} << capability;
}

constexpr std::pair<CapabilitySet, std::string_view> kNames[] = {
    {Bit(CAP_SYS_ADMIN), "CAP_SYS_ADMIN"},
    {Bit(CAP_SYS_PTRACE), "CAP_SYS_PTRACE"},
    {Bit(CAP_SETUID), "CAP_SETUID"},
};

// capset(2) and capget(2) have no function in glibc. Those of the calling
// thread are read and set.
struct CapabilityData {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct halves[_LINUX_CAPABILITY_U32S_3] = {};
};

// No ambient one remains, because none is inheritable.
void SetCapabilities(CapabilitySet permitted) {
  CapabilityData data;
  for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; ++i) {
    const auto half = static_cast<unsigned>(permitted >> (32 * i));
    data.halves[i] = {.effective = half, .permitted = half, .inheritable = 0};
  }
  syscall(SYS_capset, &data.header, &data.halves);
}

void RestrictBoundingSet(CapabilitySet keep) {
  for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; ++i) {
    if ((keep & Bit(i)) == 0 && prctl(PR_CAPBSET_DROP, i) != 0) return;
  }
}

}  // namespace

const CapabilitySet kConnectorCapabilities =
    Bit(CAP_SYS_ADMIN) | Bit(CAP_SYS_PTRACE) | Bit(CAP_SETUID);

CapabilitySet PermittedCapabilities() {
  CapabilityData data;
  if (syscall(SYS_capget, &data.header, &data.halves) != 0) return 0;
  return (CapabilitySet{data.halves[1].permitted} << 32) |
         data.halves[0].permitted;
}

CapabilitySet RestrictCapabilities(CapabilitySet keep) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  RestrictBoundingSet(keep);
  SetCapabilities(PermittedCapabilities() & keep);
  return PermittedCapabilities();
}

void RaiseCapabilities() { SetCapabilities(PermittedCapabilities()); }

bool DropPrivileges() {
  if (geteuid() == 0 || getuid() == 0) {
    setgroups(0, nullptr);
    static_cast<void>(setresgid(kOverflowUser, kOverflowUser, kOverflowUser) ==
                      0);
    static_cast<void>(setresuid(kOverflowUser, kOverflowUser, kOverflowUser) ==
                      0);
  }
  RestrictCapabilities(0);
  return geteuid() != 0;
}

std::string CapabilityNames(CapabilitySet capabilities) {
  std::string names;
  for (const auto& [bit, name] : kNames) {
    if ((capabilities & bit) == 0) continue;
    names += (names.empty() ? "" : " and ") + std::string(name);
  }
  return names;
}

}  // namespace jemalloc_exporter
