#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_UID_ALLOWLIST_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_UID_ALLOWLIST_H_

#include <sys/types.h>

#include <cstddef>

namespace jemalloc_exporter {

/// The environment variable with further user ids that the agent serves.
inline constexpr const char* kAllowUidVariable = "JEMALLOC_EXPORTER_ALLOW_UID";

/// The user ids that the agent serves: root's, the current effective one of its
/// host, and those listed. Needs libc only.
class UidAllowlist {
 public:
  constexpr UidAllowlist() = default;

  /// `list` has decimal user ids with commas between them, or is null. Entries
  /// that are no such number are ignored, and so are those after the 32nd.
  explicit UidAllowlist(const char* list);

  bool contains(uid_t uid) const;

 private:
  static constexpr std::size_t kMaxListed = 32;
  uid_t listed_[kMaxListed] = {};
  std::size_t size_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_UID_ALLOWLIST_H_
