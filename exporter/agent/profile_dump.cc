#include "exporter/agent/profile_dump.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <limits>

#include "collector/jemalloc/jemalloc_version.h"
#include "collector/text/json_writer.h"
#include "exporter/agent/protocol.h"
#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kDescriptors = "/proc/thread-self/fd/";
constexpr std::size_t kMaxDigits = std::numeric_limits<int>::digits10 + 2;

// Keys, punctuation and the pid fit in the rest.
constexpr std::size_t kMaxDocument =
    MaxJsonStringSize(kMaxCommSize) +
    MaxJsonStringSize(kMaxJemallocVersionSize) + 128;

bool IsTrue(Mallctl* mallctl, const char* option) {
  bool value = false;
  std::size_t size = sizeof(value);
  return mallctl(option, &value, &size, nullptr, 0) == 0 && value;
}

// Removes "5" and what follows it from "5.3.0-0-g54eaed1d8b56".
int RemoveNumber(const char*& text) {
  int number = 0;
  const auto parsed = std::from_chars(text, text + std::strlen(text), number);
  text = parsed.ptr;
  if (*text != '\0') ++text;
  return number;
}

// Since 5.3.1 the names of threads are not freed while a profile is written.
bool HasThreadNameFix(Mallctl* mallctl) {
  const char* version = JemallocVersion(mallctl);
  const int major = RemoveNumber(version);
  const int minor = RemoveNumber(version);
  const int patch = RemoveNumber(version);
  if (major != 5) return major > 5;
  if (minor != 3) return minor > 3;
  return patch >= 1;
}

bool IsProfiled(Mallctl* mallctl) {
  return IsTrue(mallctl, "opt.prof") &&
         (!IsTrue(mallctl, "opt.prof_sys_thread_name") ||
          HasThreadNameFix(mallctl));
}

// The raw call, because glibc before 2.27 has no function. Linux before 6.3
// knows no MFD_NOEXEC_SEAL; later the sysctl vm.memfd_noexec may demand it.
int CreateMemoryFile() {
  constexpr unsigned kNoExecSeal = 8;
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  constexpr const char* kName = "jemalloc_profile";
  const auto file = static_cast<int>(
      SystemCall(SYS_memfd_create, kName, kFlags | kNoExecSeal));
  if (file >= 0 || errno != EINVAL) return file;
  return static_cast<int>(SystemCall(SYS_memfd_create, kName, kFlags));
}

// The raw call: glibc 2.28 has a new version of the function.
bool Seal(int file) {
  return SystemCall(SYS_fcntl, file, F_ADD_SEALS,
                    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) ==
         0;
}

// jemalloc reports no error for a write(2) that RLIMIT_FSIZE has cut short.
bool IsComplete(int file) {
  rlimit limit = {};
  const off_t size = SystemCall(SYS_lseek, file, 0, SEEK_END);
  return size > 0 && SystemCall(SYS_lseek, file, 0, SEEK_SET) == 0 &&
         SystemCall(SYS_prlimit64, 0, RLIMIT_FSIZE, nullptr, &limit) == 0 &&
         static_cast<rlim_t>(size) < limit.rlim_cur;
}

bool WriteDump(Mallctl* mallctl, int file) {
  char path[kDescriptors.size() + kMaxDigits + 1];
  char* end = std::copy(kDescriptors.begin(), kDescriptors.end(), path);
  end = std::to_chars(end, end + kMaxDigits, file).ptr;
  *end = '\0';
  const char* name = path;
  return mallctl("prof.dump", nullptr, nullptr, &name, sizeof(name)) == 0;
}

char* Copy(std::string_view text, char* out) {
  return std::copy(text.begin(), text.end(), out);
}

char* WriteKey(std::string_view key, char* out) {
  return Copy("\":", Copy(key, Copy("\"", out)));
}

char* WriteNumber(int number, char* out) {
  return std::to_chars(out, out + kMaxDigits, number).ptr;
}

// Not substr(), which would need libstdc++ for its exception.
char* WriteText(std::string_view text, std::size_t max_size, char* out) {
  return WriteJsonString({text.data(), std::min(text.size(), max_size)}, out);
}

char* WriteDocument(std::string_view comm, std::string_view version, bool is_ok,
                    char* out) {
  out = WriteNumber(kAgentVersion, WriteKey(kAgentKey, Copy("{", out)));
  out = WriteNumber(GetPid(), WriteKey(kPidKey, Copy(",", out)));
  out = WriteText(comm, kMaxCommSize, WriteKey(kCommKey, Copy(",", out)));
  out = WriteText(version, kMaxJemallocVersionSize,
                  WriteKey(kJemallocVersionKey, Copy(",", out)));
  out = WriteKey(kProfileKey, Copy(",", out));
  out = WriteJsonString(is_ok ? kProfileOk : kProfileFailed, out);
  return Copy("}", out);
}

}  // namespace

Mallctl* FindProfiledJemalloc(const Jemallocs& jemallocs) {
  for (const Jemalloc& jemalloc : jemallocs) {
    if (IsProfiled(jemalloc.mallctl)) return jemalloc.mallctl;
  }
  return nullptr;
}

int DumpProfile(Mallctl* mallctl) {
  const int file = CreateMemoryFile();
  if (file < 0) return -1;
  if (WriteDump(mallctl, file) && IsComplete(file) && Seal(file)) return file;
  SystemCall(SYS_close, file);
  return -1;
}

void SendProfile(int peer, std::string_view comm, std::string_view version,
                 int file) {
  char document[kMaxDocument];
  const char* const end = WriteDocument(comm, version, file >= 0, document);
  iovec data = {document, static_cast<std::size_t>(end - document)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(file))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (file >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(file));
    std::memcpy(CMSG_DATA(header), &file, sizeof(file));
  }
  SystemCall(SYS_sendmsg, peer, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace jemalloc_exporter
