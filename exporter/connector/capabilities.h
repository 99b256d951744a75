#ifndef JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CAPABILITIES_H_
#define JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CAPABILITIES_H_

#include <cstdint>
#include <string>

namespace jemalloc_exporter {

/// Bit N is capability N of capabilities(7).
using CapabilitySet = std::uint64_t;

/// The capabilities of the connector:
/// - CAP_SYS_PTRACE: reads the network namespace of any process;
/// - CAP_SYS_ADMIN: enters it;
/// - CAP_SETUID: connects as the user of an agent whose user namespace has no
///   number for the user of the exporter.
extern const CapabilitySet kConnectorCapabilities;

/// The permitted capabilities of the calling thread.
CapabilitySet PermittedCapabilities();

/// Removes all capabilities but `keep` from every set of the calling thread,
/// the bounding set included where CAP_SETPCAP is permitted. What remains is
/// effective, and nothing that the thread executes has it. Returns the
/// remaining set.
CapabilitySet RestrictCapabilities(CapabilitySet keep);

/// Makes the permitted capabilities effective again: a change of the effective
/// user from or to 0 clears or sets them.
void RaiseCapabilities();

/// Gives up all rights of the process: the capabilities; where it runs as root,
/// the user, the group and supplementary groups, for 65534. Without CAP_SETGID
/// the groups stay. Executed programs gain no rights either. Call before
/// starting threads. Returns false if the process has kept user 0.
bool DropPrivileges();

/// `CAP_SYS_ADMIN and CAP_SETUID`, of those in `kConnectorCapabilities`.
std::string CapabilityNames(CapabilitySet capabilities);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CAPABILITIES_H_
