#include "exporter/attach/target_process.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "exporter/agent/protocol.h"
#include "exporter/attach/attach_error.h"
#include "exporter/attach/elf_file.h"
#include "exporter/attach/remote_memory.h"
#include "exporter/attach/trace_permission.h"
#include "exporter/process/proc_file.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

[[noreturn]] void Refuse(const TargetProcess& target, std::string_view reason) {
  throw AttachError(target.Describe(reason));
}

bool Exists(pid_t pid) { return kill(pid, 0) == 0 || errno != ESRCH; }

// The state letter, see proc(5): "S (sleeping)".
char State(std::string_view status) {
  const std::string_view state = StatusField(status, "State");
  return state.empty() ? '?' : state.front();
}

std::string ReadAuxiliaryVector(pid_t pid) {
  return ReadProcFile("/proc/" + std::to_string(pid) + "/auxv");
}

// The kernel checks this access as ptrace(2) does, with that of yama. Reading
// /proc takes less. Other errors are of a process that ends or executes another
// program.
bool IsMemoryForbidden(const TargetProcess& target) {
  const auto mapping = std::find_if(
      target.maps.begin(), target.maps.end(),
      [](const Mapping& m) { return m.is_readable && m.inode != 0; });
  char byte = 0;
  return mapping != target.maps.end() &&
         ReadMemory(target.pid, mapping->start, &byte, 1) != 1 &&
         errno == EPERM;
}

void CheckProgram(const TargetProcess& target) {
  const std::string path = "/proc/" + std::to_string(target.pid) + "/exe";
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    Refuse(target,
           errno == ENOENT ? "has ended" : "its program cannot be opened");
  }
  char identification[EI_NIDENT] = {};
  if (pread(file.get(), identification, EI_NIDENT, 0) == EI_NIDENT &&
      identification[EI_CLASS] == ELFCLASS32) {
    Refuse(target, "a 32-bit program");
  }
  const auto elf = ElfFile::Read(std::move(file));
  if (!elf || elf->machine() != EM_X86_64) {
    Refuse(target, "a program of another processor");
  }
}

}  // namespace

std::string TargetProcess::Describe(std::string_view reason) const {
  return std::to_string(pid) + (comm.empty() ? "" : " (" + comm + ")") + ": " +
         std::string(reason);
}

std::string_view StatusField(std::string_view status, std::string_view name) {
  for (std::size_t at = 0; at < status.size();) {
    const auto end = std::min(status.find('\n', at), status.size());
    std::string_view line = status.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    if (!line.starts_with(':')) continue;
    const auto value = line.find_first_not_of(":\t ");
    return value == std::string_view::npos ? "" : line.substr(value);
  }
  return {};
}

bool HasSeccomp(pid_t pid, pid_t thread) {
  const std::string status =
      ReadProcFile("/proc/" + std::to_string(pid) + "/task/" +
                   std::to_string(thread) + "/status");
  return StatusField(status, "Seccomp") != "0";
}

bool HasOtherImage(const TargetProcess& target) {
  const std::string now = ReadAuxiliaryVector(target.pid);
  return !now.empty() && now != target.auxiliary_vector;  // Empty: has ended.
}

std::string FindStatusObstacle(pid_t pid, std::string_view status) {
  const std::string_view thread_group = StatusField(status, "Tgid");
  if (thread_group != std::to_string(pid)) {
    return "a thread of process " + std::string(thread_group);
  }
  const char state = State(status);
  if (state == 'Z' || state == 'X') return "a zombie";
  // Kernel threads and processes that end have no memory of their own. The
  // former are children of kthreadd.
  if (StatusField(status, "VmSize").empty()) {
    const std::string_view parent = StatusField(status, "PPid");
    const bool is_kernel_thread = parent == "2" || (pid == 2 && parent == "0");
    return is_kernel_thread ? "a kernel thread" : "has ended";
  }
  const std::string_view tracer = StatusField(status, "TracerPid");
  if (tracer != "0") return "is being traced by " + std::string(tracer);
  if (state == 'T') return "is stopped";
  // Shadow stacks (CET) would have to be written, too.
  if (StatusField(status, "x86_Thread_features").find("shstk") !=
      std::string_view::npos) {
    return "has shadow stacks";
  }
  return {};
}

TargetProcess ExamineProcess(pid_t pid) {
  TargetProcess target;
  target.pid = pid;
  const std::string folder = "/proc/" + std::to_string(pid);
  const auto refuse_access = [&] {
    Refuse(target, Exists(pid) ? DescribeMissingPermission(ReadPtraceScope())
                               : "no such process");
  };
  const std::string status = pid > 0 ? ReadProcFile(folder + "/status") : "";
  if (pid <= 0) Refuse(target, "no such process");
  if (status.empty()) refuse_access();
  target.comm = SanitizeLabel(StatusField(status, "Name"), kMaxCommSize);
  const std::string obstacle = FindStatusObstacle(pid, status);
  if (!obstacle.empty()) Refuse(target, obstacle);
  target.auxiliary_vector = ReadAuxiliaryVector(pid);
  target.maps = ParseMaps(ReadProcFile(folder + "/maps"));
  if (target.maps.empty()) {
    // Without memory the file is empty, and can be opened.
    if (FileDescriptor(
            open((folder + "/maps").c_str(), O_RDONLY | O_CLOEXEC))) {
      Refuse(target, "has ended");
    }
    refuse_access();
  }
  CheckProgram(target);
  if (IsMemoryForbidden(target)) refuse_access();
  return target;
}

}  // namespace jemalloc_exporter
