#include "exporter/attach/attach.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "exporter/agent/protocol.h"
#include "exporter/attach/agent_conditions.h"
#include "exporter/attach/agent_thread.h"
#include "exporter/attach/attach_error.h"
#include "exporter/attach/borrow.h"
#include "exporter/attach/heap_symbols.h"
#include "exporter/attach/loaded_object.h"
#include "exporter/attach/remote_code.h"
#include "exporter/attach/remote_memory.h"
#include "exporter/attach/seccomp_filter.h"
#include "exporter/attach/target_process.h"
#include "exporter/process/proc_file.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kMemoryFile = "jemalloc_exporter_agent";
constexpr std::string_view kLibrary = "libjemalloc_exporter_agent.so";
// In exporter/agent/agent.cc.
constexpr std::string_view kStartFunction = "jemalloc_exporter_agent_start";

[[noreturn]] void Refuse(const TargetProcess& target, std::string_view reason) {
  throw AttachError(target.Describe(reason));
}

// Held by one `attach` to a process at a time: two would each load the agent.
FileDescriptor LockProcess(pid_t pid) {
  constexpr milliseconds kMaxWait{5000};
  // It can be opened only where the process may be traced.
  const std::string memory = "/proc/" + std::to_string(pid) + "/mem";
  FileDescriptor lock(open(memory.c_str(), O_RDONLY | O_CLOEXEC));
  const auto end = steady_clock::now() + kMaxWait;
  while (flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    if (steady_clock::now() > end)
      Refuse(ExamineProcess(pid), "another attach is in progress");
    std::this_thread::sleep_for(milliseconds(5));
  }
  return lock;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty()) throw AttachError(path + ": " + std::strerror(errno));
  return bytes;
}

const LoadedObject* FindAgentObject(const std::vector<LoadedObject>& objects) {
  const auto found = std::find_if(
      objects.begin(), objects.end(), [](const LoadedObject& object) {
        return object.path.find(kMemoryFile) != std::string::npos ||
               object.name() == kLibrary;
      });
  return found == objects.end() ? nullptr : &*found;
}

// The agent needs glibc's dynamic linker.
std::uint64_t FindDlopen(const TargetProcess& target,
                         const std::vector<LoadedObject>& objects) {
  if (objects.size() == 1 && objects.front().is_program) {
    Refuse(target,
           "a static program: only `show --pid PID --ptrace` can read it");
  }
  // libdl.so.2 before glibc 2.34.
  for (const std::string_view library : {"libc.so.6", "libdl.so.2"}) {
    for (const LoadedObject& object : objects) {
      if (object.name() != library) continue;
      const auto address = FindFunction(object, SHT_DYNSYM, "dlopen");
      if (address) return *address;
    }
  }
  Refuse(target, "of another libc than glibc, or without dlopen");
}

// The agent's thread inherits the filters of the thread that loads it.
void CheckFilter(const TargetProcess& target, BorrowedThread& thread) {
  if (!thread.has_seccomp()) return;
  const auto filters = ReadFilters(thread.thread());
  std::string reason = "its seccomp filter cannot be read";
  if (filters) {
    const std::string_view call = FindForbiddenCall(*filters);
    if (call.empty()) return;
    reason = "its seccomp filter forbids " + std::string(call);
  }
  thread.Release();
  Refuse(target, reason);
}

bool Write(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::uint64_t WriteText(const TargetProcess& target,
                        const BorrowedThread& thread, std::string_view text) {
  const std::string bytes(text);  // With a NUL.
  WriteMemory(target.pid, thread.data(), bytes.c_str(), bytes.size() + 1);
  return thread.data();
}

// The agent calls mallctl also after the process has closed its library, which
// would be unmapped. A file that was replaced since has no path: not kept.
void KeepLoaded(const TargetProcess& target, BorrowedThread& thread,
                std::uint64_t dlopen, const std::string& library) {
  thread.Call(dlopen, {WriteText(target, thread, library),
                       RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE});
}

// glibc takes a path for the library that it loaded under the same one before.
std::string UniquePath(std::int64_t descriptor) {
  constexpr std::size_t kMaxSlashes = 200;
  return std::string(kAttachPathPrefix) +
         std::string(std::random_device{}() % kMaxSlashes, '/') +
         std::to_string(descriptor);
}

// Returns the error of dlopen(3); empty on success, or if it is not known.
std::string Load(const TargetProcess& target, BorrowedThread& thread,
                 std::uint64_t dlopen, std::optional<std::uint64_t> dlerror,
                 const std::string& library) {
  const auto descriptor = thread.CallSystem(
      SYS_memfd_create,
      {WriteText(target, thread, kMemoryFile), MFD_CLOEXEC, 0, 0, 0, 0});
  if (!descriptor || *descriptor < 0) return "memfd_create failed";
  {
    const std::string path = "/proc/" + std::to_string(target.pid) + "/fd/" +
                             std::to_string(*descriptor);
    const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || !Write(file.get(), library)) {
      thread.CallSystem(SYS_close,
                        {static_cast<std::uint64_t>(*descriptor), 0, 0, 0, 0});
      return "its memory file cannot be written";
    }
  }
  const std::string path = UniquePath(*descriptor);
  std::string error;
  const CallResult result =
      thread.Call(dlopen, {WriteText(target, thread, path), RTLD_NOW});
  const std::string maps =
      ReadProcFile("/proc/" + std::to_string(target.pid) + "/maps");
  const bool is_mapped = maps.find(kMemoryFile) != std::string::npos;
  if (result == CallResult::kReturned && !is_mapped && dlerror) {
    const auto text = thread.CallForPointer(*dlerror, {});
    constexpr std::size_t kMaxText = 512;
    if (text && *text != 0) error = ReadString(target.pid, *text, kMaxText);
    if (error.starts_with(path + ": ")) error.erase(0, path.size() + 2);
  }
  thread.CallSystem(SYS_close,
                    {static_cast<std::uint64_t>(*descriptor), 0, 0, 0, 0, 0});
  return error;
}

