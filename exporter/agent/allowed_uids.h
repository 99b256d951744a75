#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_ALLOWED_UIDS_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_ALLOWED_UIDS_H_

#include <sys/types.h>

#include <cstddef>

namespace jemalloc_exporter {

/// The environment variable that names further users whom an agent answers.
inline constexpr const char* kAllowUidVariable = "JEMALLOC_EXPORTER_ALLOW_UID";

/// Whom an agent answers: root, the user that its host runs as at the moment,
/// and those listed. Needs nothing but libc.
class AllowedUids {
 public:
  constexpr AllowedUids() = default;

  /// `list` is decimal user ids with commas between them, or null. What is not
  /// such a number allows nobody; neither does what comes after the 32nd.
  explicit AllowedUids(const char* list);

  bool contains(uid_t uid) const;

 private:
  static constexpr std::size_t kMaxListed = 32;
  uid_t listed_[kMaxListed] = {};
  std::size_t size_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_ALLOWED_UIDS_H_
