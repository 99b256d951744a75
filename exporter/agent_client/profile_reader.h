#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROFILE_READER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROFILE_READER_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace jemalloc_exporter {

/// Bytes of the longest heap profile that is read.
inline constexpr std::size_t kMaxProfileBytes = std::size_t{64} << 20;

/// For a process without heap profiles.
inline constexpr const char* kHowToProfile =
    "start it with: jemalloc_exporter exec --profile -- COMMAND";

/// Time for an agent to write a heap profile.
inline constexpr std::chrono::seconds kProfileTimeout{10};

/// A heap profile as an agent sent it.
struct AgentProfile {
  /// As jemalloc writes it: see jemalloc(3), `prof.dump`. Untrusted.
  std::string dump;
  /// Sanitized, see `SanitizeLabel`.
  std::string comm;
  std::string jemalloc_version;
};

/// Why there is no heap profile.
enum class ProfileFailure {
  kAbsent,   ///< No such process, or it has no socket for heap profiles.
  kTimeout,  ///< No response until the deadline.
  kInvalid,  ///< The response has no profile that can be used.
};

/// One line, and its reason.
class ProfileError : public std::runtime_error {
 public:
  ProfileError(ProfileFailure failure, const std::string& line)
      : std::runtime_error(line), failure_(failure) {}

  ProfileFailure failure() const { return failure_; }

 private:
  ProfileFailure failure_;
};

/// Whether a socket for heap profiles in this network namespace is named for
/// process `pid`. Does not connect, since that requests a profile: the name may
/// be another process's. Throws std::bad_alloc only.
bool HasProfileSocket(pid_t pid);

/// Connects to the socket for heap profiles of process `pid` in this network
/// namespace, and reads one. The kernel must return the same pid for the peer,
/// and the file must be one that its sender cannot change: a sealed memfd.
///
/// Blocks until `deadline` at the latest. Throws ProfileError.
AgentProfile ReadAgentProfile(pid_t pid,
                              std::chrono::steady_clock::time_point deadline);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROFILE_READER_H_