// The thread listens before dlopen(3) returns, unless that was left.
pid_t AwaitThread(pid_t pid) {
  constexpr milliseconds kMaxWait{1000};
  const auto end = steady_clock::now() + kMaxWait;
  pid_t thread = FindAgentThread(pid);
  while (thread == 0 && steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(5));
    thread = FindAgentThread(pid);
  }
  return thread;
}

}  // namespace

Attachment Attach(pid_t pid, const std::string& agent) {
  const FileDescriptor lock = LockProcess(pid);
  const TargetProcess target = ExamineProcess(pid);
  Attachment attachment;
  attachment.comm = target.comm;
  if (FindAgentThread(pid) != 0) return attachment;
  const std::vector<LoadedObject> objects = OpenLoadedObjects(target);
  const std::vector<RemoteHeap> heaps = FindHeaps(objects);
  if (heaps.empty()) Refuse(target, DescribeMissingHeap(target));
  const std::uint64_t dlopen = FindDlopen(target, objects);
  const std::string obstacle = FindAgentObstacle(target);
  if (!obstacle.empty()) Refuse(target, obstacle);
  const auto code = FindRemoteCode(objects);
  if (!code) Refuse(target, "has no code by which signal handlers return");
  std::optional<std::uint64_t> dlerror;
  for (const LoadedObject& object : objects) {
    if (FindFunction(object, SHT_DYNSYM, "__tsan_init"))
      Refuse(target,
             "has ThreadSanitizer, with which the agent does not start");
    if (!dlerror) dlerror = FindFunction(object, SHT_DYNSYM, "dlerror");
  }
  const LoadedObject* const loaded = FindAgentObject(objects);
  std::optional<std::uint64_t> start;
  if (loaded != nullptr) {
    start = FindFunction(*loaded, SHT_SYMTAB, kStartFunction);
    if (!start) Refuse(target, "its agent cannot be started again");
  }
  const std::string library = start ? "" : ReadFile(agent);
  const std::unique_ptr<BorrowedThread> thread = Borrow(target, *code);
  CheckFilter(target, *thread);
  std::string error;
  if (start) {
    thread->Call(*start, {});
  } else {
    for (const RemoteHeap& heap : heaps) {
      if (!heap.library.empty()) {
        KeepLoaded(target, *thread, dlopen, heap.library);
      }
    }
    error = Load(target, *thread, dlopen, dlerror, library);
  }
  thread->Release();
  attachment.action =
      start ? Attachment::Action::kStarted : Attachment::Action::kLoaded;
  attachment.thread = thread->thread();
  attachment.stopped_time = thread->stopped_time();
  if (!error.empty()) Refuse(target, "cannot load the agent: " + error);
  const pid_t agent_thread = AwaitThread(pid);
  if (agent_thread == 0) {
    RequireReturned(target, thread->result(), start ? "the agent" : "dlopen");
    Refuse(target, "loaded, but does not answer");
  }
  ResetScheduling(pid, agent_thread);
  return attachment;
}

Attachment Detach(pid_t pid) {
  Attachment attachment;
  const std::string status =
      ReadProcFile("/proc/" + std::to_string(pid) + "/status");
  TargetProcess target;
  target.pid = pid;
  if (status.empty()) Refuse(target, "no such process");
  target.comm = SanitizeLabel(StatusField(status, "Name"), kMaxCommSize);
  attachment.comm = target.comm;
  const pid_t agent_thread = FindAgentThread(pid);
  if (agent_thread == 0) return attachment;
  if (syscall(SYS_tgkill, pid, agent_thread, kStopSignal) != 0) {
    Refuse(target, std::strerror(errno));
  }
  constexpr milliseconds kMaxWait{10000};
  const auto end = steady_clock::now() + kMaxWait;
  while (FindAgentThread(pid) != 0) {
    if (steady_clock::now() > end) {
      Refuse(target, "its agent has not ended within 10 s");
    }
    std::this_thread::sleep_for(milliseconds(2));
  }
  attachment.action = Attachment::Action::kStopped;
  return attachment;
}

}  // namespace jemalloc_exporter
