#include "exporter/agent/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {
namespace {

constexpr std::uint64_t kSetUid = std::uint64_t{1} << CAP_SETUID;
constexpr std::uint64_t kSetGid = std::uint64_t{1} << CAP_SETGID;

// capset(2) and capget(2) have no function in glibc; those of the calling
// thread are read and set here.
struct CapabilitySets {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
};

std::uint64_t Join(unsigned low, unsigned high) {
  return (std::uint64_t{high} << 32) | low;
}

// True where a set has other bits than `keep`, which are then removed.
void Restrict(std::uint64_t keep, std::uint64_t* permitted) {
  CapabilitySets sets;
  *permitted = 0;
  if (SystemCall(SYS_capget, &sets.header, &sets.data) != 0) return;
  const auto& [low, high] = sets.data;
  *permitted = Join(low.permitted, high.permitted);
  const std::uint64_t all =
      *permitted | Join(low.inheritable, high.inheritable);
  if ((all & ~keep) == 0) return;
  const std::uint64_t kept = *permitted & keep;
  for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; ++i) {
    const auto half = static_cast<unsigned>(kept >> (32 * i));
    sets.data[i] = {.effective = half, .permitted = half, .inheritable = 0};
  }
  if (SystemCall(SYS_capset, &sets.header, &sets.data) == 0) *permitted = kept;
}

// The raw calls: glibc's change all threads. They make the process undumpable,
// which the host may have made it again since it changed its own.
void AdoptIds(const HostStatus& host) {
  uid_t uids[3];
  gid_t gids[3];
  if (SystemCall(SYS_getresuid, &uids[0], &uids[1], &uids[2]) != 0 ||
      SystemCall(SYS_getresgid, &gids[0], &gids[1], &gids[2]) != 0 ||
      (std::equal(uids, uids + 3, host.uids) &&
       std::equal(gids, gids + 3, host.gids))) {
    return;
  }
  const auto dumpable = SystemCall(SYS_prctl, PR_GET_DUMPABLE);
  SystemCall(SYS_setresgid, host.gids[0], host.gids[1], host.gids[2]);
  SystemCall(SYS_setresuid, host.uids[0], host.uids[1], host.uids[2]);
  if (dumpable == 1) SystemCall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}

}  // namespace

void Privileges::DropAtStart() {
  SystemCall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  Restrict(kSetUid | kSetGid, &permitted_);
  if ((permitted_ & kSetGid) != 0) SystemCall(SYS_setgroups, 0, nullptr);
}

void Privileges::Adopt(const HostStatus& host) {
  const bool is_unknown = host.threads == HostStatus::kUnknown;
  if (is_unknown || (permitted_ & ~host.permitted) == 0) return;
  if ((host.permitted & kSetUid) == 0) AdoptIds(host);
  Restrict(host.permitted, &permitted_);
}

}  // namespace jemalloc_exporter
