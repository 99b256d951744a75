#include "exporter/attach/target_process.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "exporter/agent/protocol.h"
#include "exporter/attach/attach_error.h"
#include "exporter/attach/elf_file.h"
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

void CheckStatus(const TargetProcess& target, std::string_view status) {
  const std::string_view thread_group = StatusField(status, "Tgid");
  if (thread_group != std::to_string(target.pid)) {
    Refuse(target, "a thread of process " + std::string(thread_group));
  }
  const char state = State(status);
  if (state == 'Z' || state == 'X') Refuse(target, "a zombie");
  // Kernel threads and processes that end have no memory of their own. The
  // former are children of kthreadd.
  if (StatusField(status, "VmSize").empty()) {
    const std::string_view parent = StatusField(status, "PPid");
    const bool is_kernel_thread =
        parent == "2" || (target.pid == 2 && parent == "0");
    Refuse(target, is_kernel_thread ? "a kernel thread" : "has ended");
  }
  const std::string_view tracer = StatusField(status, "TracerPid");
  if (tracer != "0") {
    Refuse(target, "is being traced by " + std::string(tracer));
  }
  if (state == 'T') Refuse(target, "is stopped");
  // Shadow stacks (CET) would have to be written, too.
  if (StatusField(status, "x86_Thread_features").find("shstk") !=
      std::string_view::npos) {
    Refuse(target, "has shadow stacks");
  }
}

void CheckProgram(const TargetProcess& target) {
  const std::string path = "/proc/" + std::to_string(target.pid) + "/exe";
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    Refuse(target, "its program cannot be opened");
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

TargetProcess ExamineProcess(pid_t pid) {
  constexpr std::string_view kForbidden =
      "not allowed to look into it (needs its user and "
      "kernel.yama.ptrace_scope 0, or CAP_SYS_PTRACE)";
  TargetProcess target;
  target.pid = pid;
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::string status = pid > 0 ? ReadProcFile(folder + "/status") : "";
  if (status.empty()) {
    if (pid > 0 && Exists(pid)) Refuse(target, kForbidden);
    Refuse(target, "no such process");
  }
  target.comm = SanitizeLabel(StatusField(status, "Name"), kMaxCommSize);
  CheckStatus(target, status);
  target.maps_text = ReadProcFile(folder + "/maps");
  target.maps = ParseMaps(target.maps_text);
  if (target.maps.empty()) {
    Refuse(target, Exists(pid) ? kForbidden : "no such process");
  }
  CheckProgram(target);
  return target;
}

}  // namespace jemalloc_exporter
